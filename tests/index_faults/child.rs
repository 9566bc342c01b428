//! The process under test: a store with RocksDB and the real disk, small enough that its index is flushed all the time,
//! and a client that keeps account of what must be there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use deltastore::index::{Engine, Index, IndexError, RocksEngine, RocksSettings};
use deltastore::object::{DeleteInput, DeleteKey, Expect, GetInput, ObjectError, Objects, PutInput, WriteConditions};
use deltastore::store::bugs::Bugs;
use deltastore::store::{CollectOptions, Folder, Health, Settings, Store};
use deltastore_delta::CutSettings;
use deltastore_format::Metadata;
use deltastore_segment::vfs::{RealVfs, SystemClock};
use futures::executor::block_on;
use futures::{StreamExt, TryStreamExt};

use crate::shim::Shim;

const FOLDER: &str = "FAULTS_FOLDER";
/// What fails may be refused for so long after nothing fails any more.
const PATIENCE: Duration = Duration::from_secs(30);

/// This test binary, running one ignored test on a data folder, with the library before it.
pub fn command(test: &str, shim: &Shim, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).env(FOLDER, dir);
    shim.stand_before(&mut command);
    command
}

/// The data folder that the parent named; none when nobody did.
pub fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

fn settings() -> Settings {
    Settings {
        cut: CutSettings { min: 128, target: 512, max: 2048 },
        expand: None,
        segment_bytes: 24 << 10,
        reserve_bytes: 0,
        cache_bytes: 1 << 20,
        encode_threads: 1,
        read_threads: 1,
        ..Settings::default()
    }
}

fn rocks() -> RocksSettings {
    RocksSettings { block_cache_bytes: 1 << 20, write_buffer_bytes: 10 << 20, ..RocksSettings::default() }
}

/// Opens the index as the command line does: one that is damaged is thrown away, and rebuilt when the store opens.
fn engine(path: &Path) -> Result<Arc<dyn Engine>, IndexError> {
    let checked = || -> Result<Arc<dyn Engine>, IndexError> {
        let engine: Arc<dyn Engine> = Arc::new(RocksEngine::open(path, &rocks())?);
        Index::open(Arc::clone(&engine))?;
        Ok(engine)
    };
    match checked() {
        Err(IndexError::Damaged { .. } | IndexError::Corrupt { .. }) => {
            RocksEngine::destroy(path)?;
            checked()
        }
        other => other,
    }
}

pub fn open(dir: &Path, bugs: Bugs) -> Result<Objects, String> {
    let clock = Arc::new(SystemClock);
    let folder = Folder::open(Arc::new(RealVfs), dir, clock.as_ref(), true).map_err(|error| error.to_string())?;
    let engine = engine(&folder.index_dir()).map_err(|error| error.to_string())?;
    let store = Store::open(folder, engine, clock, settings(), bugs).map_err(|error| error.to_string())?;
    Ok(Objects::new(store))
}

pub fn put(objects: &Objects, key: &str, body: &[u8]) -> Result<(), ObjectError> {
    let input = PutInput {
        bucket: "bucket".into(),
        key: key.into(),
        body: futures::stream::iter([Ok(Bytes::copy_from_slice(body))]).boxed(),
        expect: Expect::default(),
        metadata: Metadata::default(),
        conditions: WriteConditions::default(),
    };
    block_on(objects.put_object(input)).map(drop)
}

pub fn delete(objects: &Objects, key: &str) -> Result<(), ObjectError> {
    let key = DeleteKey { key: key.into(), ..DeleteKey::default() };
    block_on(objects.delete_object(DeleteInput { bucket: "bucket".into(), key }))
}

/// An object's bytes; none when there is no such object.
pub fn get(objects: &Objects, key: &str) -> Result<Option<Vec<u8>>, String> {
    let input = GetInput { bucket: "bucket".into(), key: key.into(), ..GetInput::default() };
    block_on(async {
        let output = match objects.get_object(input).await {
            Err(ObjectError::NoSuchKey { .. }) => return Ok(None),
            other => other.map_err(|error| format!("GET of {key}: {error}"))?,
        };
        let chunks: Vec<Bytes> = output.body.try_collect().await.map_err(|error| format!("GET of {key}: {error}"))?;
        Ok(Some(chunks.concat()))
    })
}

