//! The store: content and commits, from bytes to segments and back. Synchronous; knows nothing of S3 or tokio.
//!
//! `docs/internals/write-path.md` tells how a PUT becomes bytes on disk, `docs/internals/rules.md` lists the
//! invariants; each is restated where it is kept.

mod apply;
mod blob;
pub mod bugs;
mod collect;
mod content;
mod documents;
mod encoders;
mod error;
mod fetch;
mod folder;
mod fsck;
mod handoffs;
mod ingest;
mod inspect;
mod jobs;
mod log;
mod open;
mod optimize;
mod parity;
mod pins;
mod pool;
mod reading;
mod recipe;
mod recount;
mod recovery;
mod segments;
mod settings;
mod soundness;
mod stats;
mod stop;
mod transaction;
mod unreadable;
mod write;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Weak};

use deltastore_format::{Hash, Position, SegmentId, StoreHeader};
use parking_lot::Mutex;

pub use blob::{AppendedBlob, Blob, Space};
pub use collect::{CollectOptions, CollectReport, Collector};
pub use content::Content;
pub use documents::{DocumentError, Expected};
pub use error::StoreError;
pub use fetch::slice_of;
pub use folder::Folder;
pub use fsck::{FsckReport, Problem};
pub use handoffs::Handoffs;
pub use ingest::{Assembly, Chunk, Chunked, Done, EncodeOptions, Encoding, ObjectSketches, Pipeline, Prepared, State};
pub use inspect::{CodecSum, Inspection, Recreation, Survey, Use, WindowUse};
pub use jobs::{Activity, Held, Job, JobError, JobHandle, JobStatus, Jobs, Next, Outcome, Priority, Run, StopOnDrop};
pub use optimize::{MultipartRewriter, OptimizeOptions, OptimizeProgress, OptimizeReport, Optimizer, Policy, Step};
pub use parity::{MendReport, ParityPass, Scrub};
pub use pool::{Pool, Worker};
pub use reading::ReadPins;
pub use recipe::Walk;
pub use recovery::{Damage, Progress, Rebuilt};
pub use settings::Settings;
pub use soundness::{DamageCounts, Verifier};
pub(crate) use stats::directory;
pub use stats::{SpaceStats, Stats, Totals};
pub use transaction::{CommitError, Touch, Transaction};
pub use unreadable::{Owner, Stretch, Unreadable};

pub use write::Placings;

/// The tables, as the object layer reads them.
pub use crate::index::{After, Index, IndexError, ListEntry, ListQuery, UploadRow, VersionRow};

use crate::segment::vfs::{Clock, Vfs};
use bugs::Bugs;
use encoders::Encoders;
use fetch::Blobs;
use log::{Log, Status};
use optimize::OptimizerState;
use pins::{Pin, Pins};
use segments::Segments;
use soundness::Unverified;

/// A handle on an open store; clones share it. The last one dropped closes it cleanly.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    index: Index,
    blobs: Blobs,
    pins: Arc<Pins>,
    clock: Arc<dyn Clock>,
    status: Arc<Status>,
    segments: Arc<Segments>,
    settings: Settings,
    bugs: Bugs,
    damage: Vec<Damage>,
    collecting: Mutex<()>,
    optimizer: OptimizerState,
    unverified: Unverified,
    encoders: Encoders,
    jobs: Jobs,
    vfs: Arc<dyn Vfs>,
    header: StoreHeader,
    encode: Pool,
    read: Pool,
    log: Option<Log>,
    /// Where the log ends, of a store that is only looked at.
    end: Option<Position>,
    // Last: the lock goes when everything else has.
    folder: Folder,
}

/// Whether a store can serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    Ready,
    /// Reads and deletes work; writes that add data wait for space.
    Full,
    /// Reads work; writes wait for the index, or are refused for now.
    Stalled {
        reason: String,
    },
    /// Only reads work, until restart.
    ReadOnly {
        reason: String,
    },
    /// Everything works but what needs lost or damaged bytes: so many damaged places were found when it was opened, so
    /// many segments are lost, and the index is to be rebuilt at the next start.
    Degraded {
        damage: usize,
        lost: usize,
        index: bool,
    },
}

/// A store that somebody else keeps open.
struct Lent(Weak<Inner>);

impl Lent {
    /// The store, unless it is closed.
    fn store(&self) -> Option<Store> {
        self.0.upgrade().map(Store)
    }
}

/// Each part of the store is given the few others that it works with; none reaches through all of them.
impl Store {
    fn blobs(&self) -> &Blobs {
        &self.0.blobs
    }

    fn pins(&self) -> &Arc<Pins> {
        &self.0.pins
    }

    fn segments(&self) -> &Segments {
        &self.0.segments
    }

    fn status(&self) -> &Status {
        &self.0.status
    }

    fn vfs(&self) -> &dyn Vfs {
        self.0.vfs.as_ref()
    }

    fn encoders(&self) -> &Encoders {
        &self.0.encoders
    }

    fn optimizer(&self) -> &OptimizerState {
        &self.0.optimizer
    }

    fn collecting(&self) -> &Mutex<()> {
        &self.0.collecting
    }

    fn unverified(&self) -> &Unverified {
        &self.0.unverified
    }

    /// What is wrong with the folder, and where the log ends in a store that is only looked at.
    fn looked_at(&self) -> (&Folder, Option<Position>) {
        (&self.0.folder, self.0.end)
    }

    /// # Errors
    /// [`StoreError::ReadOnly`] of a store that is only looked at.
    fn log(&self) -> Result<&Log, StoreError> {
        self.0.log.as_ref().ok_or_else(|| StoreError::ReadOnly("closing".into()))
    }

    /// Pins a hash, waiting out a collection of it that is under way.
    fn pin(&self, hash: Hash) -> (Pin, Option<Arc<AppendedBlob>>) {
        self.0.pins.pin_waiting(hash)
    }

    /// Counts what makes garbage: commits that removed something, and uploads that were given up.
    fn garbage_made(&self) -> u64 {
        self.0.status.removals() + self.0.pins.abandoned()
    }

    /// The jobs of this store.
    pub fn jobs(&self) -> &Jobs {
        &self.0.jobs
    }

    /// A handle that does not keep the store open.
    fn lent(&self) -> Lent {
        Lent(Arc::downgrade(&self.0))
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

    /// Whether it can serve.
    pub fn health(&self) -> Health {
        let status = &self.0.status;
        if let Some(reason) = status.read_only() {
            return Health::ReadOnly { reason };
        }
        match status.stalled() {
            Some(reason) => Health::Stalled { reason },
            None if status.full() => Health::Full,
            None => {
                let (damage, lost) = (self.0.damage.len(), self.0.segments.lost().len());
                let index = self.0.index.engine().is_damaged();
                match damage > 0 || lost > 0 || index {
                    true => Health::Degraded { damage, lost, index },
                    false => Health::Ready,
                }
            }
        }
    }

    /// Looks at the disk's free space, and so ends the time in which writes are refused; true while the disk is full.
    pub(crate) fn look_for_space(&self) -> bool {
        self.0.status.look_for_space(self.0.vfs.as_ref(), self.dir(), self.0.settings.reserve_bytes)
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

    /// What is known of damage by now.
    pub fn damage_counts(&self) -> DamageCounts {
        DamageCounts { log_ranges: self.0.damage.len() as u64, ..self.0.blobs.damage_counts() }
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
        self.stop_background();
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
