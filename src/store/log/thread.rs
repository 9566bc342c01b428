//! The log thread: appends what comes, and runs waiting work whenever no batch is under way.

use std::collections::VecDeque;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};
use deltastore_format::{Commit, Op, Position};
use deltastore_segment::vfs::Clock;

use super::append::Appender;
use super::batch::{Batch, Staged, StagedMove};
use super::message::{Answer, CommitRequest, Message, Work};
use super::state::LogState;
use super::status::Status;
use crate::index::{Index, IndexError};
use crate::invariants::invariant;
use crate::store::blob::AppendedBlob;
use crate::store::bugs::{Bug, Bugs};
use crate::store::error::StoreError;
use crate::store::pins::Pins;
use crate::store::segments::Segments;
use crate::store::transaction::{TouchSet, Transaction};

/// Messages handled before the writer is flushed, so that one answer never waits for an endless stream.
const ROUND: usize = 512;
/// Bytes appended without any commit after which they are synced anyway, so that a commit never waits for a flood.
const WRITE_BEHIND: u64 = 32 << 20;

pub(super) struct LogThread<'a> {
    pub(super) appender: Appender,
    pub(super) index: Index,
    pub(super) pins: Arc<Pins>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) status: Arc<Status>,
    pub(super) segments: Arc<Segments>,
    pub(super) bugs: Bugs,
    next_sequence: u64,
    pub(super) durable: Position,
    marked: bool,
    waiting: VecDeque<Work>,
    in_flight: bool,
    /// Why what comes is refused until the batch under way has ended.
    stalled: Option<IndexError>,
    closing: bool,
    batches: &'a Sender<Batch>,
}

/// Runs until closed: then everything waiting is finished and synced first.
pub fn run(state: LogState, receiver: &Receiver<Message>, batches: &Sender<Batch>) {
    let mut thread = LogThread {
        index: state.index.clone(),
        pins: Arc::clone(&state.pins),
        clock: Arc::clone(&state.clock),
        status: Arc::clone(&state.status),
        segments: Arc::clone(&state.segments),
        bugs: state.bugs,
        next_sequence: state.next_sequence,
        durable: state.durable,
        marked: state.marked,
        appender: Appender::new(state),
        waiting: VecDeque::new(),
        in_flight: false,
        stalled: None,
        closing: false,
        batches,
    };
    while let Ok(message) = receiver.recv() {
        thread.handle(message);
        for message in receiver.try_iter().take(ROUND) {
            thread.handle(message);
        }
        thread.appender.flush();
        // What a refused transaction had deferred gets its turn at once: no sync will come to wake this thread.
        while !thread.in_flight && thread.run_batch() {}
        if thread.closing && !thread.in_flight && thread.waiting.is_empty() && !thread.mark_end() {
            break;
        }
    }
}

