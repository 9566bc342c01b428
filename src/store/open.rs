//! Opening a store: recovery first, then the threads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::bugs::Bugs;
use super::encoders::Encoders;
use super::fetch::Blobs;
use super::log::{Log, LogState, Status};
use super::optimize::OptimizerState;
use super::pins::Pins;
use super::recovery::{self, Found, Rebuilt, RecoveryContext};
use super::segments::Segments;
use super::soundness::{Soundness, Unverified};
use super::{Damage, Folder, Index, Inner, Jobs, Pool, Progress, Settings, Store, StoreError};
use crate::index::Engine;
use crate::segment::vfs::Clock;
use crate::segment::{DiskCache, Readers};

/// How long a start waits for what may pass.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two tries.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// Segment files kept open at once by what is no server.
const OPEN_SEGMENTS: usize = 64;

/// What a handle is made of.
struct Parts {
    folder: Folder,
    index: Index,
    readers: Readers,
    clock: Arc<dyn Clock>,
    settings: Settings,
    bugs: Bugs,
    found: Found,
    soundness: Arc<Soundness>,
    disk: Option<DiskCache>,
    status: Arc<Status>,
    pins: Arc<Pins>,
    log: Option<Log>,
}

impl Store {
    /// Opens a locked folder over an engine for its index: recovers, then starts the log.
    ///
    /// # Errors
    /// See [`StoreError`]; a crash alone never makes it fail.
    pub fn open(
        folder: Folder,
        engine: Arc<dyn Engine>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        bugs: Bugs,
    ) -> Result<Self, StoreError> {
        let index = Index::open(engine)?;
        let readers = Readers::new(Arc::clone(&folder.vfs), folder.dir.clone(), settings.open_segments);
        let context = RecoveryContext { folder: &folder, index: &index, readers: &readers, clock: &clock, bugs };
        let recovered = patiently(|| recovery::recover(&context))?;
        let found = recovered.found;
        tracing::debug!(replayed = found.replayed, clean = recovered.clean, "recovered");
        let settings = settings.fitted(capacity(&folder, &readers, &found.segments)?);
        let vfs = Arc::clone(&folder.vfs);
        let disk = DiskCache::open(vfs, &folder.dir, settings.disk_cache_bytes, 2 * settings.reserve_bytes);
        let pins = Arc::new(Pins::default());
        let status = Arc::new(Status::default());
        let segments = Arc::clone(&found.segments);
        let durable = recovered.writer.position();
        let soundness = Arc::new(Soundness::new(Arc::clone(&clock), settings.verified_ms));
        let log = Log::start(LogState {
            vfs: Arc::clone(&folder.vfs),
            dir: folder.dir.clone(),
            store: folder.header.store,
            epoch: folder.header.epoch,
            index: index.clone(),
            pins: Arc::clone(&pins),
            clock: Arc::clone(&clock),
            status: Arc::clone(&status),
            settings: settings.clone(),
            bugs,
            soundness: Arc::clone(&soundness),
            segments: Arc::clone(&segments),
            writer: recovered.writer,
            next_sequence: recovered.next_sequence,
            durable,
            marked: recovered.clean,
        })?;
        let log = Some(log);
        Self::assemble(Parts {
            folder,
            index,
            readers,
            clock,
            settings,
            bugs,
            found,
            soundness,
            disk,
            status,
            pins,
            log,
        })
    }

