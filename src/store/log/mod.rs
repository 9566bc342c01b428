//! The log: the only writer of segments and, while the store is open, of the index.
//!
//! Two threads own it, and a third flushes the index now and then. The *log thread* appends blobs as they come and,
//! whenever no sync is under way, evaluates all waiting transactions that touch different things, appends their commits
//! and hands the batch to the *sync thread*, which syncs, applies the batch to the index and answers.
//!
//! Invariants (LOG-1 to LOG-5 of `docs/internals/rules.md`)
//! - Answers are given after the sync that covers the commit and all it places; the index changes after it too.
//! - A transaction is evaluated while no batch is under way: the index is exact then.
//! - A failed sync stops all writing until restart. A failed append is cut back first.
//! - What the index does not take now it is given again until it does. It is derived: nothing is lost meanwhile, and
//!   nothing is acknowledged that it does not show. Who waits is refused after a while, and so is what comes then.
//!
//! Failure cases: a full disk refuses what adds data and leaves the log as it was; a failed sync or a failed cut
//! makes the store read-only; a handle that outlives the log is answered `Closed`.

mod append;
mod batch;
mod message;
mod moves;
mod parity;
mod relocate;
mod state;
mod status;
mod sync;
mod thread;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use parking_lot::Mutex;

use message::{Answer, CommitRequest, Message, Work};
pub use message::{Callback, Collect, Moved, MovedParity, ParityChange, Protection, Relocation};
pub(super) use state::LogState;
pub use status::Status;

use super::blob::{AppendedBlob, Blob};
use super::content::Content;
use super::error::StoreError;
use super::segments::Segments;
use super::transaction::{CommitError, Touch, Transaction};
use crate::index::Index;

/// Pause before a flush of the index that failed is tried again; doubled each time.
const FLUSH_RETRY: Duration = Duration::from_secs(1);
const MAX_FLUSH_RETRY: Duration = Duration::from_secs(30);

/// Messages that may wait; more than all connections together can have under way.
const QUEUE: usize = 16 * 1024;

/// Handle of the two threads. Dropping it drains, syncs and joins.
pub struct Log {
    sender: Sender<Message>,
    status: Arc<Status>,
    /// None once it is closed.
    threads: Mutex<Option<Vec<JoinHandle<()>>>>,
}

