//! Objects that came in parts: stored anew as soon as they are complete.
//!
//! A part of an archive begins within a compressed member and cannot be expanded alone, so it is stored about as it is.
//! What a PUT would have made of the whole is made of it by a thread of its own, right after the upload's end: the next
//! release may be on its way already, and the optimizer leaves alone what is younger than a minute.
//!
//! Invariants: the order of steps is the optimizer's, and so is what a crash leaves. No cold windows are made, so it
//! may run beside the optimizer: whoever comes first replaces the recipe, the other's windows are garbage. The queue is
//! bounded and in memory; what does not fit, or is lost, the optimizer takes care of.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use deltastore_format::{Sequence, VersionPut};
use parking_lot::Mutex;

use super::background::lower_priority;
use super::form::Form;
use super::{Candidate, OptimizeProgress, OptimizeReport};
use crate::store::fetch::Keep;
use crate::store::thread::{Lent, Stoppable};
use crate::store::{Space, Store, StoreError};

/// Objects that may wait.
const QUEUE: usize = 1024;
/// Its priority below the server's: about a third of what a client's work gets where both want the same core.
const BEHIND_CLIENTS: i32 = 5;
/// Between two looks at whether to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Objects that wait; one queue a store.
pub struct Joins {
    sender: Sender<Candidate>,
    receiver: Receiver<Candidate>,
    /// Those that wait or are at work.
    versions: Mutex<HashSet<Sequence>>,
}

impl Default for Joins {
    fn default() -> Self {
        let (sender, receiver) = bounded(QUEUE);
        Self { sender, receiver, versions: Mutex::default() }
    }
}

impl Store {
    /// Has a version that came in parts expanded as a whole, if there is room in the queue and a [`Joiner`] runs.
    pub fn join_soon(&self, put: &VersionPut) {
        let space = Space::of(put.bucket, &put.key);
        let candidate = Candidate { space, version: put.version, key: put.key.clone(), size: put.size };
        let joins = &self.inner().joins;
        joins.versions.lock().insert(put.version);
        if joins.sender.try_send(candidate).is_err() {
            joins.versions.lock().remove(&put.version);
            tracing::debug!(key = %put.key, "left to the optimizer");
        }
    }

    /// Whether a version is still to be expanded as a whole: a copy made of it now has the form of its parts, too.
    pub fn is_joining(&self, version: Sequence) -> bool {
        self.inner().joins.versions.lock().contains(&version)
    }

    /// Stores anew what waits; what was done.
    ///
    /// # Errors
    /// As [`Store::optimize`]; the rest goes on waiting.
    pub fn join_waiting(&self, stop: &AtomicBool) -> Result<OptimizeReport, StoreError> {
        let mut done = OptimizeReport::default();
        while let Ok(candidate) = self.inner().joins.receiver.try_recv() {
            self.join(&candidate, stop, &mut done)?;
        }
        Ok(done)
    }

    fn join(&self, candidate: &Candidate, stop: &AtomicBool, done: &mut OptimizeReport) -> Result<(), StoreError> {
        if self.index().hidden()?.any() {
            self.inner().joins.versions.lock().remove(&candidate.version);
            return Ok(());
        }
        let (form, unseen) = (Form::inline(self.settings()), OptimizeProgress::default());
        let result = self.store_anew(candidate, &form, 1, Keep::Yes, (stop, &unseen), done);
        self.inner().joins.versions.lock().remove(&candidate.version);
        result
    }
}

/// The thread that stores them anew; dropping it stops and joins it.
pub struct Joiner(#[expect(dead_code, reason = "held to be dropped")] Stoppable);

impl Joiner {
    /// Starts it.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(store: &Store) -> std::io::Result<Self> {
        let waiting = store.inner().joins.receiver.clone();
        let work = move |lent: Lent, stop: &AtomicBool| {
            lower_priority(BEHIND_CLIENTS);
            while !stop.load(Ordering::Relaxed) {
                let candidate = match waiting.recv_timeout(LOOK) {
                    Ok(candidate) => candidate,
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                let Some(store) = lent.store() else { break };
                if let Err(error) = store.join(&candidate, stop, &mut OptimizeReport::default()) {
                    tracing::warn!(key = %candidate.key, %error, "not expanded as a whole; left to the optimizer");
                }
            }
        };
        Stoppable::start("join", store, work).map(Self)
    }
}
