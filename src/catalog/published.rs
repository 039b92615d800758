//! The published image: the one that reads are answered from. Knows nothing of how it came to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};

use crate::image::Image;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Published {
    image: ArcSwap<Image>,
    /// How many replacements of the image have begun: each goes up before a newer image is seen by anybody.
    begun: AtomicU64,
    /// How many of them have ended.
    ended: AtomicU64,
}

impl Published {
    pub(super) fn new(image: Image) -> Self {
        Self {
            image: ArcSwap::from_pointee(image),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
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
        self.begun.fetch_add(1, Ordering::Relaxed);
        let before = self.image.swap(image);
        self.ended.fetch_add(1, Ordering::Release);
        before
    }
}

/// An image that is kept from one read to the next.
#[derive(Clone)]
pub(super) struct Kept {
    image: Arc<Image>,
    /// It is what so many replacements have led to, or newer. While no more have begun, none is newer.
    replacements: u64,
}

impl Kept {
    pub(super) fn of(published: &Published) -> Self {
        // In this order: one that ends in between may not be seen. What has begun and not ended does not
        // count, so that it is looked for again until it is there.
        let replacements = published.ended.load(Ordering::Acquire);
        Self {
            image: published.load_full(),
            replacements,
        }
    }

    /// The newest image. To see that it is, takes one plain load.
    #[inline(always)]
    pub(super) fn renewed(&mut self, published: &Published) -> &Arc<Image> {
        if published.begun.load(Ordering::Acquire) != self.replacements {
            self.renew(published);
        }
        &self.image
    }

    #[cold]
    fn renew(&mut self, published: &Published) {
        *self = Self::of(published);
    }
}
