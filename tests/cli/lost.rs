//! Lost segments, a damaged index and a read-only folder, as an operator meets them.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::SystemTime;

use deltastore::index::{RocksSettings, open_derived};
use deltastore::object::{Expect, Objects, PutInput, WriteConditions};
use deltastore::store::{Folder, Settings, Store, bugs::Bugs};
use deltastore_format::Metadata;
use deltastore_segment::vfs::{RealVfs, SystemClock};
use futures::StreamExt;
use futures::executor::block_on;

use crate::process::{Server, data_folder, deltastore, noise, offline, run, succeed};
use crate::sigv4::Request;

const OBJECTS: u64 = 24;
const LEN: usize = 40_000;

fn key(number: u64) -> String {
    format!("app/{number:02}")
}

/// A store of several small segments, closed.
fn fill(dir: &Path) {
    let clock = Arc::new(SystemClock);
    let folder = Folder::open(Arc::new(RealVfs), dir, &*clock, true).unwrap();
    let (engine, _) = open_derived(&folder.index_dir(), &RocksSettings::default()).unwrap();
    let settings = Settings { segment_bytes: 128 << 10, ..Settings::default() };
    let s3 = Objects::new(Store::open(folder, engine, clock, settings, Bugs::default()).unwrap());
    block_on(s3.create_bucket("bucket")).unwrap();
    for number in 0..OBJECTS {
        block_on(s3.put_object(PutInput {
            bucket: "bucket".into(),
            key: key(number),
            body: futures::stream::iter([Ok(noise(number, LEN).into())]).boxed(),
            expect: Expect::default(),
            metadata: Metadata::default(),
            conditions: WriteConditions::default(),
        }))
        .unwrap();
    }
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        std::fs::read_dir(dir.join("segments")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Every file below a folder, with its bytes and the time of its last change.
fn tree(dir: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(tree(&path));
        } else {
            let changed = std::fs::metadata(&path).unwrap().modified().unwrap();
            found.insert(path.clone(), (std::fs::read(&path).unwrap(), changed));
        }
    }
    found
}

/// Objects that are served, each with the right bytes or an error.
fn served(dir: &Path) -> u64 {
    let server = Server::start(dir);
    let mut served = 0;
    for number in 0..OBJECTS {
        let answer = server.send(Request::new("GET", &format!("/bucket/{}", key(number))));
        match answer.status {
            200 => {
                assert!(answer.body == noise(number, LEN), "{number}");
                served += 1;
            }
            status => assert_eq!(status, 500, "{number}"),
        }
    }
    let ready = server.plain("/health/ready");
    let text = String::from_utf8(ready.body).unwrap();
    assert_eq!((ready.status, text.starts_with("degraded")), (200, served < OBJECTS), "{text}");
    assert!(!text.contains('/'), "{text}");
    server.stop();
    served
}

#[test]
fn a_lost_segment_is_named_by_every_command_and_all_is_back_with_it() {
    let (_folder, dir) = data_folder();
    fill(&dir);
    let files = segments(&dir);
    assert!(files.len() >= 5, "{files:?}");
    let orders = [["fsck", "gc", "rebuild-index"], ["rebuild-index", "optimize", "stats"], ["gc", "stats", "optimize"]];
    for (file, order) in [&files[0], &files[files.len() / 2], &files[files.len() - 1]].into_iter().zip(orders) {
        for cut in [false, true] {
            let bytes = std::fs::read(file).unwrap();
            match cut {
                true => std::fs::write(file, &bytes[..bytes.len() / 2]).unwrap(),
                false => std::fs::remove_file(file).unwrap(),
            }
            let name = file.file_stem().unwrap().to_str().unwrap();
            let mut fewer = OBJECTS;
            for command in order {
                let said = offline(command, &dir);
                let all = format!("{} {}", said.out, said.err);
                assert!(said.code == Some(3) || cut && command == "stats", "{command} {cut} {said:?}");
                assert!(all.contains(name) || !["fsck", "rebuild-index"].contains(&command), "{command}: {said:?}");
                fewer = served(&dir);
            }
            assert!(fewer > 0 && (fewer < OBJECTS || file == &files[files.len() - 1]), "{fewer}");
            std::fs::write(file, &bytes).unwrap();
            let said = succeed("fsck", &dir);
            assert!(said.contains("no problems found"), "{said}");
            assert_eq!(served(&dir), OBJECTS, "{file:?} {cut}");
            assert!(succeed("rebuild-index", &dir).contains("index rebuilt"));
            assert!(succeed("fsck", &dir).contains("no problems found"));
        }
    }
}

