//! The sync thread: makes a batch durable, applies it to the index, answers.

use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};

use super::Status;
use super::batch::Batch;
use super::message::{Answer, Message};
use super::thread::LogState;
use crate::index::{Index, IndexError};
use crate::segment::segment_dir;
use crate::segment::vfs::Vfs;
use crate::store::apply::Applier;
use crate::store::bugs::{Bug, Bugs};
use crate::store::error::StoreError;
use crate::store::pins::Pins;

/// Commits after which the index is made durable, so that a start never replays many more: a segment of small objects
/// holds hundreds of thousands of them.
const FLUSH_COMMITS: usize = 16 * 1024;

pub struct SyncThread {
    vfs: Arc<dyn Vfs>,
    segments: PathBuf,
    index: Index,
    pins: Arc<Pins>,
    status: Arc<Status>,
    bugs: Bugs,
    log: Sender<Message>,
    batches: Receiver<Batch>,
    /// Asks for a flush of the index.
    flushes: Sender<()>,
}

impl SyncThread {
    pub fn new(state: &LogState, log: Sender<Message>, batches: Receiver<Batch>, flushes: Sender<()>) -> Self {
        Self {
            vfs: Arc::clone(&state.vfs),
            segments: segment_dir(&state.dir),
            index: state.index.clone(),
            pins: Arc::clone(&state.pins),
            status: Arc::clone(&state.status),
            bugs: state.bugs,
            log,
            batches,
            flushes,
        }
    }

    /// Runs until the log thread ends.
    pub fn run(self) {
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
            let commits = batch.commits.iter_mut();
            for staged in commits {
                let done = std::mem::replace(&mut staged.done, super::Callback::new(|_| ()));
                done.call(Answer::Committed);
            }
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
            self.apply(&batch).map_err(|error| format!("index update failed: {error}"))
        });
        self.answer(batch, result.as_ref().err());
        result
    }

    fn sync(&self, batch: &Batch) -> std::io::Result<()> {
        let relocation = self.bugs.has(Bug::RelocateWithoutSync) && !batch.moves.is_empty();
        let rotation =
            self.bugs.has(Bug::RotateWithoutSync) && batch.moves.iter().any(|staged| staged.rotated.is_some());
        let optimized =
            self.bugs.has(Bug::OptimizeWithoutSync) && batch.commits.iter().any(|staged| staged.commit.relocated);
        if self.bugs.has(Bug::SkipSync) || relocation || rotation || optimized {
            return Ok(());
        }
        for file in &batch.files {
            match file.sync_data() {
                Err(_) if self.bugs.has(Bug::IgnoreFailedSync) => {}
                result => result?,
            }
        }
        if batch.new_file && !self.bugs.has(Bug::SkipDirectorySync) {
            self.vfs.sync_dir(&self.segments)?;
        }
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
                staged.placings.iter().for_each(|placing| self.pins.clear_fresh(placing));
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
