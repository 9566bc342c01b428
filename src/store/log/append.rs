//! The appender: the active segment, what is staged for it and what no sync has covered yet.
//!
//! Invariants: a record is written before anything learns its position for good; a failed write leaves the segment as
//! it was or makes the store read-only; a new segment file exists before the old one gets its footer, so that there is
//! always a segment to append to. Its file and name are durable and it is listed in the manifest before anything is
//! appended to it: a crash can take no segment, and a segment that is missing is lost.

use std::path::PathBuf;
use std::sync::Arc;

use deltastore_format::{Commit, Epoch, Op, Position, RecordKind, SegmentHeader, StoreId};
use deltastore_segment::vfs::{Clock, Vfs, VfsFile};
use deltastore_segment::{SegmentError, SegmentWriter};

use super::message::Callback;
use super::state::LogState;
use super::status::Status;
use crate::invariants::invariant;
use crate::store::blob::{AppendedBlob, Blob};
use crate::store::bugs::{Bug, Bugs};
use crate::store::error::StoreError;
use crate::store::pins::Pins;
use crate::store::segments::Segments;
use crate::store::settings::Settings;

/// Staged bytes after which they are written out in one call.
const WRITE_BYTES: usize = 4 << 20;
/// Bytes written between two looks at the free space.
const SPACE_CHECK: u64 = 16 << 20;

type Waiting = (Vec<Arc<AppendedBlob>>, Callback<Result<Vec<Arc<AppendedBlob>>, StoreError>>);

pub struct Appender {
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    store: StoreId,
    epoch: Epoch,
    clock: Arc<dyn Clock>,
    status: Arc<Status>,
    settings: Settings,
    bugs: Bugs,
    segments: Arc<Segments>,
    pins: Arc<Pins>,
    writer: SegmentWriter,
    waiting: Vec<Waiting>,
    sealed: Vec<Arc<dyn VfsFile>>,
    new_file: bool,
    unsynced: u64,
    since_space_check: u64,
    /// A segment that is made, and perhaps listed: a try to go on in it failed.
    next: Option<SegmentWriter>,
    /// Where the log ends, as the records that were staged have it.
    end: Position,
}

impl Appender {
    pub fn new(state: LogState) -> Self {
        Self {
            vfs: state.vfs,
            dir: state.dir,
            store: state.store,
            epoch: state.epoch,
            clock: state.clock,
            status: state.status,
            settings: state.settings,
            bugs: state.bugs,
            segments: state.segments,
            pins: state.pins,
            end: state.writer.position(),
            writer: state.writer,
            waiting: Vec::new(),
            sealed: Vec::new(),
            new_file: false,
            unsynced: 0,
            since_space_check: SPACE_CHECK,
            next: None,
        }
    }

    /// Bytes that no sync was asked for yet.
    pub fn unsynced(&self) -> u64 {
        self.unsynced
    }

    pub fn position(&self) -> Position {
        self.writer.position()
    }

    pub fn staged(&self) -> usize {
        self.writer.staged_bytes()
    }

    /// Stages blobs of a running upload; answers after they are written.
    pub fn append(&mut self, blobs: Vec<Blob>, done: Callback<Result<Vec<Arc<AppendedBlob>>, StoreError>>) {
        if let Some(reason) = self.status.read_only() {
            return done.call(Err(StoreError::ReadOnly(reason)));
        }
        if self.refuses_data() {
            return done.call(Err(StoreError::Full));
        }
        let placings = blobs.into_iter().map(|blob| self.stage_blob(blob)).collect();
        self.waiting.push((placings, done));
        if self.writer.staged_bytes() >= WRITE_BYTES {
            self.flush();
        }
    }

    /// Stages a record where the log goes on.
    fn stage(&mut self, kind: RecordKind, payload: &[&[u8]]) -> Position {
        let position = self.writer.stage(kind, payload);
        invariant!(self.segments.is_open(position.segment), "{position} is in a segment that was sealed");
        invariant!(position >= self.end, "a record at {position} after {}", self.end);
        if cfg!(feature = "invariants") {
            self.end = self.writer.position();
        }
        position
    }

    pub fn stage_blob(&mut self, blob: Blob) -> Arc<AppendedBlob> {
        let position = self.stage(blob.record_kind(), &[&blob.head, &blob.body]);
        blob.placed_at(position)
    }

    pub fn stage_payload(&mut self, kind: RecordKind, payload: &[u8]) -> Position {
        self.stage(kind, &[payload])
    }

    /// Stages a commit record; its position and its length with frame.
    pub fn stage_commit(&mut self, commit: &Commit) -> (Position, u64) {
        let (needs, has) = (commit.ops.iter().map(Op::since).max().unwrap_or(0), self.segments.format());
        invariant!(needs <= has, "a commit of format version {needs} in a store of version {has}");
        let mut payload = Vec::new();
        commit.encode(&mut payload);
        let before = self.writer.staged_bytes();
        let position = self.stage(RecordKind::Commit, &[&payload]);
        (position, (self.writer.staged_bytes() - before) as u64)
    }

