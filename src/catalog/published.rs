//! The published image: the one that reads are answered from. Knows nothing of how it came to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};

use crate::image::Image;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Published {
    image: ArcSwap<Image>,
    /// Goes up before the image is replaced and after: whoever has seen a newer image, by whatever way,
    /// finds that this has changed, and whoever looked in between finds it once more.
    changed: AtomicU64,
}

impl Published {
    pub(super) fn new(image: Image) -> Self {
        Self {
            image: ArcSwap::from_pointee(image),
            changed: AtomicU64::new(0),
        }
    }

    /// The newest image, for one read.
    pub(super) fn load(&self) -> Guard<Arc<Image>> {
        self.image.load()
    }

    /// The newest image, to keep.
    pub(super) fn load_full(&self) -> Arc<Image> {
        self.image.load_full()
    }

    /// Publishes an image, and gives back the one before.
    pub(super) fn swap(&self, image: Arc<Image>) -> Arc<Image> {
        // Not later than the image itself is seen: the swap releases it.
        self.changed.fetch_add(1, Ordering::Relaxed);
        let before = self.image.swap(image);
        self.changed.fetch_add(1, Ordering::Release);
        before
    }
}

/// An image that is kept from one read to the next.
#[derive(Clone)]
pub(super) struct Kept {
    image: Arc<Image>,
    /// What [`Published::changed`] was before this one was looked for.
    changed: u64,
}

impl Kept {
    pub(super) fn of(published: &Published) -> Self {
        // In this order: what is published in between is looked for once more.
        let changed = published.changed.load(Ordering::Acquire);
        Self {
            image: published.load_full(),
            changed,
        }
    }

    /// The newest image. To see that it is, takes one plain load.
    #[inline(always)]
    pub(super) fn renewed(&mut self, published: &Published) -> &Arc<Image> {
        if published.changed.load(Ordering::Acquire) != self.changed {
            self.renew(published);
        }
        &self.image
    }

    #[cold]
    fn renew(&mut self, published: &Published) {
        *self = Self::of(published);
    }
}