#[test]
fn fsck_changes_nothing_and_works_where_nothing_can_be_changed() {
    let (folder, dir) = data_folder();
    fill(&dir);
    let server = Server::start(&dir);
    server.put("late", b"behind the index");
    server.kill();
    for harm in [None, Some("segments"), Some("index"), Some("STORE"), Some("SEGMENTS"), Some("LOCK")] {
        let copy = folder.path().join(format!("of {harm:?}"));
        assert!(
            Command::new("cp").args(["-a", dir.to_str().unwrap(), copy.to_str().unwrap()]).status().unwrap().success()
        );
        match harm {
            Some("segments") => std::fs::remove_file(segments(&copy).pop().unwrap()).unwrap(),
            Some("index") => std::fs::write(copy.join("index/CURRENT"), "MANIFEST-999999\n").unwrap(),
            Some(file) => std::fs::remove_file(copy.join(file)).unwrap(),
            None => {}
        }
        let sound = matches!(harm, None | Some("LOCK"));
        let before = tree(&copy);
        let said = offline("fsck", &copy);
        assert_eq!(said.code, Some(if sound { 0 } else { 3 }), "{harm:?}: {said:?}");
        assert!(tree(&copy) == before, "{harm:?}: fsck changed something");
        if let Some(mount) = ReadOnlyMount::of(&copy, &folder.path().join("mount")) {
            let there = offline("fsck", &mount.0);
            assert_eq!(
                (there.code, there.out),
                (said.code, said.out.replace(copy.to_str().unwrap(), mount.0.to_str().unwrap(),)),
                "{harm:?}, read-only"
            );
        }
    }
}

/// A folder under another name, on which nothing can be written.
struct ReadOnlyMount(PathBuf);

impl ReadOnlyMount {
    /// None where this process may not mount: the simulated disk that refuses writes is there for that.
    fn of(dir: &Path, at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mount = |arguments: &[&str]| {
            Command::new("mount").args(arguments).output().is_ok_and(|output| output.status.success())
        };
        let (dir, name) = (dir.to_str().unwrap(), at.to_str().unwrap());
        if !mount(&["--bind", dir, name]) {
            println!("no mounts here: fsck on a read-only one was not run");
            return None;
        }
        let mounted = Self(at.to_owned());
        assert!(mount(&["-o", "remount,bind,ro", name]));
        Some(mounted)
    }
}

impl Drop for ReadOnlyMount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_segment_that_is_gone_for_good_can_be_given_up() {
    let (_folder, dir) = data_folder();
    fill(&dir);
    let files = segments(&dir);
    let lost = &files[files.len() / 2];
    std::fs::remove_file(lost).unwrap();
    assert_eq!(offline("gc", &dir).code, Some(3));
    let said = run(deltastore(&["repair", dir.to_str().unwrap()]).arg("--forget-missing-segments"));
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.out.contains(lost.file_stem().unwrap().to_str().unwrap()), "{said:?}");
    assert_eq!(offline("gc", &dir).code, Some(0));
    assert_eq!(offline("stats", &dir).code, Some(0));
}

#[test]
fn a_store_that_lost_its_header_is_served_with_a_warning() {
    let (_folder, dir) = data_folder();
    fill(&dir);
    let path = dir.join("STORE");
    let whole = std::fs::read(&path).unwrap();
    for harm in [None, Some(0), Some(9), Some(63)] {
        match harm {
            None => std::fs::remove_file(&path).unwrap(),
            Some(at) => {
                let mut bytes = whole.clone();
                bytes[at] ^= 1;
                std::fs::write(&path, bytes).unwrap();
            }
        }
        let server = Server::start(&dir);
        server.has(&key(3), &noise(3, LEN));
        server.terminate();
        let (code, log) = server.ended();
        assert!(code == Some(0) && log.contains("STORE"), "{log}");
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }
}

#[test]
fn what_the_server_makes_is_its_owners_alone() {
    let (_folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    server.put("key", b"mine");
    server.stop();
    let mut open = vec![dir];
    let mut files = 0;
    while let Some(path) = open.pop() {
        let metadata = std::fs::metadata(&path).unwrap();
        let mode = metadata.permissions().mode() & 0o777;
        if metadata.is_dir() {
            assert_eq!(mode, 0o700, "{path:?}");
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            assert_eq!(mode, 0o600, "{path:?}");
            files += 1;
        }
    }
    assert!(files > 5, "{files}");
}
