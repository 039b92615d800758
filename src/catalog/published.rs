//! The published image: the one that reads are answered from. Knows nothing of how it came to be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};

use crate::image::Image;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Published {
    image: ArcSwap<Image>,
    /// How often the image has been replaced. It says so after it was, and before anybody is answered
    /// who had to wait for that.
    replaced: AtomicU64,
}

impl Published {
    pub(super) fn new(image: Image) -> Self {
        Self {
            image: ArcSwap::from_pointee(image),
            replaced: AtomicU64::new(0),
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
        let before = self.image.swap(image);
        self.replaced.fetch_add(1, Ordering::Release);
        before
    }
}

/// An image that is kept from one read to the next.
#[derive(Clone)]
pub(super) struct Kept {
    image: Arc<Image>,
    /// How often the published image had been replaced before this one was looked for, at least.
    replaced: u64,
}

impl Kept {
    pub(super) fn of(published: &Published) -> Self {
        // In this order: what is published in between is looked for once more.
        let replaced = published.replaced.load(Ordering::Acquire);
        Self {
            image: published.load_full(),
            replaced,
        }
    }

    /// The newest image. To see that it is, takes one plain load.
    #[inline(always)]
    pub(super) fn renewed(&mut self, published: &Published) -> &Arc<Image> {
        if published.replaced.load(Ordering::Acquire) != self.replaced {
            self.renew(published);
        }
        &self.image
    }

    #[cold]
    fn renew(&mut self, published: &Published) {
        *self = Self::of(published);
    }
}
