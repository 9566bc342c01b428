//! How often work passes from one thread to another, for the test that bounds it. In a build that serves it counts
//! nothing.

#[cfg(feature = "planted-bugs")]
use std::sync::Arc;
#[cfg(feature = "planted-bugs")]
use std::sync::atomic::{AtomicU64, Ordering};

/// The count of one store; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Handoffs {
    #[cfg(feature = "planted-bugs")]
    count: Arc<AtomicU64>,
}

impl Handoffs {
    /// Work, or its answer, goes to another thread now.
    pub fn count(&self) {
        #[cfg(feature = "planted-bugs")]
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Hand-offs since start.
    #[cfg(feature = "planted-bugs")]
    pub fn total(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}
