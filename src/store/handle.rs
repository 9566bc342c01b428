//! The handle on an open store: its parts, and how it is closed.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Weak};

use deltastore_format::{Hash, Position, SegmentId, StoreHeader};
use deltastore_segment::vfs::{Clock, Vfs};
use parking_lot::Mutex;

use super::blob::AppendedBlob;
use super::bugs::Bugs;
use super::content::Content;
use super::damage::Damage;
use super::encoders::Encoders;
use super::error::StoreError;
use super::fetch::Blobs;
use super::folder::Folder;
use super::handoffs::Handoffs;
use super::jobs::{Host, Jobs};
use super::log::{Log, Status};
use super::optimizer_state::OptimizerState;
use super::pins::{Pin, Pins};
use super::pool::Pool;
use super::segments::Segments;
use super::settings::Settings;
use super::soundness::Unverified;
use super::transaction::{CommitError, Touch, Transaction};
use crate::index::{Index, IndexError};

/// A handle on an open store; clones share it. The last one dropped closes it cleanly.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

/// What an open store consists of.
pub(super) struct Inner {
    pub index: Index,
    pub blobs: Blobs,
    pub pins: Arc<Pins>,
    pub clock: Arc<dyn Clock>,
    pub status: Arc<Status>,
    pub segments: Arc<Segments>,
    pub settings: Settings,
    pub bugs: Bugs,
    pub damage: Vec<Damage>,
    pub collecting: Mutex<()>,
    pub optimizer: OptimizerState,
    pub unverified: Unverified,
    pub encoders: Encoders,
    pub jobs: Jobs,
    pub vfs: Arc<dyn Vfs>,
    pub header: StoreHeader,
    pub encode: Pool,
    pub read: Pool,
    pub log: Option<Log>,
    /// Where the log ends, of a store that is only looked at.
    pub end: Option<Position>,
    // Last: the lock goes when everything else has.
    pub folder: Folder,
}

/// What the modules above this one use of an open store: they reach its parts by these alone. `open.rs` makes them.
impl Store {
    pub(super) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    pub(super) fn blobs(&self) -> &Blobs {
        &self.0.blobs
    }

    pub(super) fn pins(&self) -> &Arc<Pins> {
        &self.0.pins
    }

    pub(super) fn segments(&self) -> &Segments {
        &self.0.segments
    }

    pub(super) fn status(&self) -> &Status {
        &self.0.status
    }

    pub(super) fn vfs(&self) -> &dyn Vfs {
        self.0.vfs.as_ref()
    }

    pub(super) fn encoders(&self) -> &Encoders {
        &self.0.encoders
    }

    pub(super) fn optimizer(&self) -> &OptimizerState {
        &self.0.optimizer
    }

    pub(super) fn collecting(&self) -> &Mutex<()> {
        &self.0.collecting
    }

    pub(super) fn unverified(&self) -> &Unverified {
        &self.0.unverified
    }

    /// What is wrong with the folder, and where the log ends in a store that is only looked at.
    pub(super) fn looked_at(&self) -> (&Folder, Option<Position>) {
        (&self.0.folder, self.0.end)
    }

    /// # Errors
    /// [`StoreError::ReadOnly`] of a store that is only looked at.
    pub(super) fn log(&self) -> Result<&Log, StoreError> {
        self.0.log.as_ref().ok_or_else(StoreError::closing)
    }

    /// Pins a hash, waiting out a collection of it that is under way.
    pub(super) fn pin(&self, hash: Hash) -> (Pin, Option<Arc<AppendedBlob>>) {
        self.0.pins.pin_waiting(hash)
    }

    /// Counts what makes garbage: commits that removed something, and uploads that were given up.
    pub(super) fn garbage_made(&self) -> u64 {
        self.0.status.removals() + self.0.pins.abandoned()
    }

    /// The jobs of this store.
    pub fn jobs(&self) -> &Jobs {
        &self.0.jobs
    }

    /// The typed tables; every call sees all acknowledged commits.
    pub fn index(&self) -> &Index {
        &self.0.index
    }

    /// The clock that commits are stamped with.
    pub fn clock(&self) -> &dyn Clock {
        self.0.clock.as_ref()
    }

    /// What this store was opened with.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The planted bug, if any.
    pub fn bugs(&self) -> Bugs {
        self.0.bugs
    }

    /// Damage that recovery met.
    pub fn damage(&self) -> &[Damage] {
        &self.0.damage
    }

    /// Segments whose files are missing or another's.
    pub fn lost_segments(&self) -> BTreeSet<SegmentId> {
        self.0.segments.lost()
    }

    /// Counts how often work passes from one thread to another.
    pub fn handoffs(&self) -> &Handoffs {
        &self.0.status.handoffs
    }

    /// Windows and nodes since start whose damaged record was made up for by their parity.
    pub fn mended_reads(&self) -> u64 {
        self.0.blobs.mended()
    }

    /// Threads that digest, cut and encode.
    pub fn encode_pool(&self) -> &Pool {
        &self.0.encode
    }

    /// Threads that read and decode.
    pub fn read_pool(&self) -> &Pool {
        &self.0.read
    }

    /// Runs a transaction; `done` is called on a log thread once it is durable or refused, and must not block.
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
        match &self.0.log {
            Some(log) => {
                self.handoffs().count();
                let handoffs = self.handoffs().clone();
                log.transact(touches, contents, evaluate, move |result| {
                    handoffs.count();
                    done(result);
                });
            }
            None => done(Err(CommitError::Closed)),
        }
    }

    /// The folder it lives in.
    pub fn dir(&self) -> &Path {
        &self.0.folder.dir
    }

    /// Identity and creation of the store.
    pub fn header(&self) -> &StoreHeader {
        &self.0.header
    }
}

impl Store {
    /// Closes the store cleanly, whoever still holds it: what waits for a thread is given up, what was written is
    /// synced and marked as the end, the index is flushed. Reads go on, writes are refused.
    pub fn close(&self) {
        self.jobs().stop_all();
        self.0.encode.give_up();
        self.0.read.give_up();
        self.0.close(Index::end);
    }
}

impl Inner {
    /// Drains and syncs the log; after that the index holds everything and is flushed. Only the first call does
    /// something.
    fn close(&self, flush: impl FnOnce(&Index) -> Result<(), IndexError>) {
        if !self.log.as_ref().is_some_and(Log::close) {
            return;
        }
        if let Err(error) = flush(&self.index) {
            tracing::warn!(%error, "index not flushed at close; the next start replays more of the log");
        }
        if !self.folder.read_only
            && self.status.read_only().is_none()
            && let Err(error) = self.segments.save()
        {
            tracing::warn!(%error, "the manifest of segments is not up to date; it says less than it could");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.jobs.stop_all();
        self.close(Index::flush);
    }
}

/// A store that somebody else keeps open.
pub struct LentStore(Weak<Inner>);

impl Host for Store {
    type Lent = LentStore;

    fn lent(&self) -> LentStore {
        LentStore(Arc::downgrade(&self.0))
    }

    fn borrowed(lent: &LentStore) -> Option<Self> {
        lent.0.upgrade().map(Self)
    }

    fn now_ms(&self) -> u64 {
        self.clock().now_ms()
    }

    fn is_idle(&self) -> bool {
        self.encode_pool().is_idle() && self.read_pool().is_idle()
    }
}
