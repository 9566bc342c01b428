//! The sync thread: makes a batch durable, applies it to the index, answers.
//!
//! A batch that the index does not take now is applied again until it is taken: it is durable in the log, so it is to
//! be seen, and no later one may be seen before it. Its clients wait for some seconds; then they are told to try again,
//! with what it pins held until it is applied.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};

use super::batch::Batch;
use super::message::{Answer, Message};
use super::state::LogState;
use super::status::Status;
use crate::index::{Index, IndexError};
use crate::store::apply::Applier;
use crate::store::bugs::{Bug, Bugs};
use crate::store::error::StoreError;
use crate::store::pins::Pins;
use crate::store::segments::Segments;
use crate::store::soundness::Soundness;

/// Pause before a batch that the index did not take is applied again; doubled each time.
const RETRY: Duration = Duration::from_millis(50);
const MAX_RETRY: Duration = Duration::from_secs(2);
/// How long clients wait for the index before they are told to try again.
const PATIENCE: Duration = Duration::from_secs(5);

/// Commits after which the index is made durable, so that a start never replays many more: a segment of small objects
/// holds hundreds of thousands of them.
const FLUSH_COMMITS: usize = 16 * 1024;

pub struct SyncThread {
    segments: Arc<Segments>,
    index: Index,
    pins: Arc<Pins>,
    status: Arc<Status>,
    bugs: Bugs,
    soundness: Arc<Soundness>,
    log: Sender<Message>,
    batches: Receiver<Batch>,
    /// Asks for a flush of the index.
    flushes: Sender<()>,
}

/// Tells the log thread of a panic: it would wait for the batch for ever, and all clients with it.
struct PanicGuard {
    log: Sender<Message>,
    status: Arc<Status>,
}

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let reason = "the sync thread has panicked".to_owned();
            self.status.poison(reason.clone());
            // It fails only where that thread has ended too.
            let _ = self.log.send(Message::Synced(Err(reason)));
        }
    }
}

impl SyncThread {
    pub fn new(state: &LogState, log: Sender<Message>, batches: Receiver<Batch>, flushes: Sender<()>) -> Self {
        Self {
            segments: Arc::clone(&state.segments),
            index: state.index.clone(),
            pins: Arc::clone(&state.pins),
            status: Arc::clone(&state.status),
            bugs: state.bugs,
            soundness: Arc::clone(&state.soundness),
            log,
            batches,
            flushes,
        }
    }

    /// Runs until the log thread ends.
    pub fn run(self) {
        let _panic = PanicGuard { log: self.log.clone(), status: Arc::clone(&self.status) };
        let mut unflushed = 0;
        while let Ok(batch) = self.batches.recv() {
            let (end, new_file) = (batch.end, batch.new_file);
            unflushed += batch.commits.len();
            let result = self.finish(batch);
            if (new_file || unflushed >= FLUSH_COMMITS) && result.is_ok() {
                unflushed = 0;
                // Full means that one is asked for already.
                let _ = self.flushes.try_send(());
            }
            if let Err(reason) = &result {
                self.status.poison(reason.clone());
            }
            if self.log.send(Message::Synced(result.map(|()| end))).is_err() {
                break;
            }
        }
    }

    fn finish(&self, mut batch: Batch) -> Result<(), String> {
        if self.bugs.has(Bug::AcknowledgeBeforeSync) {
            batch.commits.iter_mut().for_each(|staged| staged.done.take().call(Answer::Committed));
        }
        let mut applied = false;
        if self.bugs.has(Bug::ApplyBeforeSync) {
            self.apply(&batch).map_err(|error| error.to_string())?;
            applied = true;
        }
        // Earlier answers may not be given after a failed sync: what the disk holds is unknown from then on.
        let result = match self.status.read_only() {
            Some(reason) => Err(reason),
            None => self.sync(&batch).map_err(|error| format!("sync failed: {error}")),
        };
        let result = result.and_then(|()| {
            if applied {
                return Ok(());
            }
            self.apply_patiently(&mut batch).map_err(|error| format!("index update failed: {error}"))
        });
        self.answer(batch, result.as_ref().err());
        result
    }

    /// Applies a batch, as often as it takes.
    fn apply_patiently(&self, batch: &mut Batch) -> Result<(), IndexError> {
        let (start, mut pause) = (Instant::now(), RETRY);
        loop {
            let error = match self.apply(batch) {
                Err(error) if error.is_passing() && !self.status.closing() => error,
                result => {
                    self.status.set_stalled(None);
                    return result;
                }
            };
            if self.bugs.has(Bug::RetryAcknowledgesEarly) {
                batch.commits.iter_mut().for_each(|staged| staged.done.take().call(Answer::Committed));
            }
            if self.status.stalled().is_none() {
                tracing::warn!(%error, "writes wait for the index");
                self.status.set_stalled(Some(error.to_string()));
            } else if start.elapsed() >= PATIENCE {
                batch.refuse(&error);
                // One that waits already says the same.
                let _ = self.log.try_send(Message::Stalled(error));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(MAX_RETRY);
        }
    }

    fn sync(&self, batch: &Batch) -> std::io::Result<()> {
        let relocation = self.bugs.has(Bug::RelocateWithoutSync) && !batch.moves.is_empty();
        let rotation =
            self.bugs.has(Bug::RotateWithoutSync) && batch.moves.iter().any(|staged| staged.rotated.is_some());
        let protection =
            self.bugs.has(Bug::ParityWithoutSync) && batch.moves.iter().any(|staged| !staged.parity.is_empty());
        let optimized =
            self.bugs.has(Bug::OptimizeWithoutSync) && batch.commits.iter().any(|staged| staged.commit.relocated);
        if self.bugs.has(Bug::SkipSync) || relocation || rotation || protection || optimized {
            return Ok(());
        }
        for file in &batch.files {
            match file.sync_data() {
                Err(_) if self.bugs.has(Bug::IgnoreFailedSync) => {}
                result => result?,
            }
        }
        self.segments.durable(batch.end);
        Ok(())
    }

    fn apply(&self, batch: &Batch) -> Result<(), IndexError> {
        let mut applier = Applier::new(&self.index, self.bugs);
        for staged in &batch.commits {
            applier.commit(&staged.commit, staged.position, staged.record_len, &staged.placings)?;
        }
        for staged in &batch.moves {
            for (hash, from, row) in &staged.blobs {
                applier.move_blob(hash, *from, row);
            }
            for (hash, row) in &staged.parity {
                applier.set_parity(hash, row.as_ref())?;
            }
            if let Some(placing) = &staged.rotated {
                applier.rotate(placing)?;
            }
            if let Some((commit, position, record_len)) = &staged.commit {
                applier.commit(commit, *position, *record_len, &[])?;
            }
        }
        applier.finish(batch.end, batch.next_sequence)
    }

    fn answer(&self, batch: Batch, error: Option<&String>) {
        // Not before the index shows what was removed, or the collector would look too soon and not again.
        if error.is_none() && batch.makes_garbage() {
            self.status.count_removal();
        }
        for staged in batch.commits {
            if error.is_none() {
                for placing in &staged.placings {
                    self.pins.clear_fresh(placing);
                    if placing.heals {
                        self.soundness.healed(&placing.hash);
                    }
                }
            }
            drop(staged.contents);
            staged.done.call(match error {
                None => Answer::Committed,
                Some(reason) => Answer::ReadOnly(reason.clone()),
            });
        }
        for staged in batch.moves {
            staged.done.call(match error {
                None => Ok(staged.bytes),
                Some(reason) => Err(StoreError::ReadOnly(reason.clone())),
            });
        }
    }
}
