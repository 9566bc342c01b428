//! The index on a real disk: derived state, so any damage to it may cost an error and a rebuild, never data.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use deltastore::index::{RocksEngine, RocksSettings, open_derived};
use deltastore::object::{Expect, ObjectError, Objects, PutInput, WriteConditions};
use deltastore::store::{Health, Store, StoreError, bugs::Bugs};
use deltastore_segment::vfs::RealVfs;
use futures::StreamExt;
use futures::executor::block_on;

use crate::world::{GetError, clock, folder, get, noise, settings};

const KEYS: [(&str, &str); 6] =
    [("alpha", "a"), ("alpha", "b"), ("alpha", "c"), ("alpha", "d"), ("beta", "e"), ("beta", "f")];

fn body(number: usize) -> Vec<u8> {
    noise(700 + 900 * number, number as u64 % 4)
}

fn open(dir: &Path) -> Result<Objects, StoreError> {
    let folder = folder(Arc::new(RealVfs), dir, true)?;
    let (engine, _) = open_derived(&folder.index_dir(), &RocksSettings::default())?;
    Ok(Objects::new(Store::open(folder, engine, clock(), settings(), Bugs::default())?))
}

fn fill(dir: &Path) {
    let s3 = open(dir).unwrap();
    for bucket in ["alpha", "beta"] {
        block_on(s3.create_bucket(bucket)).unwrap();
    }
    for (number, key) in KEYS.iter().enumerate() {
        let input = PutInput {
            bucket: key.0.into(),
            key: key.1.into(),
            body: futures::stream::iter([Ok(body(number).into())]).boxed(),
            expect: Expect::default(),
            metadata: deltastore_format::Metadata::default(),
            conditions: WriteConditions::default(),
        };
        block_on(s3.put_object(input)).unwrap();
    }
}

/// Every object is right, or its error names the index. True if all are right.
fn check(s3: &Objects, context: &str) -> bool {
    let mut all = true;
    for (number, key) in KEYS.iter().enumerate() {
        match get(s3, *key, None) {
            Ok(found) => assert!(found == body(number), "{context}: wrong bytes in {key:?}"),
            Err(GetError::Refused(ObjectError::Internal(text))) if text.contains("index") => all = false,
            Err(GetError::Broken(StoreError::Index(_))) => all = false,
            Err(error) => panic!("{context}: {key:?}: {error:?}"),
        }
    }
    all
}

fn rebuilt(dir: &Path, context: &str) {
    let folder = folder(Arc::new(RealVfs), dir, false).unwrap();
    RocksEngine::destroy(&folder.index_dir()).unwrap_or_else(|error| panic!("{context}: {error}"));
    drop(folder);
    let s3 = open(dir).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(check(&s3, context), "{context}: rebuilt, and still damaged");
    let found = s3.store().fsck(&mut |_| ()).unwrap();
    assert!(found.problems.is_empty(), "{context}: {:?}", found.problems);
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { assert!(std::fs::copy(&path, &target).is_ok()) }
    }
}

#[test]
fn flips_in_every_file_of_the_index() {
    let original = tempfile::tempdir().unwrap();
    fill(original.path());
    let (mut flips, mut late) = (0, 0);
    for file in files(&original.path().join("index")) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let len = std::fs::metadata(&file).unwrap().len();
        if len == 0 || name.starts_with("LOG") || name == "LOCK" {
            continue;
        }
        let spots = 10.min(len);
        for spot in 0..spots {
            let dir = tempfile::tempdir().unwrap();
            copy(original.path(), dir.path());
            let target = dir.path().join("index").join(&name);
            let mut bytes = std::fs::read(&target).unwrap();
            let at = (spot * len / spots + spot * 7 % (len / spots)) as usize;
            bytes[at] ^= 1 << (spot % 8);
            std::fs::write(&target, bytes).unwrap();
            let context = format!("{name} at {at}");
            let s3 = open(dir.path()).unwrap_or_else(|error| panic!("{context}: {error}"));
            if !check(&s3, &context) {
                // Met under way: said at once, and gone with the next start.
                assert!(matches!(s3.store().health(), Health::Degraded { index: true, .. }), "{context}");
                late += 1;
            }
            drop(s3);
            let s3 = open(dir.path()).unwrap_or_else(|error| panic!("{context}: {error}"));
            assert!(check(&s3, &context), "{context}: not rebuilt");
            drop(s3);
            if spot == 0 {
                rebuilt(dir.path(), &context);
            }
            flips += 1;
        }
    }
    println!("{flips} flips in the index, {late} met after the start");
    assert!(flips >= 40, "{flips}");
}

/// Every byte of a table file that is damaged under an open store is noted, so that the next start rebuilds.
#[test]
fn damage_that_is_met_under_way_is_noted_for_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let s3 = open(dir.path()).unwrap();
    let tables: Vec<_> = files(&dir.path().join("index"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|name| name == "sst"))
        .collect();
    assert!(!tables.is_empty());
    for table in tables {
        let mut bytes = std::fs::read(&table).unwrap();
        bytes.iter_mut().take(256).for_each(|byte| *byte ^= 0xff);
        // In place: the open file sees it.
        std::fs::write(&table, bytes).unwrap();
    }
    let met = !check(&s3, "open") || s3.store().fsck(&mut |_| ()).is_err();
    assert_eq!(matches!(s3.store().health(), Health::Degraded { index: true, .. }), met);
    drop(s3);
    let s3 = open(dir.path()).unwrap();
    assert!(check(&s3, "the next start"));
    assert_eq!(s3.store().health(), Health::Ready);
    assert!(!dir.path().join("index/DAMAGED").exists());
}

#[test]
fn an_index_that_is_deleted_or_loses_a_file_comes_back() {
    let original = tempfile::tempdir().unwrap();
    fill(original.path());
    let index = original.path().join("index");
    for lost in files(&index).into_iter().map(Some).chain([None]) {
        let dir = tempfile::tempdir().unwrap();
        copy(original.path(), dir.path());
        let context = format!("without {lost:?}");
        match &lost {
            Some(file) => std::fs::remove_file(dir.path().join("index").join(file.file_name().unwrap())).unwrap(),
            None => std::fs::remove_dir_all(dir.path().join("index")).unwrap(),
        }
        let s3 = open(dir.path()).unwrap_or_else(|error| panic!("{context}: {error}"));
        assert!(check(&s3, &context), "{context}");
        drop(s3);
        rebuilt(dir.path(), &context);
    }
}
