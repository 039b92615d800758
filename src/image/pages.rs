//! A persistent row of pages: cloning it costs a pointer, and a clone never changes when the
//! original does. Knows nothing of what is on a page.
//!
//! Pages are held in groups, groups in sections, and those in one list. Changing a page copies the
//! list and the page's section and group, of pointers all, and only where a clone still shares them;
//! a page is reached in three steps, the first two of which are through lists that stay in a
//! processor's cache. All but the list have a fixed size, so that a pointer to one is no more than
//! its address.

use std::sync::Arc;

/// Pages of a group, and groups of a section. More make the copies of both dearer, fewer that of the
/// list. Groups are copied most, since nearly each change is in another.
const GROUP: usize = 16;
const SECTION: usize = 32;

/// In both, what is there comes first.
type Group<P> = Arc<[Option<P>; GROUP]>;
type Section<P> = Arc<[Option<Group<P>>; SECTION]>;

/// A row of pages, each behind a pointer of type `P`.
#[derive(Clone)]
pub(super) struct Pages<P> {
    sections: Arc<Vec<Section<P>>>,
    len: usize,
}

impl<P: Clone> Pages<P> {
    pub(super) fn new() -> Self {
        Self {
            sections: Arc::default(),
            len: 0,
        }
    }

    /// The number of pages.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    pub(super) fn get(&self, page: usize) -> Option<&P> {
        let section = self.sections.get(page / GROUP / SECTION)?;
        let group = section[page / GROUP % SECTION].as_ref()?;
        group[page % GROUP].as_ref()
    }

    /// A page to change, which no clone will see changed as long as what the pointer points to is
    /// copied before it changes.
    pub(super) fn get_mut(&mut self, page: usize) -> Option<&mut P> {
        let section = Arc::make_mut(&mut self.sections).get_mut(page / GROUP / SECTION)?;
        let group = Arc::make_mut(section)[page / GROUP % SECTION].as_mut()?;
        Arc::make_mut(group)[page % GROUP].as_mut()
    }

    /// Adds a page at the end.
    pub(super) fn push(&mut self, page: P) {
        let sections = Arc::make_mut(&mut self.sections);
        let last = self.len / GROUP / SECTION;
        if last == sections.len() {
            sections.push(Arc::new([const { None }; SECTION]));
        }
        let section = Arc::make_mut(&mut sections[last]);
        let group = section[self.len / GROUP % SECTION]
            .get_or_insert_with(|| Arc::new([const { None }; GROUP]));
        Arc::make_mut(group)[self.len % GROUP] = Some(page);
        self.len += 1;
    }
}
