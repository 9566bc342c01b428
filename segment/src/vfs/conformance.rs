//! What all disks must do alike.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::*;

fn on_all(check: fn(&dyn Vfs, &Path)) {
    let folder = tempfile::tempdir().unwrap();
    check(&RealVfs, folder.path());
    let sim = SimVfs::new();
    let dir = PathBuf::from("/disk");
    sim.create_dir(&dir).unwrap();
    check(&sim, &dir);
    let memory = MemoryVfs::new(1 << 30);
    memory.create_dir(&dir).unwrap();
    check(&memory, &dir);
}

fn kind<T>(result: io::Result<T>) -> ErrorKind {
    result.err().expect("must fail").kind()
}

#[test]
fn files_are_created_once_and_opened_often() {
    on_all(|vfs, dir| {
        let path = dir.join("a");
        assert_eq!(kind(vfs.open(&path)), ErrorKind::NotFound);
        assert!(!vfs.exists(&path).unwrap());
        let file = vfs.create(&path).unwrap();
        assert!(vfs.exists(&path).unwrap() && file.is_empty().unwrap());
        assert_eq!(kind(vfs.create(&path)), ErrorKind::AlreadyExists);
        assert_eq!(kind(vfs.create(&dir.join("none/a"))), ErrorKind::NotFound);
        file.write_all_at(b"hello", 0).unwrap();
        let mut read = [0; 5];
        vfs.open(&path).unwrap().read_exact_at(&mut read, 0).unwrap();
        assert_eq!(&read, b"hello");
    });
}

#[test]
fn reads_and_writes_at_any_offset() {
    on_all(|vfs, dir| {
        let file = vfs.create(&dir.join("a")).unwrap();
        file.write_all_at(b"end", 10_000).unwrap();
        assert_eq!(file.len().unwrap(), 10_003);
        let mut read = [1; 8];
        assert_eq!(file.read_at(&mut read, 9_998).unwrap(), 5);
        assert_eq!(&read[..5], b"\0\0end", "a gap reads as zeros");
        assert_eq!(file.read_at(&mut read, 10_003).unwrap(), 0);
        assert_eq!(file.read_at(&mut read, 99_999).unwrap(), 0);
        assert_eq!(kind(file.read_exact_at(&mut read, 9_998)), ErrorKind::UnexpectedEof);
        file.write_all_at(b"", 50_000).unwrap();
        assert_eq!(file.len().unwrap(), 10_003, "an empty write extends nothing");
    });
}

#[test]
fn set_len_cuts_and_extends_with_zeros() {
    on_all(|vfs, dir| {
        let file = vfs.create(&dir.join("a")).unwrap();
        file.write_all_at(&[7; 5000], 0).unwrap();
        file.set_len(4500).unwrap();
        file.set_len(9000).unwrap();
        let mut read = vec![1; 9000];
        file.read_exact_at(&mut read, 0).unwrap();
        assert!(read[..4500].iter().all(|byte| *byte == 7) && read[4500..].iter().all(|byte| *byte == 0));
        file.sync_data().unwrap();
    });
}

#[test]
fn names_can_be_listed_moved_and_removed() {
    on_all(|vfs, dir| {
        vfs.create_dir(&dir.join("x/y")).unwrap();
        vfs.create_dir(&dir.join("x/y")).unwrap();
        for name in ["b", "a", "c"] {
            vfs.create(&dir.join(name)).unwrap().write_all_at(name.as_bytes(), 0).unwrap();
        }
        assert_eq!(vfs.list(dir).unwrap(), ["a", "b", "c", "x"]);
        vfs.rename(&dir.join("a"), &dir.join("b")).unwrap();
        vfs.rename(&dir.join("c"), &dir.join("x/y/c")).unwrap();
        assert_eq!(vfs.list(dir).unwrap(), ["b", "x"]);
        assert_eq!(vfs.list(&dir.join("x/y")).unwrap(), ["c"]);
        assert_eq!(vfs.open(&dir.join("b")).unwrap().len().unwrap(), 1);
        assert_eq!(kind(vfs.rename(&dir.join("a"), &dir.join("b"))), ErrorKind::NotFound);
        let held = vfs.open(&dir.join("b")).unwrap();
        vfs.remove(&dir.join("b")).unwrap();
        assert_eq!(kind(vfs.remove(&dir.join("b"))), ErrorKind::NotFound);
        let mut byte = [0];
        held.read_exact_at(&mut byte, 0).unwrap();
        assert_eq!(&byte, b"a", "an open file outlives its name");
        assert_eq!(kind(vfs.list(&dir.join("none"))), ErrorKind::NotFound);
        assert_eq!(kind(vfs.sync_dir(&dir.join("none"))), ErrorKind::NotFound);
        vfs.sync_dir(dir).unwrap();
        assert!(vfs.free_bytes(dir).unwrap() > 0);
    });
}

#[test]
fn a_lock_is_held_until_dropped() {
    on_all(|vfs, dir| {
        let path = dir.join("LOCK");
        let held = vfs.lock(&path).unwrap();
        assert_eq!(kind(vfs.lock(&path)), ErrorKind::WouldBlock);
        assert!(vfs.exists(&path).unwrap());
        drop(held);
        drop(vfs.lock(&path).unwrap());
    });
}

#[test]
fn helpers_create_folders_and_replace_files() {
    on_all(|vfs, dir| {
        let deep = dir.join("p/q/r");
        create_dir_durable(vfs, &deep).unwrap();
        create_dir_durable(vfs, &deep).unwrap();
        let path = deep.join("FILE");
        for content in [&b"first"[..], b"second, longer", b"3"] {
            replace_file(vfs, &path, content).unwrap();
            let file = vfs.open(&path).unwrap();
            let mut read = vec![0; file.len().unwrap() as usize];
            file.read_exact_at(&mut read, 0).unwrap();
            assert_eq!(read, content);
        }
        vfs.create(&deep.join("FILE.tmp")).unwrap();
        replace_file(vfs, &path, b"over a leftover").unwrap();
        assert_eq!(vfs.list(&deep).unwrap(), ["FILE"]);
    });
}
