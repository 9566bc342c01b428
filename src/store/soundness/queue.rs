//! What a copy or a completed upload linked to beyond its budget: verified by a thread of its own, soon after.
//!
//! Invariants: the queue is bounded and in memory; what does not fit is named in the log. What is verified is pinned
//! meanwhile.
//!
//! Failure cases: damage is logged and known from then on, so that the next write of the same bytes replaces it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deltastore_format::Entry;
use parking_lot::{Condvar, Mutex};

use super::verify::VerifyBudget;
use crate::store::thread::{Lent, Stoppable};
use crate::store::{Store, StoreError};

/// Entries that may wait, 12 MB of them.
const QUEUE: usize = 256 << 10;
/// Between two looks at whether to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Entries of recipes that wait; one queue a store.
#[derive(Clone, Default)]
pub struct Unverified(Arc<(Mutex<VecDeque<Entry>>, Condvar)>);

impl Unverified {
    /// False when there is no room for all of them.
    fn push(&self, entries: &[Entry]) -> bool {
        let (queue, pushed) = &*self.0;
        let mut queue = queue.lock();
        if queue.len() + entries.len() > QUEUE {
            return false;
        }
        queue.extend(entries);
        pushed.notify_one();
        true
    }

    fn pop(&self) -> Option<Entry> {
        self.0.0.lock().pop_front()
    }

    /// Waits for an entry, for a moment.
    fn wait(&self) -> Option<Entry> {
        let (queue, pushed) = &*self.0;
        let mut queue = queue.lock();
        if queue.is_empty() {
            pushed.wait_for(&mut queue, LOOK);
        }
        queue.pop_front()
    }
}

impl Store {
    /// Verifies what a request links to, within its budget; the rest is left to a [`Verifier`].
    ///
    /// # Errors
    /// Damage, and what reading gives.
    pub(in crate::store) fn verify_linked(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let mut budget = VerifyBudget::bytes(self.settings().verify_bytes);
        let verified = self.inner().blobs.verify_entries(entries, &mut budget)?;
        if !self.inner().unverified.push(&entries[verified..]) {
            tracing::warn!("too much waits for verification; what was copied last is not verified to its end");
        }
        Ok(())
    }

    /// Verifies what waits; how many entries lead to damage.
    ///
    /// # Errors
    /// What reading gives, but for damage.
    pub fn verify_waiting(&self) -> Result<u64, StoreError> {
        let mut damaged = 0;
        while let Some(entry) = self.inner().unverified.pop() {
            damaged += u64::from(!self.verify_whole(&entry)?);
        }
        Ok(damaged)
    }

    /// False if the entry leads to damage.
    fn verify_whole(&self, entry: &Entry) -> Result<bool, StoreError> {
        let (_pin, _) = self.inner().pin(entry.hash);
        // What was removed and collected meanwhile is no damage.
        if self.index().blob(&entry.hash)?.is_none() {
            return Ok(true);
        }
        match self.inner().blobs.verify_entries(std::slice::from_ref(entry), &mut VerifyBudget::unlimited()) {
            Ok(_) => Ok(true),
            Err(error) if error.is_unreadable() => {
                tracing::error!(%error, "an object that was copied or completed has damage");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// The thread that verifies what waits; dropping it stops and joins it.
pub struct Verifier(#[expect(dead_code, reason = "held to be dropped")] Stoppable);

impl Verifier {
    /// Starts it.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(store: &Store) -> std::io::Result<Self> {
        let waiting = store.inner().unverified.clone();
        let work = move |lent: Lent, stop: &AtomicBool| {
            while !stop.load(Ordering::Relaxed) {
                let Some(entry) = waiting.wait() else { continue };
                let Some(store) = lent.store() else { break };
                if let Err(error) = store.verify_whole(&entry) {
                    tracing::warn!(%error, "what was copied could not be verified");
                }
            }
        };
        Stoppable::start("verify", store, work).map(Self)
    }
}