    /// Opens a folder that is only looked at, over a copy of its index, which is brought up to the log's end. Nothing
    /// can be written.
    ///
    /// # Errors
    /// What reading gives.
    pub fn open_read_only(
        folder: Folder,
        engine: Arc<dyn Engine>,
        clock: Arc<dyn Clock>,
        settings: Settings,
    ) -> Result<Self, StoreError> {
        let (index, bugs) = (Index::open(engine)?, Bugs::default());
        let readers = Readers::new(Arc::clone(&folder.vfs), folder.dir.clone(), OPEN_SEGMENTS);
        let context = RecoveryContext { folder: &folder, index: &index, readers: &readers, clock: &clock, bugs };
        let found = recovery::look(&context)?;
        let soundness = Arc::new(Soundness::new(Arc::clone(&clock), settings.verified_ms));
        let (disk, status, pins, log) = (None, Arc::default(), Arc::default(), None);
        Self::assemble(Parts {
            folder,
            index,
            readers,
            clock,
            settings,
            bugs,
            found,
            soundness,
            disk,
            status,
            pins,
            log,
        })
    }

    fn assemble(parts: Parts) -> Result<Self, StoreError> {
        let Parts { folder, index, readers, clock, settings, bugs, found, soundness, disk, status, pins, log } = parts;
        Ok(Self(Arc::new(Inner {
            blobs: Blobs::new(index.clone(), Arc::clone(&pins), readers, settings.cache_bytes, disk, soundness, bugs),
            encode: Pool::new("encode", settings.encode_threads, status.handoffs.clone())?,
            read: Pool::new("read", settings.read_threads, status.handoffs.clone())?,
            vfs: Arc::clone(&folder.vfs),
            header: folder.header.clone(),
            index,
            pins,
            clock,
            status,
            segments: found.segments,
            settings,
            bugs,
            damage: found.damage,
            collecting: Mutex::new(()),
            optimizer: OptimizerState::default(),
            unverified: Unverified::default(),
            encoders: Encoders::new(),
            jobs: Jobs::default(),
            end: log.is_none().then_some(found.end),
            log,
            folder,
        })))
    }

    /// Gives up the lost segments of a locked folder, for good unless their files come back; names what is lost.
    ///
    /// # Errors
    /// What reading and writing give.
    pub fn forget_lost(
        folder: &Folder,
        engine: Arc<dyn Engine>,
        clock: Arc<dyn Clock>,
    ) -> Result<Vec<Damage>, StoreError> {
        let index = Index::open(engine)?;
        let readers = Readers::new(Arc::clone(&folder.vfs), folder.dir.clone(), OPEN_SEGMENTS);
        let context =
            RecoveryContext { folder, index: &index, readers: &readers, clock: &clock, bugs: Bugs::default() };
        recovery::forget(&context)
    }

    /// Rebuilds the index of a locked folder from its segments alone.
    ///
    /// # Errors
    /// What reading segments and writing the index give; damage is answered, not an error.
    pub fn rebuild_index(
        folder: &Folder,
        engine: Arc<dyn Engine>,
        clock: Arc<dyn Clock>,
        report: &mut dyn FnMut(Progress),
    ) -> Result<Rebuilt, StoreError> {
        let index = Index::open(engine)?;
        let readers = Readers::new(Arc::clone(&folder.vfs), folder.dir.clone(), OPEN_SEGMENTS);
        let context =
            RecoveryContext { folder, index: &index, readers: &readers, clock: &clock, bugs: Bugs::default() };
        patiently(|| recovery::rebuild_only(&context, report))
    }
}

/// Runs a recovery, again where it failed for what may pass: a recovery may be broken off and begun anew at any moment.
fn patiently<T>(mut recover: impl FnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let deadline = Instant::now() + RECOVERY_TIMEOUT;
    loop {
        match recover() {
            Err(error) if error.is_passing() && Instant::now() < deadline => {
                tracing::warn!(%error, "recovery is begun anew");
                std::thread::sleep(RETRY_PAUSE);
            }
            result => return result,
        }
    }
}

/// Bytes of segments that the disk has or has room for.
fn capacity(folder: &Folder, readers: &Readers, segments: &Segments) -> Result<u64, StoreError> {
    let mut capacity = folder.vfs.free_bytes(&folder.dir)?;
    for id in segments.all() {
        capacity = capacity.saturating_add(readers.get(id)?.file_len()?);
    }
    Ok(capacity)
}
