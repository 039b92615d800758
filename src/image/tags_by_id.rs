//! A persistent list of tags by the ids of records, which are given in order: those of new records lie
//! side by side, so that many of them change one page. Knows nothing of what a tag leads to.

use std::sync::Arc;

use imbl::OrdMap;

use super::index::Tag;

/// Tags of a page: what is copied when one of them changes.
const PAGE: usize = 64;

/// See the [module](self). Pages without a tag are not there, whatever the ids are.
#[derive(Clone)]
pub(super) struct TagsById(OrdMap<u64, Arc<[Option<Tag>; PAGE]>>);

impl TagsById {
    pub(super) fn new() -> Self {
        Self(OrdMap::new())
    }

    pub(super) fn get(&self, id: u64) -> Option<Tag> {
        let (page, at) = place(id);
        self.0.get(&page)?[at]
    }

    pub(super) fn insert(&mut self, id: u64, tag: Tag) {
        let (page, at) = place(id);
        let page = self.0.entry(page);
        let page = page.or_insert_with(|| Arc::new([None; PAGE]));
        Arc::make_mut(page)[at] = Some(tag);
    }

    pub(super) fn remove(&mut self, id: u64) {
        let (number, at) = place(id);
        let Some(page) = self.0.get_mut(&number) else {
            return;
        };
        let page = Arc::make_mut(page);
        page[at] = None;
        if page.iter().all(Option::is_none) {
            self.0.remove(&number);
        }
    }
}

fn place(id: u64) -> (u64, usize) {
    (id / PAGE as u64, id as usize % PAGE)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_as_a_map_and_clones_stand_still(
            steps in prop::collection::vec((any::<bool>(), 0u64..200, any::<u64>()), 1..300)
        ) {
            let mut tags = TagsById::new();
            let mut model = BTreeMap::new();
            let mut kept = Vec::new();
            for (comes, id, hash) in steps {
                // Some ids are as far as they can be.
                let id = if id < 100 { id } else { u64::MAX - id };
                if comes {
                    tags.insert(id, Tag::of(hash));
                    model.insert(id, Tag::of(hash));
                } else {
                    tags.remove(id);
                    model.remove(&id);
                }
                if hash % 16 == 0 {
                    kept.push((tags.clone(), model.clone()));
                }
            }
            kept.push((tags, model));
            for (tags, model) in kept {
                let ids = (0..100).chain((0..200).map(|id| u64::MAX - id));
                for id in ids {
                    prop_assert_eq!(tags.get(id), model.get(&id).copied(), "{}", id);
                }
                let pages = model.keys().map(|id| place(*id).0);
                prop_assert_eq!(tags.0.len(), pages.collect::<std::collections::BTreeSet<_>>().len());
            }
        }
    }
}
