//! A machine under test: a simulated disk, an index engine whose flushes are noted in the disk's time, and processes on
//! it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use deltastore::index::{Batch, Engine, Family, IndexError, MemEngine, Scan};
use deltastore::object::Objects;
use deltastore::store::bugs::Bugs;
use deltastore::store::{Folder, Settings, Store, StoreError};
use deltastore_delta::{CutSettings, Effort};
use deltastore_members as members;
use deltastore_segment::vfs::{Clock, CrashMode, SimClock, SimVfs, Vfs, VfsFile};
use parking_lot::Mutex;

pub const DIR: &str = "/data";

/// A state the index engine has made durable.
#[derive(Clone)]
pub struct Flush {
    /// Calls the disk had seen when it was made.
    pub at: usize,
    /// Asked for by the store, so that a crash keeps it; else the engine's own doing.
    pub promised: bool,
    pub state: MemEngine,
}

/// Disk and index of one machine, over any number of processes.
#[derive(Clone)]
pub struct Machine {
    pub vfs: SimVfs,
    pub flushes: Arc<Mutex<Vec<Flush>>>,
    pub bugs: Bugs,
    pub settings: Settings,
    /// How long each sync takes.
    pub sync_time: Duration,
    /// The machine's clock, which is set now and then.
    pub clock: Arc<SimClock>,
}

/// Where a machine's clock begins.
const BEGIN_MS: u64 = 1_700_000_000_000;

/// Small windows and segments, so that a few kilobytes make deltas, recipe nodes and several segments.
pub fn small_settings() -> Settings {
    Settings {
        cut: CutSettings { min: 128, target: 512, max: 2048 },
        effort: Effort { max_depth: 3, ..Effort::default() },
        expand: Some(members::Settings {
            unit: 1 << 10,
            plain: 2 << 10,
            gap: 96,
            member: 32,
            packed: 512,
            ..members::Settings::default()
        }),
        optimized_cut: CutSettings { min: 256, target: 1024, max: 4096 },
        optimize_min: 64,
        parity_from: 2,
        segment_bytes: 12 << 10,
        reserve_bytes: 0,
        cache_bytes: 1 << 20,
        ingest_bytes: 8 << 20,
        read_bytes: 8 << 20,
        encode_threads: 1,
        read_threads: 1,
        ..Settings::default()
    }
}

impl Machine {
    pub fn new(bugs: Bugs) -> Self {
        Self::with(SimVfs::new(), MemEngine::new(), bugs)
    }

    pub fn with(vfs: SimVfs, index: MemEngine, bugs: Bugs) -> Self {
        let first = Flush { at: 0, promised: true, state: index };
        let flushes = Arc::new(Mutex::new(vec![first]));
        let clock = Arc::new(SimClock::new(BEGIN_MS));
        Self { vfs, flushes, bugs, settings: small_settings(), sync_time: Duration::ZERO, clock }
    }

    /// What a crash after the first `at` calls may leave of the index, oldest first.
    pub fn index_states(&self, at: usize) -> Vec<MemEngine> {
        let flushes = self.flushes.lock();
        // A promise that was given during the very call the crash hits may have been given after it.
        let kept = flushes.iter().rposition(|flush| flush.promised && flush.at < at).unwrap_or(0);
        let possible = flushes.iter().enumerate().filter(|(number, flush)| *number >= kept && flush.at <= at);
        possible.map(|(_, flush)| flush.state.clone()).collect()
    }

    /// The machine after a power loss. `index` picks one of the possible states; beyond them, the index is gone.
    pub fn power_loss(&self, at: usize, seed: u64, mode: CrashMode, index: usize) -> Machine {
        let states = self.index_states(at);
        let state = states.len().checked_sub(1 + index).map_or_else(MemEngine::new, |number| states[number].crash(0));
        let mut machine = Self::with(self.vfs.crash(at, seed, mode), state, self.bugs);
        machine.settings = self.settings.clone();
        machine.clock.set(self.clock.now_ms());
        machine
    }

