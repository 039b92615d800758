//! Readers: the newest state again and again, for a thread that reads much.
//!
//! A reader keeps the image it has read last, and looks whether it is still the newest. That is one
//! plain load, where a [`Catalog`] has to claim the image for each read, which makes the processor
//! finish all loads on their way before it begins with others. A reader never writes.

use std::fmt;
use std::sync::Arc;

use super::Catalog;
use super::published::{Kept, Published};
use super::snapshot::Snapshot;
use crate::image::Image;

/// Reads the newest state of a [`Catalog`], from one thread, in less time than the catalog does.
///
/// Each call sees everything that was answered before it, as with the catalog. In between, a reader
/// keeps the state it has read last: one that is not used any more should be dropped, since it costs
/// the memory of what has changed since. It does not keep the catalog open.
///
/// Every reading method is on [`Snapshot`] and on [`Catalog`], too.
///
/// ```
/// use coursecat::Catalog;
///
/// let catalog = Catalog::temporary()?;
/// let mut reader = catalog.reader();
/// let key = "course-v1:MITx+Math100+2026";
/// assert!(reader.get_course_run(key).is_err());
/// catalog.create_course_run_for_modulestore_course_with(key, "", "")?;
/// assert_eq!(reader.get_course_run(key)?.course_key.as_str(), key);
/// # Ok::<(), coursecat::Error>(())
/// ```
#[derive(Clone)]
pub struct Reader {
    published: Arc<Published>,
    newest: Kept,
}

impl Catalog {
    /// A reader for one thread that reads much.
    #[must_use]
    pub fn reader(&self) -> Reader {
        let published = Arc::clone(&self.shared.audience.published);
        let newest = Kept::of(&published);
        Reader { published, newest }
    }
}

impl Reader {
    /// The catalog as it is now, to be read from for as long as one likes.
    #[must_use]
    pub fn snapshot(&mut self) -> Snapshot {
        Snapshot::new(Arc::clone(self.newest.renewed(&self.published)))
    }

    #[inline(always)]
    pub(super) fn image(&mut self) -> &Image {
        self.newest.renewed(&self.published)
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}
