//! A persistent store of records, each in a numbered slot: cloning it costs a few pointers, and a
//! clone never changes when the original does. Finds nothing by what a record says.
//!
//! New records go side by side, so that many of them change few pages.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::pages::Pages;

/// Slots of a page: what is copied when one of them changes. A copy counts every pointer of the page
/// anew, and each is another line of the processor's cache; so there are few.
const PAGE: usize = 8;

/// The place of a record in its [`Slab`], for as long as the record is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(NonZeroU32);

impl Slot {
    fn place(self) -> (usize, usize) {
        let place = self.0.get() as usize;
        (place / PAGE, place % PAGE)
    }
}

/// See the [module](self).
#[derive(Clone)]
pub(super) struct Slab<T> {
    pages: Pages<Arc<[Option<T>; PAGE]>>,
    /// Slots whose records were removed.
    free: imbl::Vector<Slot>,
    /// The first slot that never had a record. No record is in slot 0: a slot that may be none then
    /// takes no more room than one.
    end: NonZeroU32,
}

impl<T: Clone> Slab<T> {
    pub(super) fn new() -> Self {
        Self {
            pages: Pages::new(),
            free: imbl::Vector::new(),
            end: NonZeroU32::MIN,
        }
    }

    /// The number of records.
    pub(super) fn len(&self) -> usize {
        self.end.get() as usize - 1 - self.free.len()
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&T> {
        let (page, at) = slot.place();
        self.pages.get(page)?.get(at)?.as_ref()
    }

    /// A record to change in place.
    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        self.entry(slot)?.as_mut()
    }

    /// Puts a record into a slot of its own.
    pub(super) fn insert(&mut self, record: T) -> Slot {
        let slot = self.free.pop_back().unwrap_or_else(|| {
            // Four thousand million records do not fit into any memory.
            let slot = Slot(self.end);
            self.end = self.end.saturating_add(1);
            slot
        });
        if slot.place().0 == self.pages.len() {
            self.pages.push(Arc::new([const { None }; PAGE]));
        }
        if let Some(entry) = self.entry(slot) {
            *entry = Some(record);
        }
        slot
    }

    /// Takes a record out; its slot may be given again.
    pub(super) fn remove(&mut self, slot: Slot) -> Option<T> {
        let record = self.entry(slot)?.take()?;
        self.free.push_back(slot);
        Some(record)
    }

    fn entry(&mut self, slot: Slot) -> Option<&mut Option<T>> {
        let (page, at) = slot.place();
        Arc::make_mut(self.pages.get_mut(page)?).get_mut(at)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn records_stay_where_they_are_and_clones_stand_still(
            steps in prop::collection::vec((0u8..4, any::<prop::sample::Index>(), any::<u32>()), 1..600)
        ) {
            let mut slab = Slab::new();
            let mut model: HashMap<u32, u32> = HashMap::new();
            let mut kept = Vec::new();
            for (step, which, value) in steps {
                let slots: Vec<u32> = model.keys().copied().collect();
                match step {
                    0 | 1 => {
                        let slot = slab.insert(value);
                        prop_assert_eq!(model.insert(slot.0.get(), value), None);
                    }
                    2 if !slots.is_empty() => {
                        let slot = Slot(NonZeroU32::new(*which.get(&slots)).unwrap());
                        if value % 2 == 0 {
                            prop_assert_eq!(slab.remove(slot), model.remove(&slot.0.get()));
                        } else if let Some(record) = slab.get_mut(slot) {
                            *record = value;
                            model.insert(slot.0.get(), value);
                        }
                    }
                    _ => kept.push((slab.clone(), model.clone())),
                }
                prop_assert_eq!(slab.len(), model.len());
            }
            kept.push((slab, model));
            for (slab, model) in kept {
                let found = (1..slab.end.get())
                    .filter_map(|at| Some((at, *slab.get(Slot(NonZeroU32::new(at)?))?)));
                prop_assert_eq!(found.collect::<HashMap<_, _>>(), model);
            }
        }
    }
}
