//! Runs of operations on the object layer, over a store in memory, against a map of what must be there.

#![no_main]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use deltastore_delta::CutSettings;
use deltastore::index::MemEngine;
use deltastore::object::{
    ByteRange, DeleteInput, DeleteKey, Expect, GetInput, ListInput, ObjectError, Objects, PutInput, WriteConditions,
};
use deltastore_segment::vfs::{MemoryVfs, SystemClock};
use deltastore::store::bugs::Bugs;
use deltastore::store::{CollectOptions, Folder, OptimizeOptions, Settings, Store};
use futures::executor::block_on;
use futures::{StreamExt, TryStreamExt};

const BUCKET: &str = "bucket";
const KEYS: [&str; 6] = ["a", "a/1", "a/2", "b/1", "b/", "c"];
/// Operations of one run: a run is some milliseconds.
const MAX_OPERATIONS: usize = 40;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut world = World::new();
    let mut input = bytes.iter().copied();
    for _ in 0..MAX_OPERATIONS {
        let Some(operation) = input.next() else { break };
        world.step(operation, &mut input);
    }
    world.check();
    world.rewrite();
    world.check();
});

struct World {
    store: Store,
    objects: Objects,
    model: BTreeMap<&'static str, Vec<u8>>,
}

impl World {
    fn new() -> Self {
        let vfs = Arc::new(MemoryVfs::new(64 << 20));
        let folder = Folder::open(vfs, Path::new("/fuzz"), &SystemClock, true).expect("a new folder");
        let cut = CutSettings { min: 64, target: 256, max: 1024 };
        let settings = Settings {
            cut,
            optimized_cut: cut,
            optimize_min: 16,
            segment_bytes: 64 << 10,
            reserve_bytes: 0,
            cache_bytes: 16 << 10,
            ..Settings::default()
        };
        let engine = Arc::new(MemEngine::new());
        let store = Store::open(folder, engine, Arc::new(SystemClock), settings, Bugs::default()).expect("a new store");
        let objects = Objects::new(store.clone());
        block_on(objects.create_bucket(BUCKET)).expect("a new bucket");
        Self { store, objects, model: BTreeMap::new() }
    }

    fn step(&mut self, operation: u8, input: &mut impl Iterator<Item = u8>) {
        let mut next = || input.next().unwrap_or(0);
        let key = KEYS[usize::from(next()) % KEYS.len()];
        match operation % 8 {
            0..=2 => {
                let body = body(next(), next(), next());
                self.put(key, body);
            }
            3 => {
                // Another version of an object: edits and insertions.
                let mut body = self.model.get(key).cloned().unwrap_or_default();
                let at = usize::from(next()) * body.len() / 256;
                body.splice(at..at, [next(), next(), next()]);
                self.put(key, body);
            }
            4 => {
                let key = DeleteKey { key: key.into(), ..DeleteKey::default() };
                self.model.remove(&key.key[..]);
                block_on(self.objects.delete_object(DeleteInput { bucket: BUCKET.into(), key })).expect("a delete");
            }
            5 => self.range(key, next(), next()),
            6 => self.list(key, next()),
            _ => self.rewrite(),
        }
    }

    fn put(&mut self, key: &'static str, body: Vec<u8>) {
        let chunks: Vec<_> = body.chunks(777).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let input = PutInput {
            bucket: BUCKET.into(),
            key: key.into(),
            body: futures::stream::iter(chunks).boxed(),
            expect: Expect::default(),
            metadata: Default::default(),
            conditions: WriteConditions::default(),
        };
        block_on(self.objects.put_object(input)).expect("a PUT");
        self.model.insert(key, body);
    }

    fn get(&self, key: &str, range: Option<ByteRange>) -> Result<Vec<u8>, ObjectError> {
        let input = GetInput { bucket: BUCKET.into(), key: key.into(), range, ..GetInput::default() };
        let output = block_on(self.objects.get_object(input))?;
        let chunks: Vec<Bytes> = block_on(output.body.try_collect()).expect("a body");
        Ok(chunks.concat())
    }

    fn range(&self, key: &str, from: u8, len: u8) {
        let Some(body) = self.model.get(key) else {
            return assert_eq!(self.get(key, None).expect_err("no object").code(), "NoSuchKey");
        };
        let from = usize::from(from) * 16;
        let to = from + usize::from(len) * 4;
        let found = self.get(key, Some(ByteRange::Span(from as u64, to as u64)));
        match body.get(from..) {
            Some(rest) if !rest.is_empty() => assert_eq!(found.expect("a range"), rest[..rest.len().min(to - from + 1)]),
            _ => assert_eq!(found.expect_err("no such range").code(), "InvalidRange"),
        }
    }

    /// Lists all keys with a prefix, in pages.
    fn list(&self, prefix: &str, max_keys: u8) {
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let input = ListInput {
                bucket: BUCKET.into(),
                prefix: prefix.into(),
                max_keys: Some(1 + i32::from(max_keys) % 4),
                token,
                ..ListInput::default()
            };
            let page = block_on(self.objects.list_objects(input)).expect("a page");
            found.extend(page.objects.into_iter().map(|put| put.key));
            token = page.next_token;
            if !page.truncated {
                break;
            }
        }
        let expected: Vec<_> = self.model.keys().filter(|key| key.starts_with(prefix)).collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    }

    fn rewrite(&self) {
        let options = OptimizeOptions { threads: 1, ..OptimizeOptions::default() };
        self.store.optimize(&options, &AtomicBool::new(false), &mut |_| {}).expect("a run of the optimizer");
        self.store.collect(CollectOptions::THOROUGH, &mut |_| {}).expect("a collection");
    }

    fn check(&self) {
        for key in KEYS {
            match self.model.get(key) {
                Some(body) => assert!(self.get(key, None).expect("an object") == *body, "{key}"),
                None => assert_eq!(self.get(key, None).expect_err("no object").code(), "NoSuchKey"),
            }
        }
        let report = self.store.fsck(&mut |_| {}).expect("a check");
        assert!(report.problems.is_empty(), "{:?}", report.problems);
    }
}

/// Bodies that repeat, resemble each other, or are random.
fn body(kind: u8, seed: u8, len: u8) -> Vec<u8> {
    let len = usize::from(len) * 40;
    let mut state = u32::from(seed % 8) + 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    match kind % 3 {
        0 => (0..len).map(|_| next()).collect(),
        1 => (0..len).map(|_| b"abcdefgh"[usize::from(next() % 8)]).collect(),
        _ => vec![seed; len],
    }
}
