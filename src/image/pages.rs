//! A persistent row of pages: cloning it costs a pointer, and a clone never changes when the
//! original does. Knows nothing of what is on a page.
//!
//! Pages are held in groups, and the groups in one list. Changing a page copies the list and the
//! page's group, of pointers both, and only where a clone still shares them; a page is reached in
//! two steps whose lists are small enough to stay in a processor's cache.

use std::sync::Arc;

/// Pages of a group. More make the copy of a group dearer, fewer that of the list.
const GROUP: usize = 64;

/// A row of pages, each behind a pointer of type `P`.
#[derive(Clone)]
pub(super) struct Pages<P> {
    groups: Arc<Vec<Arc<[P]>>>,
    len: usize,
}

impl<P: Clone> Pages<P> {
    pub(super) fn new() -> Self {
        Self {
            groups: Arc::default(),
            len: 0,
        }
    }

    /// The number of pages.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, page: usize) -> Option<&P> {
        self.groups.get(page / GROUP)?.get(page % GROUP)
    }

    /// A page to change, which no clone will see changed as long as what the pointer points to is
    /// copied before it changes.
    pub(super) fn get_mut(&mut self, page: usize) -> Option<&mut P> {
        let group = Arc::make_mut(&mut self.groups).get_mut(page / GROUP)?;
        Arc::make_mut(group).get_mut(page % GROUP)
    }

    /// Adds a page at the end.
    pub(super) fn push(&mut self, page: P) {
        let groups = Arc::make_mut(&mut self.groups);
        match groups.last_mut() {
            Some(last) if last.len() < GROUP => {
                *last = last.iter().cloned().chain([page]).collect();
            }
            _ => groups.push(Arc::new([page])),
        }
        self.len += 1;
    }
}