    /// Starts a process: opens the store as the index engine left it. `index` counts back from the newest state.
    pub fn start(&self, index: usize, seed: u64) -> Result<Running, StoreError> {
        let at = self.vfs.journal_len();
        let state = {
            let states = self.index_states(at);
            states[states.len().saturating_sub(1 + index.min(states.len() - 1))].crash(0)
        };
        self.start_with(state, seed)
    }

    /// Starts a process over this state of the index, which is durable by being read.
    pub fn start_with(&self, state: MemEngine, seed: u64) -> Result<Running, StoreError> {
        let at = self.vfs.journal_len();
        let mut flushes = self.flushes.lock();
        flushes.push(Flush { at, promised: true, state: state.crash(0) });
        drop(flushes);
        let process = Arc::new(Process {
            disk: self.vfs.clone(),
            dies_at: AtomicUsize::new(usize::MAX),
            dead: AtomicBool::new(false),
            sync_time: self.sync_time,
            index_refuses: AtomicU64::new(0),
        });
        let engine = Recorder {
            inner: state,
            process: Arc::clone(&process),
            flushes: Arc::clone(&self.flushes),
            dice: AtomicU64::new(seed),
        };
        self.clock.advance(seed % 1000);
        let clock = Arc::clone(&self.clock);
        let engine: Arc<dyn Engine> = Arc::new(engine);
        let deadline = Instant::now() + Duration::from_secs(5);
        let folder = loop {
            let vfs: Arc<dyn Vfs> = Arc::new(Handle(Arc::clone(&process)));
            match Folder::open(vfs, Path::new(DIR), &*clock, true) {
                // A job of the process before may still hold the last handle for a moment.
                Err(StoreError::Unusable(reason)) if reason.contains("in use") && Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_micros(50));
                }
                other => break other?,
            }
        };
        let store = Store::open(folder, engine, clock, self.settings.clone(), self.bugs)?;
        Ok(Running { process, objects: Objects::new(store).with_min_part(1) })
    }

    /// Rebuilds the index of the folder, which no process has open, and answers it.
    pub fn rebuilt(&self) -> Result<MemEngine, String> {
        let clock = Arc::new(SimClock::new(1_700_000_000_000));
        let vfs: Arc<dyn Vfs> = Arc::new(self.vfs.clone());
        let folder = Folder::open(vfs, Path::new(DIR), &*clock, false).map_err(|error| error.to_string())?;
        let engine = MemEngine::new();
        let rebuilt = Store::rebuild_index(&folder, Arc::new(engine.clone()), clock, &mut |_| ())
            .map_err(|error| format!("rebuild-index failed: {error}"))?;
        match rebuilt.damage.first() {
            Some(damage) => Err(format!("rebuild-index met damage: {damage}")),
            None => Ok(engine),
        }
    }
}

/// A store that is open.
pub struct Running {
    pub process: Arc<Process>,
    pub objects: Objects,
}

/// A process: its calls reach the disk until it dies.
pub struct Process {
    disk: SimVfs,
    dies_at: AtomicUsize,
    dead: AtomicBool,
    sync_time: Duration,
    index_refuses: AtomicU64,
}

impl Process {
    /// The index refuses so many writes from now on.
    pub fn index_refuses(&self, writes: u64) {
        self.index_refuses.store(writes, Ordering::SeqCst);
    }