impl Log {
    /// Starts the threads over a recovered state.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub(super) fn start(state: LogState) -> std::io::Result<Self> {
        let (sender, receiver) = bounded(QUEUE);
        let (batches, incoming) = bounded(1);
        let (flushes, flushing) = bounded(1);
        let sync = sync::SyncThread::new(&state, sender.clone(), incoming, flushes);
        let (index, status) = (state.index.clone(), Arc::clone(&state.status));
        let segments = Arc::clone(&state.segments);
        let threads = vec![
            std::thread::Builder::new()
                .name("flush".into())
                .spawn(move || flush_when_asked(&index, &segments, &flushing))?,
            std::thread::Builder::new().name("sync".into()).spawn(move || sync.run())?,
            std::thread::Builder::new().name("log".into()).spawn(move || thread::run(state, &receiver, &batches))?,
        ];
        Ok(Self { sender, status, threads: Mutex::new(Some(threads)) })
    }

    /// Drains, syncs, marks the end and joins; what comes later is refused. False if it was closed already.
    pub fn close(&self) -> bool {
        let Some(threads) = self.threads.lock().take() else { return false };
        self.status.set_closing();
        self.send(Message::Close);
        for thread in threads {
            drop(thread.join());
        }
        true
    }

    /// Appends blobs in order; `done` gets what to place in a later commit. Not durable before that commit is.
    pub fn append(&self, blobs: Vec<Blob>, done: Callback<Result<Vec<Arc<AppendedBlob>>, StoreError>>) {
        self.send(Message::Append { blobs, done });
    }

    /// Runs a transaction; `done` is called once it is durable or refused.
    pub fn transact<T, E>(
        &self,
        touches: Vec<Touch>,
        contents: Vec<Content>,
        evaluate: impl FnOnce(&mut Transaction<'_>) -> Result<T, E> + Send + 'static,
        done: impl FnOnce(Result<T, CommitError<E>>) + Send + 'static,
    ) where
        T: Send + 'static,
        E: Send + 'static,
    {
        let slot = Arc::new(Mutex::new(None));
        let filled = Arc::clone(&slot);
        let request = CommitRequest {
            touches,
            contents,
            evaluate: Box::new(move |transaction| {
                let result = evaluate(transaction);
                let go = result.is_ok();
                *filled.lock() = Some(result);
                go
            }),
            done: Callback::new(move |answer| {
                done(match (answer, slot.lock().take()) {
                    (Answer::Committed, Some(Ok(value))) => Ok(value),
                    (Answer::Refused, Some(Err(error))) => Err(CommitError::Refused(error)),
                    (Answer::Full, _) => Err(CommitError::Full),
                    (Answer::NotNow(error), _) => Err(CommitError::Index(error)),
                    (Answer::ReadOnly(reason), _) => Err(CommitError::ReadOnly(reason)),
                    (Answer::Committed | Answer::Refused, _) => Err(CommitError::Closed),
                });
            }),
        };
        self.send(Message::Work(Work::Commit(request)));
    }

    /// Moves what is still alive out of a segment; answers how many bytes were copied.
    pub fn relocate(&self, relocation: Relocation) -> Result<u64, StoreError> {
        self.wait(|done| Message::Work(Work::Relocate(relocation, done)))
    }

    /// Gives an optimized window another form; answers the bytes of its record, 0 if the form was not taken.
    pub fn rotate(&self, blob: Blob) -> Result<u64, StoreError> {
        self.wait(|done| Message::Work(Work::Rotate(Box::new(blob), done)))
    }

    /// Gives blobs parity, or takes it away; answers the bytes of what was written. What lies in the active segment
    /// makes it end: parity goes to the next one.
    pub fn protect(&self, protections: Vec<Protection>) -> Result<u64, StoreError> {
        self.wait(|done| Message::Work(Work::Protect(protections, done)))
    }

    /// Drops blobs that have no links and no pins from the index; answers how many.
    pub fn collect(&self, candidates: Vec<Collect>) -> Result<u64, StoreError> {
        self.wait(|done| Message::Work(Work::Collect(candidates, done)))
    }

    /// Seals the active segment, so that it can be compacted.
    pub fn seal(&self) -> Result<u64, StoreError> {
        self.wait(|done| Message::Work(Work::Seal(done)))
    }

    /// Syncs what was appended, so that the index covers it though no commit followed.
    pub fn cover(&self) -> Result<u64, StoreError> {
        self.wait(|done| Message::Work(Work::Cover(done)))
    }

    fn wait(&self, message: impl FnOnce(Callback<Result<u64, StoreError>>) -> Message) -> Result<u64, StoreError> {
        let (sender, receiver) = bounded(1);
        self.send(message(Callback::new(move |result| drop(sender.send(result)))));
        receiver.recv().unwrap_or_else(|_| Err(StoreError::closing()))
    }

    fn send(&self, message: Message) {
        // A message to a log that has ended is dropped, and with it its callback, which answers for itself.
        drop(self.sender.send(message));
    }
}

/// Makes the index durable whenever a segment was finished, so that recovery never replays more than about two.
/// The manifest then says how much is on disk.
fn flush_when_asked(index: &Index, segments: &Segments, asked: &Receiver<()>) {
    while asked.recv().is_ok() {
        let mut pause = FLUSH_RETRY;
        while let Err(error) = index.flush() {
            tracing::warn!(%error, "index not flushed; until it is, the next start replays more of the log");
            if asked.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
            pause = (pause * 2).min(MAX_FLUSH_RETRY);
        }
        if let Err(error) = segments.save() {
            tracing::warn!(%error, "the manifest of segments is not up to date; it says less than it could");
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.close();
    }
}
