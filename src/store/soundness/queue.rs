//! What a copy or a completed upload linked to beyond its budget, until it is verified.
//!
//! Invariant: the queue is bounded and in memory.

use std::collections::VecDeque;

use deltastore_format::Entry;
use parking_lot::Mutex;

/// Entries that may wait, 12 MB of them.
const QUEUE: usize = 256 << 10;

/// Entries of recipes that wait; one queue a store.
#[derive(Default)]
pub struct Unverified(Mutex<VecDeque<Entry>>);

impl Unverified {
    /// False when there is no room for all of them.
    pub fn push(&self, entries: &[Entry]) -> bool {
        let mut queue = self.0.lock();
        if queue.len() + entries.len() > QUEUE {
            return false;
        }
        queue.extend(entries);
        true
    }

    /// The entry that waits longest.
    pub fn pop(&self) -> Option<Entry> {
        self.0.lock().pop_front()
    }
}