impl LogThread<'_> {
    fn handle(&mut self, message: Message) {
        match message {
            // Nothing may come after the mark of the end.
            Message::Append { done, .. } if self.closing => done.call(Err(StoreError::closing())),
            Message::Work(_) if self.closing => {}
            Message::Append { blobs, done } => match &self.stalled {
                Some(error) => done.call(Err(error.clone().into())),
                None => self.appender.append(blobs, done),
            },
            Message::Work(work) => match &self.stalled {
                Some(error) => work.refuse(error),
                None => self.waiting.push_back(work),
            },
            Message::Stalled(error) => {
                self.waiting.drain(..).for_each(|work| work.refuse(&error));
                self.stalled = Some(error);
            }
            Message::Synced(result) => {
                self.in_flight = false;
                self.stalled = None;
                if let Ok(position) = result {
                    invariant!(position >= self.durable, "{} was durable and now {position}", self.durable);
                    self.durable = position;
                }
            }
            Message::Close => self.closing = true,
        }
    }

    /// Builds the next batch from waiting work and hands it to the sync thread. True when nothing needed a sync and
    /// work is still waiting.
    fn run_batch(&mut self) -> bool {
        let mut batch = Batch::default();
        let mut touches = TouchSet::default();
        let mut deferred = VecDeque::new();
        let mut sync = self.appender.unsynced() >= WRITE_BEHIND || (self.closing && self.appender.unsynced() > 0);
        while let Some(work) = self.waiting.pop_front() {
            match work {
                Work::Commit(request) => {
                    if touches.admit(&request.touches) || self.bugs.has(Bug::IgnoreTouches) {
                        batch.commits.extend(self.evaluate(request, &batch.commits));
                    } else {
                        deferred.push_back(Work::Commit(request));
                    }
                }
                // What maintenance finds must be exact, so nothing else may be in its batch.
                maintenance if !batch.commits.is_empty() || !deferred.is_empty() => {
                    deferred.push_back(maintenance);
                    break;
                }
                Work::Collect(candidates, done) => done.call(self.collect(&candidates)),
                Work::Seal(done) => {
                    sync = true;
                    batch.moves.extend(self.seal(done));
                    break;
                }
                Work::Cover(done) => {
                    sync = true;
                    batch.moves.push(StagedMove::new(done));
                    break;
                }
                Work::Relocate(relocation, done) => {
                    batch.moves.extend(self.relocate(relocation, done));
                    break;
                }
                Work::Protect(protections, done) => {
                    batch.moves.extend(self.protect(protections, done));
                    break;
                }
                Work::Rotate(blob, done) => {
                    batch.moves.extend(self.rotate(*blob, done));
                    break;
                }
            }
        }
        deferred.append(&mut self.waiting);
        self.waiting = deferred;
        if batch.commits.is_empty() && batch.moves.is_empty() && !sync {
            return !self.waiting.is_empty();
        }
        if let Err(error) = self.appender.write_commits() {
            let refused = || match &error {
                StoreError::Full => Answer::Full,
                error => Answer::ReadOnly(error.to_string()),
            };
            batch.commits.into_iter().for_each(|staged| staged.done.call(refused()));
            for staged in batch.moves {
                staged.done.call(Err(match &error {
                    StoreError::Full => StoreError::Full,
                    error => StoreError::ReadOnly(error.to_string()),
                }));
            }
            return !self.waiting.is_empty();
        }
        for placing in batch.commits.iter().flat_map(|staged| &staged.placings) {
            self.pins.set_fresh(placing);
        }
        self.marked = false;
        self.send_batch(batch);
        false
    }

    /// Appends the mark of a clean close: a commit of nothing that says that everything before it is durable. Without
    /// it, damage in the last batch could not be told from a torn tail. False when there is nothing to wait for.
    fn mark_end(&mut self) -> bool {
        if self.marked || self.status.read_only().is_some() {
            return false;
        }
        self.marked = true;
        let (time_ms, durable_upto) = (self.clock.now_ms(), self.durable);
        self.appender.stage_commit(&Commit {
            time_ms,
            durable_upto,
            relocated: false,
            healing: false,
            placed: Vec::new(),
            ops: Vec::new(),
        });
        if let Err(error) = self.appender.write_commits() {
            tracing::warn!(%error, "the log is closed without its mark");
            return false;
        }
        self.send_batch(Batch::default());
        self.in_flight
    }

    /// Hands a batch to the sync thread, with everything that was written so far.
    fn send_batch(&mut self, mut batch: Batch) {
        (batch.files, batch.new_file) = self.appender.take_unsynced();
        batch.end = self.appender.position();
        batch.next_sequence = self.next_sequence;
        self.status.handoffs.count();
        self.in_flight = self.batches.send(batch).is_ok();
    }

    /// Evaluates one transaction and stages its commit; answers at once when there is nothing to sync.
    fn evaluate(&mut self, request: CommitRequest, staged: &[Staged]) -> Option<Staged> {
        let CommitRequest { touches: _, mut contents, evaluate, done } = request;
        if let Some(reason) = self.status.read_only() {
            done.call(Answer::ReadOnly(reason));
            return None;
        }
        if contents.iter().any(super::Content::adds_data) && self.appender.refuses_data() {
            done.call(Answer::Full);
            return None;
        }
        let now_ms = self.clock.now_ms();
        let mut transaction = Transaction::new(&self.index, &mut self.next_sequence, now_ms, self.bugs);
        let go = evaluate(&mut transaction);
        let (ops, relocated, format) = (transaction.ops, transaction.relocates, transaction.format);
        if !go {
            done.call(Answer::Refused);
            return None;
        }
        if ops.is_empty() {
            done.call(Answer::Committed);
            return None;
        }
        let highest = ops.iter().map(Op::sequence).max().unwrap_or(0);
        invariant!(highest < self.next_sequence, "sequence {highest} of {} to come", self.next_sequence);
        let format = if self.bugs.has(Bug::SkipFormatRaise) { 0 } else { format };
        if let Err(error) = self.segments.raise(format) {
            done.call(match error {
                StoreError::Full => Answer::Full,
                error => Answer::NotNow(IndexError::NotNow {
                    action: "raise the format version",
                    message: error.to_string(),
                }),
            });
            return None;
        }
        let late =
            self.bugs.has(Bug::CommitBeforeWindows) || self.bugs.has(Bug::OptimizeCommitsBeforeWindows) && relocated;
        let mut placings = Vec::new();
        let mut unwritten = Vec::new();
        for content in &mut contents {
            placings.extend(content.take_placings());
            unwritten.extend(content.take_unwritten());
        }
        if let Err(error) = self.drop_outdated(&mut placings, staged) {
            done.call(Answer::NotNow(error));
            return None;
        }
        // In the order of the log: a window's references lie before it, so that of two forms of one window the first,
        // which is placed, is never encoded against what needs the other.
        placings.sort_unstable_by_key(|placing: &Arc<AppendedBlob>| placing.row.position);
        if !late {
            placings.extend(unwritten.drain(..).map(|blob| self.appender.stage_blob(blob)));
        }
        let mut commit = Commit {
            time_ms: now_ms,
            durable_upto: self.durable,
            relocated,
            healing: placings.iter().any(|placing| placing.heals) && !self.bugs.has(Bug::HealForgottenInCommit),
            placed: placings.iter().map(|placing| placing.placed()).collect(),
            ops,
        };
        let (position, record_len) = if late {
            let guess = self.appender.stage_commit(&commit);
            placings.extend(unwritten.drain(..).map(|blob| self.appender.stage_blob(blob)));
            commit.placed = placings.iter().map(|placing| placing.placed()).collect();
            guess
        } else {
            self.appender.stage_commit(&commit)
        };
        Some(Staged { commit, position, record_len, placings, contents, done })
    }

    /// Leaves out what must not be placed any more. Of a blob that several writes share, another commit may have placed
    /// this form: since then a collection may have moved it and removed the segment, or damage may have been healed by
    /// a later form. And what a commit that heals places takes the place of any other form, so that only what heals is
    /// placed by it.
    fn drop_outdated(&self, placings: &mut Vec<Arc<AppendedBlob>>, staged: &[Staged]) -> Result<(), IndexError> {
        if self.bugs.has(Bug::PlaceOutdated) {
            return Ok(());
        }
        let healing = placings.iter().any(|placing| placing.heals && self.pins.is_fresh(placing));
        let mut kept = Vec::with_capacity(placings.len());
        for placing in placings.drain(..) {
            let fresh = self.pins.is_fresh(&placing);
            let keeps = fresh && !healing
                || match self.index.blob(&placing.hash)? {
                    Some(row) => fresh && placing.takes_effect(Some(&row)),
                    None => fresh && placing.heals || !staged.iter().any(|other| other.places(&placing.hash)),
                };
            if keeps {
                kept.push(placing);
            }
        }
        *placings = kept;
        Ok(())
    }
}
