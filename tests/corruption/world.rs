//! A small store with every kind of record in it, and how to look at it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use deltastore::index::MemEngine;
use deltastore::object::{
    ByteRange, CompleteInput, CompletedPart, CreateUploadInput, DeleteInput, DeleteKey, Expect, GetInput, ListInput,
    ListPartsInput, ObjectError, Objects, PutInput, UploadPartInput, WriteConditions, format_upload_id,
};
use deltastore::store::{
    CollectOptions, Damage, Folder, OptimizeOptions, Policy, Settings, Store, StoreError, bugs::Bugs,
};
use deltastore_delta::CutSettings;
use deltastore_format::Metadata;
use deltastore_segment::vfs::{Clock, SimClock, SimVfs, Vfs};
use futures::executor::block_on;
use futures::{StreamExt, TryStreamExt};

use crate::compressed::gzip;

pub const DIR: &str = "/data";
pub type Name = (&'static str, &'static str);

/// Small windows and segments, nothing cached: every read comes from the disk.
pub fn settings() -> Settings {
    Settings {
        cut: CutSettings { min: 256, target: 1024, max: 4096 },
        optimized_cut: CutSettings { min: 512, target: 2048, max: 8192 },
        optimize_min: 64,
        segment_bytes: 12 << 10,
        cache_bytes: 0,
        encode_threads: 1,
        read_threads: 1,
        ..Settings::default()
    }
}

pub fn clock() -> Arc<dyn Clock> {
    Arc::new(SimClock::new(1_700_000_000_000))
}

