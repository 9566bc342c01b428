//! How much memory bodies may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::upload::PREPARING;
use crate::store::Store;

/// What a large upload holds for the expander and for sketches of its own windows, in units of the expander's: 10 MiB by default.
const EXPANDING: usize = 20;

/// Bytes a small body counts for besides its length, for what surrounds it.
const SMALL: u64 = 4 << 10;

/// The memory budgets of one server, shared by all its requests.
#[derive(Clone)]
pub struct Budget {
    ingest: Arc<Semaphore>,
    /// Uploads that wait for a share.
    waiting: Arc<AtomicUsize>,
    ingest_bytes: usize,
    large_upload: usize,
    read: Arc<Semaphore>,
    read_bytes: usize,
}

impl Budget {
    /// Budgets as the store's settings say.
    pub fn new(store: &Store) -> Self {
        let settings = store.settings();
        let window = settings.cut.max as usize;
        let expanding = settings.expand.as_ref().map_or(0, |expand| EXPANDING * expand.unit);
        Self {
            ingest: Arc::new(Semaphore::new(settings.ingest_bytes)),
            waiting: Arc::default(),
            ingest_bytes: settings.ingest_bytes,
            // One window growing, the others of about the target size, plain and encoded; what is being expanded; sketches.
            large_upload: window + PREPARING * settings.cut.target as usize + expanding,
            read: Arc::new(Semaphore::new(settings.read_bytes)),
            read_bytes: settings.read_bytes,
        }
    }

    pub(super) async fn upload(&self, expected: Option<u64>) -> Option<OwnedSemaphorePermit> {
        let large = self.large_upload as u64;
        let share = expected.map_or(large, |len| large.min(len.saturating_mul(2).saturating_add(SMALL)));
        let _waits = Waits::new(&self.waiting);
        acquire(&self.ingest, usize::try_from(share).unwrap_or(usize::MAX).min(self.ingest_bytes)).await
    }

    /// Does an upload wait for its share?
    pub fn is_wanted(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    pub(super) async fn window(&self, len: u64) -> Option<OwnedSemaphorePermit> {
        acquire(&self.read, usize::try_from(len).unwrap_or(usize::MAX).clamp(1, self.read_bytes)).await
    }
}

/// Counts as waiting until it is dropped, also when the wait is given up.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn acquire(semaphore: &Arc<Semaphore>, bytes: usize) -> Option<OwnedSemaphorePermit> {
    // Fails only when the semaphore is closed, which nobody does.
    Arc::clone(semaphore).acquire_many_owned(u32::try_from(bytes).unwrap_or(u32::MAX)).await.ok()
}