    /// Writes staged blobs and answers those who wait for them.
    pub fn flush(&mut self) {
        let result = self.write();
        for (placings, done) in self.waiting.drain(..) {
            match &result {
                Ok(()) => {
                    placings.iter().for_each(|placing| self.pins.set_fresh(placing));
                    done.call(Ok(placings));
                }
                Err(StoreError::Full) => done.call(Err(StoreError::Full)),
                Err(error) => done.call(Err(StoreError::ReadOnly(error.to_string()))),
            }
        }
        self.roll_if_long();
    }

    /// Writes staged commit records.
    pub fn write_commits(&mut self) -> Result<(), StoreError> {
        self.write()?;
        self.roll_if_long();
        Ok(())
    }

    fn write(&mut self) -> Result<(), StoreError> {
        let staged = self.writer.staged_bytes() as u64;
        if staged == 0 {
            return Ok(());
        }
        match self.writer.write() {
            Ok(()) => {
                self.unsynced += staged;
                self.since_space_check += staged;
                Ok(())
            }
            Err(_) if self.bugs.has(Bug::KeepFailedAppend) => Ok(()),
            Err(error) => {
                // What was staged is cut back.
                self.end = self.writer.position();
                if !error.was_cut_back() {
                    self.status.poison(format!("a failed append could not be undone: {error}"));
                }
                if error.is_full() {
                    self.status.set_full(true);
                    return Err(StoreError::Full);
                }
                Err(error.into())
            }
        }
    }

    /// True while free space is below the reserve: writes that add data must wait for space.
    pub fn refuses_data(&mut self) -> bool {
        if self.since_space_check >= SPACE_CHECK || self.status.full() {
            self.since_space_check = 0;
            self.status.look_for_space(self.vfs.as_ref(), &self.dir, self.settings.reserve_bytes);
        }
        self.status.full() && !self.bugs.has(Bug::IgnoreReserve)
    }

    fn roll_if_long(&mut self) {
        if self.position().offset >= self.settings.segment_bytes
            && let Err(error) = self.roll()
        {
            // The old segment goes on being used; a full disk is the usual reason.
            tracing::warn!(%error, "no new segment could be started");
        }
    }

    /// Starts a new segment and seals the old one, whose end is synced with the next batch.
    pub fn roll(&mut self) -> Result<(), StoreError> {
        self.write()?;
        let next = match self.next.take() {
            Some(next) => next,
            None => self.create_segment()?,
        };
        if !self.bugs.has(Bug::NewSegmentBeforeManifest) {
            // Where it fails, some file may list the segment, so it stays for the next try.
            if let Err(error) = self.segments.save() {
                self.next = Some(next);
                return Err(error);
            }
        }
        let mut footer = Vec::new();
        self.writer.footer().encode(&mut footer);
        self.stage(RecordKind::Footer, &[&footer]);
        if let Err(error) = self.write() {
            self.next = Some(next);
            return Err(error);
        }
        self.segments.sealed(self.writer.position());
        if !self.bugs.has(Bug::SkipSealedSync) {
            self.sealed.push(self.writer.file());
        }
        if !self.bugs.has(Bug::AppendToSealed) {
            self.writer = next;
        }
        self.new_file = true;
        self.unsynced += 1;
        Ok(())
    }

    /// A segment whose file and name are durable; the manifest is still to list it.
    fn create_segment(&self) -> Result<SegmentWriter, StoreError> {
        let header = SegmentHeader {
            store: self.store,
            segment: self.segments.next(),
            epoch: self.epoch,
            salt: rand::random(),
            created_ms: self.clock.now_ms(),
            key_id: 0,
        };
        self.segments.used(header.segment);
        let full = |error: SegmentError| if error.is_full() { StoreError::Full } else { error.into() };
        let next = SegmentWriter::create(self.vfs.as_ref(), &self.dir, header).map_err(full)?;
        if !self.bugs.has(Bug::SkipDirectorySync)
            && let Err(error) = next.make_durable(self.vfs.as_ref(), &self.dir)
        {
            // Nothing lists it. What is left of it holds nothing and is removed at the next start.
            let _ = self.vfs.remove(next.path());
            return Err(full(error));
        }
        self.segments.list_new(next.header());
        Ok(next)
    }

    /// Files that the next sync must cover, and whether a segment was begun.
    pub fn take_unsynced(&mut self) -> (Vec<Arc<dyn VfsFile>>, bool) {
        let mut files = std::mem::take(&mut self.sealed);
        files.push(self.writer.file());
        self.unsynced = 0;
        (files, std::mem::take(&mut self.new_file))
    }
}