pub fn folder(vfs: Arc<dyn Vfs>, dir: &Path, create: bool) -> Result<Folder, StoreError> {
    // A job on a pool may hold the last handle of a store that was just dropped, for a moment.
    for _ in 0..500 {
        match Folder::open(Arc::clone(&vfs), dir, &*clock(), create) {
            Err(StoreError::Unusable(reason)) if reason.contains("in use") => {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            other => return other,
        }
    }
    Folder::open(vfs, dir, &*clock(), create)
}

pub fn open(vfs: &SimVfs, engine: &MemEngine) -> Result<Objects, StoreError> {
    let folder = folder(Arc::new(vfs.clone()), Path::new(DIR), false)?;
    Ok(Objects::new(Store::open(folder, Arc::new(engine.clone()), clock(), settings(), Bugs::default())?))
}

/// As [`open`], with a planted bug; every record is verified anew whenever something links to it, and parts may be
/// short.
pub fn open_distrusting(vfs: &SimVfs, engine: &MemEngine, bugs: Bugs) -> Result<Objects, StoreError> {
    open_with(vfs, engine, Settings { verified_ms: 0, ..settings() }, bugs)
}

pub fn open_with(vfs: &SimVfs, engine: &MemEngine, settings: Settings, bugs: Bugs) -> Result<Objects, StoreError> {
    let folder = folder(Arc::new(vfs.clone()), Path::new(DIR), false)?;
    Ok(Objects::new(Store::open(folder, Arc::new(engine.clone()), clock(), settings, bugs)?).with_min_part(1))
}

pub fn rebuild(vfs: &SimVfs) -> Result<(MemEngine, Vec<Damage>), StoreError> {
    let folder = folder(Arc::new(vfs.clone()), Path::new(DIR), false)?;
    let engine = MemEngine::new();
    let rebuilt = Store::rebuild_index(&folder, Arc::new(engine.clone()), clock(), &mut |_| ())?;
    Ok((engine, rebuilt.damage))
}

/// What was acknowledged.
pub struct World {
    pub vfs: SimVfs,
    pub engine: MemEngine,
    /// What each key holds now.
    pub objects: BTreeMap<Name, Vec<u8>>,
    /// Everything each key ever held.
    pub history: BTreeMap<Name, Vec<Vec<u8>>>,
    /// The upload in progress, with the ETags of its parts.
    pub upload: (String, Vec<String>),
}

impl World {
    /// Objects with references, duplicates, nodes, members, cold windows, parts, overwrites, deletes; collected once in
    /// the middle; closed cleanly.
    pub fn new() -> Self {
        Self::filled(Self::fill)
    }

    /// Objects of which two have the same bytes, in every form that a record can have.
    pub fn of_twins() -> Self {
        Self::filled(Self::fill_twins)
    }

    fn filled(fill: impl FnOnce(&mut Self, &Objects)) -> Self {
        let vfs = SimVfs::new();
        let engine = MemEngine::new();
        let folder = folder(Arc::new(vfs.clone()), Path::new(DIR), true).unwrap();
        let store = Store::open(folder, Arc::new(engine.clone()), clock(), settings(), Bugs::default()).unwrap();
        let mut world = Self {
            vfs,
            engine,
            objects: BTreeMap::new(),
            history: BTreeMap::new(),
            upload: (String::new(), Vec::new()),
        };
        let objects = Objects::new(store);
        fill(&mut world, &objects);
        drop(objects);
        world
    }

    fn fill(&mut self, s3: &Objects) {
        block_on(s3.create_bucket("alpha")).unwrap();
        block_on(s3.create_bucket("beta")).unwrap();
        let base = noise(3000, 1);
        self.put(s3, ("alpha", "doomed"), noise(2000, 2));
        self.put(s3, ("alpha", "base"), base.clone());
        self.put(s3, ("alpha", "replaced"), noise(1500, 3));
        self.put(s3, ("beta", "delta-1"), edited(&base, 700));
        block_on(s3.delete_object(delete("alpha", "doomed"))).unwrap();
        self.objects.remove(&("alpha", "doomed"));
        s3.store().collect(CollectOptions::THOROUGH, &mut |_| ()).unwrap();
        self.put(s3, ("beta", "delta-2"), edited(&edited(&base, 700), 1900));
        self.put(s3, ("beta", "copy"), base.clone());
        self.put(s3, ("alpha", "replaced"), edited(&noise(1500, 3), 100));
        self.put(s3, ("alpha", "text"), text(6000));
        // More than 16 windows: its recipe is made of nodes.
        self.put(s3, ("beta", "long"), noise(30_000, 4));
        self.put(s3, ("beta", "empty"), Vec::new());
        self.put(s3, ("beta", "gone"), noise(900, 5));
        self.put(s3, ("beta", "late"), edited(&noise(30_000, 4)[..9000], 4000));
        // Members, their programs and views, stored as they came and stored anew.
        let packed = |edit| gzip(&edited(&text(9000), edit), 6, Some(2500));
        self.put(s3, ("beta", "packed-1"), packed(100));
        self.put(s3, ("beta", "packed-2"), packed(4000));
        let options = OptimizeOptions { policy: Some(Policy::Max), threads: 1, ..OptimizeOptions::default() };
        let done = s3.store().optimize(&options, &AtomicBool::new(false), &mut |_| ()).unwrap();
        assert!(done.objects >= 8 && done.damaged == 0, "{done:?}");
        self.put(s3, ("beta", "packed-3"), packed(7000));
        block_on(s3.delete_object(delete("beta", "gone"))).unwrap();
        self.objects.remove(&("beta", "gone"));
        let done = create_upload(s3, "beta", "parts");
        let part = noise(2500, 6);
        let etag = part_of(s3, "beta", "parts", &done, 1, &part);
        block_on(s3.complete_upload(complete("beta", "parts", &done, 1, etag))).unwrap();
        self.remember(("beta", "parts"), part);
        let open = create_upload(s3, "alpha", "unfinished");
        let etags = vec![
            part_of(s3, "alpha", "unfinished", &open, 1, &noise(1200, 7)),
            part_of(s3, "alpha", "unfinished", &open, 2, &edited(&base, 20)),
        ];
        self.upload = (open, etags);
        self.put(s3, ("alpha", "last"), noise(600, 8));
    }

    fn fill_twins(&mut self, s3: &Objects) {
        block_on(s3.create_bucket("alpha")).unwrap();
        block_on(s3.create_bucket("beta")).unwrap();
        // These become cold, and are encoded against each other.
        self.put(s3, ("alpha", "cold"), noise(3000, 1));
        self.put(s3, ("beta", "cold"), edited(&noise(3000, 1), 700));
        self.put(s3, ("alpha", "cold-packed"), gzip(&text(6000), 6, None));
        let options = OptimizeOptions { policy: Some(Policy::Max), threads: 1, ..OptimizeOptions::default() };
        s3.store().optimize(&options, &AtomicBool::new(false), &mut |_| ()).unwrap();
        s3.store().collect(CollectOptions::THOROUGH, &mut |_| ()).unwrap();
        // The long ones have more windows than a recipe holds.
        let (plain, long) = (noise(3000, 2), noise(30_000, 4));
        let packed = gzip(&edited(&text(9000), 100), 6, Some(2500));
        self.put(s3, ("alpha", "plain"), plain.clone());
        self.put(s3, ("beta", "plain"), plain.clone());
        self.put(s3, ("alpha", "near"), edited(&plain, 700));
        self.put(s3, ("beta", "near"), edited(&plain, 700));
        for bucket in ["alpha", "beta"] {
            self.put(s3, (bucket, "long"), long.clone());
            self.put(s3, (bucket, "packed"), packed.clone());
        }
        let open = create_upload(s3, "alpha", "unfinished");
        let etags = vec![part_of(s3, "alpha", "unfinished", &open, 1, &plain)];
        self.upload = (open, etags);
        self.put(s3, ("alpha", "last"), noise(600, 8));
    }

    fn put(&mut self, s3: &Objects, name: Name, body: Vec<u8>) {
        block_on(s3.put_object(PutInput {
            bucket: name.0.into(),
            key: name.1.into(),
            body: stream(&body),
            expect: Expect::default(),
            metadata: Metadata::default(),
            conditions: WriteConditions::default(),
        }))
        .unwrap();
        self.remember(name, body);
    }

    fn remember(&mut self, name: Name, body: Vec<u8>) {
        self.history.entry(name).or_default().push(body.clone());
        self.objects.insert(name, body);
    }

    /// Reads every object whole; those in `shaken` may fail, or hold what they once held. No other may.
    pub fn check(&self, s3: &Objects, shaken: &BTreeSet<Name>, context: &str) -> Vec<String> {
        let mut errors = Vec::new();
        for (name, once) in &self.history {
            let result = get(s3, *name, None);
            match (self.objects.get(name), result) {
                (Some(body), Ok(found)) if found == *body => {}
                (None, Err(GetError::Refused(ObjectError::NoSuchKey { .. }))) => {}
                (_, Ok(found)) => {
                    assert!(shaken.contains(name) && once.contains(&found), "{context}: wrong bytes in {name:?}");
                }
                (_, Err(error)) => {
                    assert!(shaken.contains(name), "{context}: {name:?}: {error:?}");
                    errors.push(format!("{error:?}"));
                }
            }
        }
        errors
    }

    /// Both buckets list what they hold; keys in `shaken` may be there or not.
    pub fn check_lists(&self, s3: &Objects, shaken: &BTreeSet<Name>, context: &str) {
        for bucket in ["alpha", "beta"] {
            let input = ListInput { bucket: bucket.into(), ..ListInput::default() };
            let found: BTreeSet<String> = match block_on(s3.list_objects(input)) {
                Ok(page) => page.objects.into_iter().map(|put| put.key).collect(),
                Err(error) => {
                    let all = self.objects.keys().filter(|name| name.0 == bucket).all(|name| shaken.contains(name));
                    assert!(all, "{context}: list of {bucket}: {error}");
                    continue;
                }
            };
            for (name, _) in self.history.iter().filter(|(name, _)| name.0 == bucket && !shaken.contains(*name)) {
                assert_eq!(found.contains(name.1), self.objects.contains_key(name), "{context}: list, {name:?}");
            }
        }
    }

    /// The upload in progress has its parts.
    pub fn check_upload(&self, s3: &Objects, context: &str) {
        let input = ListPartsInput {
            bucket: "alpha".into(),
            key: "unfinished".into(),
            upload_id: self.upload.0.clone(),
            ..ListPartsInput::default()
        };
        let parts = block_on(s3.list_parts(input)).unwrap_or_else(|error| panic!("{context}: upload: {error}"));
        let etags: Vec<_> = parts.parts.iter().map(|part| part.etag.clone()).collect();
        assert_eq!(etags, self.upload.1, "{context}: parts");
    }
}

/// Why an object could not be read.
#[derive(Debug)]
pub enum GetError {
    Refused(ObjectError),
    Broken(StoreError),
}

pub fn get(s3: &Objects, name: Name, range: Option<(u64, u64)>) -> Result<Vec<u8>, GetError> {
    let range = range.map(|(from, to)| ByteRange::Span(from, to));
    let input = GetInput { bucket: name.0.into(), key: name.1.into(), range, ..GetInput::default() };
    block_on(async {
        let output = s3.get_object(input).await.map_err(GetError::Refused)?;
        let chunks: Vec<Bytes> = output.body.try_collect().await.map_err(GetError::Broken)?;
        Ok(chunks.concat())
    })
}

fn delete(bucket: &str, key: &str) -> DeleteInput {
    DeleteInput { bucket: bucket.into(), key: DeleteKey { key: key.into(), ..DeleteKey::default() } }
}

pub fn create_upload(s3: &Objects, bucket: &str, key: &str) -> String {
    let input = CreateUploadInput { bucket: bucket.into(), key: key.into(), ..CreateUploadInput::default() };
    format_upload_id(block_on(s3.create_upload(input)).unwrap().upload)
}

pub fn part_of(s3: &Objects, bucket: &str, key: &str, upload: &str, number: i32, body: &[u8]) -> String {
    let input = UploadPartInput {
        bucket: bucket.into(),
        key: key.into(),
        upload_id: upload.into(),
        number,
        body: stream(body),
        expect: Expect::default(),
    };
    block_on(s3.upload_part(input)).unwrap().put.etag
}

fn complete(bucket: &str, key: &str, upload: &str, number: u16, etag: String) -> CompleteInput {
    CompleteInput {
        bucket: bucket.into(),
        key: key.into(),
        upload_id: upload.into(),
        parts: vec![CompletedPart { number, etag, checksum: None }],
        checksum: None,
        composite: None,
        object_size: None,
        conditions: WriteConditions::default(),
    }
}

pub fn stream(body: &[u8]) -> deltastore::object::Body {
    futures::stream::iter([Ok(Bytes::copy_from_slice(body))]).boxed()
}

/// Bytes that do not repeat.
pub fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn text(len: usize) -> Vec<u8> {
    (0..).flat_map(|n: u32| format!("line {n} of a text that zstd likes\n").into_bytes()).take(len).collect()
}

/// A few bytes changed in the middle.
fn edited(bytes: &[u8], at: usize) -> Vec<u8> {
    let mut edited = bytes.to_vec();
    edited[at..at + 12].copy_from_slice(b"changed here");
    edited
}