    fn index_takes(&self) -> Result<(), IndexError> {
        let left = |left: u64| left.checked_sub(1);
        match self.index_refuses.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left) {
            Ok(_) => Err(IndexError::NotNow { action: "write", message: "too many open files".into() }),
            Err(_) => Ok(()),
        }
    }

    /// Dies as soon as the disk has seen so many calls.
    pub fn dies_at(&self, calls: usize) {
        self.dies_at.store(calls, Ordering::SeqCst);
    }

    pub fn kill(&self) {
        self.dead.store(true, Ordering::SeqCst);
    }

    pub fn is_dead(&self) -> bool {
        self.alive().is_err()
    }

    fn alive(&self) -> io::Result<()> {
        if self.dead.load(Ordering::SeqCst) || self.disk.journal_len() >= self.dies_at.load(Ordering::SeqCst) {
            self.kill();
            return Err(io::Error::other("the process is dead"));
        }
        Ok(())
    }

    fn before_sync(&self) -> io::Result<()> {
        self.alive()?;
        if !self.sync_time.is_zero() {
            std::thread::sleep(self.sync_time);
        }
        self.alive()
    }
}

/// The disk as a process sees it.
struct Handle(Arc<Process>);

struct File {
    process: Arc<Process>,
    file: Arc<dyn VfsFile>,
}

impl Handle {
    fn file(&self, file: Arc<dyn VfsFile>) -> Arc<dyn VfsFile> {
        Arc::new(File { process: Arc::clone(&self.0), file })
    }
}

impl Vfs for Handle {
    fn create(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        self.0.alive()?;
        Ok(self.file(self.0.disk.create(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        self.0.alive()?;
        Ok(self.file(self.0.disk.open(path)?))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.0.alive()?;
        self.0.disk.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.alive()?;
        self.0.disk.create_dir(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.alive()?;
        self.0.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.alive()?;
        self.0.disk.remove(path)
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.0.alive()?;
        self.0.disk.exists(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.before_sync()?;
        self.0.disk.sync_dir(dir)
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        self.0.alive()?;
        self.0.disk.free_bytes(dir)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send + Sync>> {
        self.0.alive()?;
        self.0.disk.lock(path)
    }
}

impl VfsFile for File {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.process.alive()?;
        self.file.read_at(buf, offset)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.process.alive()?;
        self.file.write_all_at(buf, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.process.before_sync()?;
        self.file.sync_data()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.process.alive()?;
        self.file.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        self.process.alive()?;
        self.file.len()
    }
}

/// The index engine: notes every flush, and now and then flushes on its own as a real one does when its memory is full.
struct Recorder {
    inner: MemEngine,
    process: Arc<Process>,
    flushes: Arc<Mutex<Vec<Flush>>>,
    dice: AtomicU64,
}

impl Recorder {
    fn note(&self, promised: bool) {
        let mut flushes = self.flushes.lock();
        // What a dead process flushes reaches nothing.
        if !self.process.is_dead() {
            self.inner.background_flush();
            let state = self.inner.crash(self.inner.flushes());
            flushes.push(Flush { at: self.process.disk.journal_len(), promised, state });
        }
    }

    fn roll(&self) -> u64 {
        let next = |dice: u64| dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let old = self.dice.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |dice| Some(next(dice)));
        old.unwrap_or(0) >> 33
    }
}

impl Engine for Recorder {
    fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError> {
        self.inner.get(family, key)
    }

    fn multi_get(&self, family: Family, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, IndexError> {
        self.inner.multi_get(family, keys)
    }

    fn scan<'a>(&'a self, family: Family, from: &[u8], to: Option<&[u8]>) -> Box<dyn Scan + 'a> {
        self.inner.scan(family, from, to)
    }

    fn scan_versions<'a>(&'a self, prefix: &[u8]) -> Box<dyn Scan + 'a> {
        self.inner.scan_versions(prefix)
    }

    fn write(&self, batch: Batch) -> Result<(), IndexError> {
        self.process.index_takes()?;
        self.inner.write(batch)?;
        if self.roll().is_multiple_of(4) {
            self.note(false);
        }
        Ok(())
    }

    fn flush(&self) -> Result<(), IndexError> {
        self.inner.flush()?;
        self.note(true);
        Ok(())
    }
}

/// Segment files of the machine.
pub fn segment_files(machine: &Machine) -> Vec<PathBuf> {
    machine.vfs.files().into_iter().filter(|path| path.extension().is_some_and(|name| name == "seg")).collect()
}