/// Bytes that are like those of the same key before.
pub fn body(key: u64, version: u64) -> Vec<u8> {
    let mut state = key + 1;
    let mut next = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 56) as u8
    };
    let mut bytes: Vec<u8> = (0..3000 + key * 500).map(|_| next()).collect();
    bytes[..8].copy_from_slice(&version.to_le_bytes());
    bytes
}

/// A client of a store that runs.
pub struct Client {
    dir: PathBuf,
    objects: Option<Objects>,
    expected: BTreeMap<String, Vec<u8>>,
    version: u64,
}

impl Client {
    pub fn new(dir: &Path) -> Result<Self, String> {
        let mut client = Self { dir: dir.to_owned(), objects: None, expected: BTreeMap::new(), version: 0 };
        client.up()?;
        client.insist("making the bucket", |client| block_on(client.objects().create_bucket("bucket")).map(drop))?;
        Ok(client)
    }

    pub fn objects(&self) -> &Objects {
        self.objects.as_ref().expect("the store is open")
    }

    pub fn up(&mut self) -> Result<(), String> {
        self.objects = Some(open(&self.dir, Bugs::default())?);
        Ok(())
    }

    pub fn down(&mut self) {
        self.objects = None;
    }

    /// Throws the index away.
    pub fn without_index(&mut self) -> Result<(), String> {
        self.down();
        std::fs::remove_dir_all(self.dir.join("index")).map_err(|error| error.to_string())
    }

    /// Does it until it is done. Nothing but a refusal for now may come before.
    fn insist(&self, what: &str, mut act: impl FnMut(&Self) -> Result<(), ObjectError>) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match act(self) {
                Ok(()) => return Ok(()),
                Err(ObjectError::NotNow(_)) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(20))
                }
                Err(error) => return Err(format!("{what}: {error:?}")),
            }
        }
    }

    /// Puts, reads, deletes, flushes the index and collects: every kind of call occurs.
    pub fn work(&mut self) -> Result<(), String> {
        for key in 0..4 {
            self.version += 1;
            let (name, body) = (format!("key-{key}"), body(key, self.version));
            self.insist("PUT", |client| put(client.objects(), &name, &body))?;
            let found = self.read(&name)?;
            if found.as_deref() != Some(&body[..]) {
                return Err(format!("{name} is acknowledged and not there"));
            }
            self.expected.insert(name, body);
            self.flush();
        }
        self.insist("DELETE", |client| delete(client.objects(), "key-3"))?;
        self.expected.remove("key-3");
        // Both fail while something does; what they did stays done.
        let _ = self.objects().store().collect(CollectOptions::THOROUGH, &mut |_| ());
        self.flush();
        Ok(())
    }

    fn flush(&self) {
        if let Err(error) = self.objects().store().index().flush() {
            assert!(error.is_passing(), "{error}");
        }
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        let mut found = None;
        self.insist("GET", |client| match get(client.objects(), name) {
            Ok(body) => {
                found = body;
                Ok(())
            }
            Err(error) if error.contains("cannot do this now") || error.contains("not now") => {
                Err(ObjectError::NotNow(error))
            }
            Err(error) => Err(ObjectError::Internal(error)),
        })?;
        Ok(found)
    }

    /// Everything acknowledged is there, the store takes writes, and nothing is damaged.
    pub fn check(&self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        while self.objects().store().health() != Health::Ready {
            if Instant::now() > deadline {
                return Err(format!("{:?}", self.objects().store().health()));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        for number in 0..4 {
            let name = format!("key-{number}");
            if self.read(&name)?.as_ref() != self.expected.get(&name) {
                return Err(format!("{name} is not what it was"));
            }
        }
        let report = self.objects().store().fsck(&mut |_| ()).map_err(|error| format!("fsck: {error}"))?;
        report.problems.first().map_or(Ok(()), |problem| Err(format!("fsck: {problem}")))
    }
}
