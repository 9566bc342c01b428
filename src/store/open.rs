//! Opening a store: recovery first, then the threads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deltastore_format::SegmentId;
use parking_lot::Mutex;

use super::bugs::Bugs;
use super::encoders::Encoders;
use super::fetch::Blobs;
use super::log::{Log, LogState, Status};
use super::optimize::Joins;
use super::pins::Pins;
use super::recovery::{self, Scene};
use super::segments::Segments;
use super::{Damage, Folder, Index, Inner, Pool, Progress, Settings, Store, StoreError};
use crate::index::Engine;
use crate::segment::vfs::Clock;
use crate::segment::{DiskCache, Readers};

/// How long a start waits for what may pass.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(500);
/// Segment files kept open at once.
const OPEN_SEGMENTS: usize = 256;

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
        let readers = Readers::new(Arc::clone(&folder.vfs), folder.dir.clone(), OPEN_SEGMENTS);
        let scene = Scene { folder: &folder, index: &index, readers: &readers, clock: &clock, bugs };
        let recovered = patiently(|| recovery::recover(&scene))?;
        tracing::debug!(replayed = recovered.replayed, "recovered");
        let settings = settings.fitted(capacity(&folder, &readers, &recovered.segments)?);
        let vfs = Arc::clone(&folder.vfs);
        let disk = DiskCache::open(vfs, &folder.dir, settings.disk_cache_bytes, 2 * settings.reserve_bytes);
        let pins = Arc::new(Pins::default());
        let status = Arc::new(Status::default());
        let segments = Arc::new(Segments::new(recovered.segments));
        let durable = recovered.writer.position();
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
            segments: Arc::clone(&segments),
            writer: recovered.writer,
            next_sequence: recovered.next_sequence,
            durable,
            marked: recovered.clean,
        })?;
        Ok(Self(Arc::new(Inner {
            blobs: Blobs::new(index.clone(), Arc::clone(&pins), readers, settings.cache_bytes, disk, bugs),
            encode: Pool::new("encode", settings.encode_threads)?,
            read: Pool::new("read", settings.read_threads)?,
            vfs: Arc::clone(&folder.vfs),
            header: folder.header.clone(),
            index,
            pins,
            clock,
            status,
            segments,
            settings,
            bugs,
            damage: recovered.damage,
            collecting: Mutex::new(()),
            optimizing: Mutex::new(()),
            joins: Joins::default(),
            encoders: Encoders::new(),
            log: Some(log),
            folder,
        })))
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
    ) -> Result<Vec<Damage>, StoreError> {
        let index = Index::open(engine)?;
        let readers = Readers::new(Arc::clone(&folder.vfs), folder.dir.clone(), OPEN_SEGMENTS);
        let scene = Scene { folder, index: &index, readers: &readers, clock: &clock, bugs: Bugs::default() };
        patiently(|| recovery::rebuild_only(&scene, report))
    }
}

/// Runs a recovery, again where it failed for what may pass: a recovery may be broken off and begun anew at any moment.
fn patiently<T>(mut recover: impl FnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match recover() {
            Err(error) if error.is_passing() && Instant::now() < deadline => {
                tracing::warn!(%error, "recovery is begun anew");
                std::thread::sleep(PAUSE);
            }
            result => return result,
        }
    }
}

/// Bytes of segments that the disk has or has room for.
fn capacity(folder: &Folder, readers: &Readers, segments: &[SegmentId]) -> Result<u64, StoreError> {
    let mut capacity = folder.vfs.free_bytes(&folder.dir)?;
    for id in segments {
        capacity = capacity.saturating_add(readers.get(*id)?.file_len()?);
    }
    Ok(capacity)
}
