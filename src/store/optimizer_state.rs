//! What the optimizer keeps of one store: who may work, and the objects that came in parts and wait.
//!
//! Invariant: the queue is bounded and in memory.

use std::collections::{HashSet, VecDeque};

use deltastore_format::Sequence;
use parking_lot::{Mutex, MutexGuard};

use super::blob::Space;

/// Objects that may wait.
const QUEUE: usize = 1024;

/// A version to be rewritten.
pub struct Candidate {
    pub space: Space,
    pub version: Sequence,
    pub key: String,
    pub size: u64,
}

/// Objects that wait; one queue a store.
#[derive(Default)]
pub struct MultipartQueue(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Candidate>,
    /// Those that wait or are at work.
    versions: HashSet<Sequence>,
}

impl MultipartQueue {
    /// False where it is full.
    pub fn push(&self, candidate: Candidate) -> bool {
        let mut queue = self.0.lock();
        let fits = queue.waiting.len() < QUEUE;
        if fits {
            queue.versions.insert(candidate.version);
            queue.waiting.push_back(candidate);
        }
        fits
    }

    /// The object that waits longest; it is at work until [`MultipartQueue::done`].
    pub fn pop(&self) -> Option<Candidate> {
        self.0.lock().waiting.pop_front()
    }

    /// The version is not at work any more.
    pub fn done(&self, version: Sequence) {
        self.0.lock().versions.remove(&version);
    }

    /// Whether a version waits or is at work.
    pub fn has(&self, version: Sequence) -> bool {
        self.0.lock().versions.contains(&version)
    }
}

/// What the optimizer keeps of one store.
#[derive(Default)]
pub struct OptimizerState {
    alone: Mutex<()>,
    pub multipart: MultipartQueue,
}

impl OptimizerState {
    /// The right to make optimized windows, or to count what depends on them; others wait.
    pub fn alone(&self) -> MutexGuard<'_, ()> {
        self.alone.lock()
    }

    /// Nothing while somebody else has it.
    pub fn try_alone(&self) -> Option<MutexGuard<'_, ()>> {
        self.alone.try_lock()
    }
}
