//! A store for one run, and bodies that are known by their number.

use std::path::Path;
use std::sync::Arc;

use deltastore::index::{Engine, MemEngine, RocksEngine, RocksSettings};
use deltastore::object::Objects;
use deltastore::store::{Folder, Settings, Store, bugs::Bugs};
use deltastore_delta::CutSettings;
use deltastore_segment::vfs::{RealVfs, SimVfs, SystemClock, Vfs};
use futures::executor::block_on;
use md5::{Digest, Md5};

use crate::compressed::gzip;

pub const BUCKET: &str = "bucket";
/// The folder on a simulated disk.
pub const DIR: &str = "/data";

/// On a real disk, with RocksDB.
pub fn on_disk(dir: &Path, bugs: Bugs) -> Objects {
    open(Arc::new(RealVfs), dir, bugs, |folder| {
        Arc::new(RocksEngine::open(&folder.index_dir(), &RocksSettings::default()).unwrap())
    })
}

/// In memory: more operations, more of them at the same time.
pub fn simulated(bugs: Bugs) -> Objects {
    open(Arc::new(SimVfs::new()), Path::new(DIR), bugs, |_| Arc::new(MemEngine::new()))
}

/// In memory, nothing cached, and every record is verified anew whenever something links to it: for flips in the disk
/// that is given back.
pub fn distrusting(bugs: Bugs) -> (Objects, SimVfs) {
    let vfs = SimVfs::new();
    let change = |settings| Settings { cache_bytes: 0, verified_ms: 0, ..settings };
    let objects = open_with(Arc::new(vfs.clone()), Path::new(DIR), bugs, |_| Arc::new(MemEngine::new()), change);
    (objects, vfs)
}

fn open(vfs: Arc<dyn Vfs>, dir: &Path, bugs: Bugs, engine: impl FnOnce(&Folder) -> Arc<dyn Engine>) -> Objects {
    open_with(vfs, dir, bugs, engine, |settings| settings)
}

fn open_with(
    vfs: Arc<dyn Vfs>,
    dir: &Path,
    bugs: Bugs,
    engine: impl FnOnce(&Folder) -> Arc<dyn Engine>,
    change: impl FnOnce(Settings) -> Settings,
) -> Objects {
    let clock = Arc::new(SystemClock);
    let folder = Folder::open(vfs, dir, clock.as_ref(), true).unwrap();
    let settings = Settings {
        cut: CutSettings { min: 256, target: 1024, max: 4096 },
        optimized_cut: CutSettings { min: 512, target: 2048, max: 8192 },
        optimize_min: 64,
        segment_bytes: 256 << 10,
        cache_bytes: 64 << 10,
        ..Settings::default()
    };
    let engine = engine(&folder);
    let objects = Objects::new(Store::open(folder, engine, clock, change(settings), bugs).unwrap());
    block_on(objects.create_bucket(BUCKET)).unwrap();
    objects
}

/// Body number `number`: mostly what all others hold too, so that windows are shared and deltas pay.
pub fn body(number: u64) -> Vec<u8> {
    let len = match number % 10 {
        0 => 40_000,
        1..=3 => 9_000,
        _ => 700,
    };
    let mut bytes = number.to_le_bytes().to_vec();
    // One of few beginnings, so that a deleted body's windows come back.
    let mut state = number % 7;
    bytes.extend((0..len).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    }));
    let at = 8 + (number as usize * 97) % (len - 16);
    bytes[at..at + 8].copy_from_slice(&number.to_be_bytes());
    if number % 10 == 1 {
        // A compressed member, whose content is mostly that of others too.
        let text: Vec<u8> = bytes[8..].iter().map(|byte| b'a' + byte % 16).collect();
        bytes.truncate(300);
        bytes.extend(gzip(&text, 6, None));
    }
    bytes
}

/// The number of a body, if it is one to its last byte.
pub fn number_of(bytes: &[u8]) -> Option<u64> {
    let number = u64::from_le_bytes(*bytes.first_chunk()?);
    (body(number) == bytes).then_some(number)
}

pub fn etag(body: &[u8]) -> String {
    hex::encode(Md5::digest(body))
}

/// The ETag of an upload with one part.
pub fn upload_etag(body: &[u8]) -> String {
    format!("{}-1", hex::encode(Md5::digest(Md5::digest(body))))
}
