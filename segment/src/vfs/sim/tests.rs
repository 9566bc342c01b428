//! What a crash may and may not take.

use std::collections::HashSet;
use std::path::Path;

use super::*;
use crate::vfs::{create_dir_durable, replace_file};

const FILE: &str = "/d/file";

fn disk() -> SimVfs {
    let vfs = SimVfs::new();
    create_dir_durable(&vfs, Path::new("/d")).unwrap();
    vfs
}

/// A disk with a durable file of `content`.
fn disk_with(content: &[u8]) -> (SimVfs, Arc<dyn VfsFile>) {
    let vfs = disk();
    let file = vfs.create(Path::new(FILE)).unwrap();
    file.write_all_at(content, 0).unwrap();
    file.sync_data().unwrap();
    vfs.sync_dir(Path::new("/d")).unwrap();
    (vfs, file)
}

fn now(vfs: &SimVfs, seed: u64, mode: CrashMode) -> SimVfs {
    vfs.crash(vfs.journal_len(), seed, mode)
}

fn content(vfs: &SimVfs) -> Option<Vec<u8>> {
    vfs.read_file(Path::new(FILE)).ok()
}

/// All contents that the file has after crashes with 500 seeds.
fn outcomes(vfs: &SimVfs, mode: CrashMode) -> HashSet<Option<Vec<u8>>> {
    (0..500).map(|seed| content(&now(vfs, seed, mode))).collect()
}

#[test]
fn what_is_synced_survives_in_every_mode() {
    let (vfs, file) = disk_with(&[1; 3000]);
    file.write_all_at(&[2; 1000], 2500).unwrap();
    file.set_len(3400).unwrap();
    file.sync_data().unwrap();
    let mut expected = vec![1; 2500];
    expected.resize(3400, 2);
    for mode in CrashMode::ALL {
        assert_eq!(outcomes(&vfs, mode), HashSet::from([Some(expected.clone())]), "{mode:?}");
    }
}

#[test]
fn unsynced_writes_are_dropped_or_kept_as_told() {
    let (vfs, file) = disk_with(b"old");
    file.write_all_at(b"new!", 0).unwrap();
    assert_eq!(content(&now(&vfs, 1, CrashMode::DropAll)).unwrap(), b"old");
    assert_eq!(content(&now(&vfs, 1, CrashMode::KeepAll)).unwrap(), b"new!");
    assert_eq!(content(&vfs.snapshot()).unwrap(), b"new!");
    assert_eq!(content(&vfs).unwrap(), b"new!", "the disk itself is untouched");
}

#[test]
fn writes_tear_at_sectors_and_in_the_middle() {
    let (vfs, file) = disk_with(&[0; 2048]);
    file.write_all_at(&[9; 2048], 0).unwrap();
    for mode in [CrashMode::TornLast, CrashMode::Random, CrashMode::Reordered] {
        let seen = outcomes(&vfs, mode);
        let sector = |bytes: &[u8], n: usize| bytes[n * 512..(n + 1) * 512].to_vec();
        let hole = seen.iter().flatten().any(|b| sector(b, 0) == [0; 512] && sector(b, 2) == [9; 512]);
        let middle = seen.iter().flatten().any(|b| b[99] == 9 && b[511] == 0);
        assert!(hole && middle && seen.len() > 20, "{mode:?}: {}", seen.len());
    }
}

#[test]
fn a_length_can_arrive_without_its_data() {
    let (vfs, file) = disk_with(b"");
    file.write_all_at(&[9; 1000], 0).unwrap();
    let seen = outcomes(&vfs, CrashMode::TornLast);
    assert!(seen.contains(&Some(vec![0; 1000])));
}

#[test]
fn only_the_last_write_is_torn() {
    let (vfs, file) = disk_with(&[0; 1024]);
    file.write_all_at(&[1; 512], 0).unwrap();
    file.write_all_at(&[2; 512], 512).unwrap();
    for bytes in outcomes(&vfs, CrashMode::TornLast).into_iter().flatten() {
        assert_eq!(bytes[..512], [1; 512]);
    }
}

#[test]
fn later_writes_may_arrive_without_earlier_ones() {
    let (vfs, file) = disk_with(b"....");
    for (at, byte) in [b"a", b"b", b"c"].into_iter().enumerate() {
        file.write_all_at(byte, at as u64).unwrap();
    }
    for mode in [CrashMode::Random, CrashMode::Reordered] {
        let seen = outcomes(&vfs, mode);
        for expected in [b"....", b"..c.", b"a.c.", b"abc."] {
            assert!(seen.contains(&Some(expected.to_vec())), "{mode:?}");
        }
    }
}

#[test]
fn overlapping_writes_arrive_in_any_order() {
    let (vfs, file) = disk_with(b".");
    file.write_all_at(b"a", 0).unwrap();
    file.write_all_at(b"b", 0).unwrap();
    file.set_len(0).unwrap();
    let seen = outcomes(&vfs, CrashMode::Reordered);
    for expected in [&b"."[..], b"a", b"b", b""] {
        assert!(seen.contains(&Some(expected.to_vec())));
    }
}

#[test]
fn every_position_of_the_journal_can_be_asked_for() {
    let (vfs, file) = disk_with(b"");
    let start = vfs.journal_len();
    for n in 0..200_u8 {
        file.write_all_at(&[n], n.into()).unwrap();
        if n % 10 == 9 {
            file.sync_data().unwrap();
        }
    }
    let mut positions: Vec<usize> = (start..=vfs.journal_len()).collect();
    positions.reverse();
    for at in positions {
        let (syncs, rest) = ((at - start) / 11, (at - start) % 11);
        assert_eq!(content(&vfs.crash(at, 0, CrashMode::DropAll)).unwrap().len(), syncs * 10);
        assert_eq!(content(&vfs.crash(at, 0, CrashMode::KeepAll)).unwrap().len(), syncs * 10 + rest);
    }
    assert!(content(&vfs.crash(0, 0, CrashMode::KeepAll)).is_none());
}

#[test]
fn a_crash_is_a_fresh_disk_that_can_crash_again() {
    let (vfs, file) = disk_with(b"one");
    file.write_all_at(b"two", 0).unwrap();
    let second = now(&vfs, 0, CrashMode::KeepAll);
    assert_eq!(second.journal_len(), 0);
    second.open(Path::new(FILE)).unwrap().write_all_at(b"three", 0).unwrap();
    assert_eq!(content(&now(&second, 0, CrashMode::DropAll)).unwrap(), b"two");
    second.create(Path::new("/d/other")).unwrap();
    assert_eq!(content(&second).unwrap(), b"three", "a new file is another file");
}

#[test]
fn names_need_a_sync_of_their_directory() {
    let vfs = disk();
    let file = vfs.create(Path::new(FILE)).unwrap();
    file.sync_data().unwrap();
    assert_eq!(content(&now(&vfs, 0, CrashMode::DropAll)), None, "data is synced, the name is not");
    vfs.sync_dir(Path::new("/")).unwrap();
    assert_eq!(content(&now(&vfs, 0, CrashMode::DropAll)), None, "another directory");
    vfs.sync_dir(Path::new("/d")).unwrap();
    assert_eq!(content(&now(&vfs, 0, CrashMode::DropAll)), Some(vec![]));
    vfs.remove(Path::new(FILE)).unwrap();
    assert_eq!(outcomes(&vfs, CrashMode::Random), HashSet::from([None, Some(vec![])]));
    vfs.sync_dir(Path::new("/d")).unwrap();
    for mode in CrashMode::ALL {
        assert_eq!(content(&now(&vfs, 0, mode)), None);
    }
}

#[test]
fn a_file_goes_with_its_directory() {
    let vfs = SimVfs::new();
    vfs.create_dir(Path::new("/d")).unwrap();
    let file = vfs.create(Path::new(FILE)).unwrap();
    file.sync_data().unwrap();
    vfs.sync_dir(Path::new("/d")).unwrap();
    assert!(now(&vfs, 0, CrashMode::DropAll).files().is_empty());
    vfs.sync_dir(Path::new("/")).unwrap();
    assert_eq!(now(&vfs, 0, CrashMode::DropAll).files(), [Path::new(FILE)]);
}

#[test]
fn a_replaced_file_is_the_old_or_the_new_one() {
    let (vfs, _) = disk_with(b"old");
    let start = vfs.journal_len();
    replace_file(&vfs, Path::new(FILE), b"new").unwrap();
    for at in start..=vfs.journal_len() {
        for mode in CrashMode::ALL {
            for seed in 0..50 {
                let bytes = content(&vfs.crash(at, seed, mode)).unwrap();
                assert!(bytes == b"new" || (bytes == b"old" && at < vfs.journal_len()));
            }
        }
    }
}

#[test]
fn a_failed_sync_loses_data_that_later_syncs_do_not_bring_back() {
    let (vfs, file) = disk_with(b"old");
    file.write_all_at(b"new", 0).unwrap();
    vfs.fail(Fault::new(FaultOp::SyncData, 0, FaultError::Io));
    assert!(file.sync_data().is_err());
    file.sync_data().unwrap();
    assert_eq!(content(&vfs).unwrap(), b"new", "still in the page cache");
    for mode in [CrashMode::DropAll, CrashMode::TornLast] {
        assert_eq!(content(&now(&vfs, 0, mode)).unwrap(), b"old");
    }
    file.write_all_at(b"w", 2).unwrap();
    file.sync_data().unwrap();
    assert_eq!(content(&now(&vfs, 0, CrashMode::DropAll)).unwrap(), b"olw", "what came after is safe");
    for bytes in outcomes(&vfs, CrashMode::Reordered).into_iter().flatten() {
        assert_eq!(bytes[2], b'w');
    }
}

#[test]
fn faults_hit_the_call_they_were_planned_for() {
    let (vfs, file) = disk_with(b"");
    vfs.fail(Fault::new(FaultOp::Write, 1, FaultError::NoSpace).partial(3).on("file"));
    vfs.fail(Fault::new(FaultOp::Read, 0, FaultError::Io).times(2));
    let other = vfs.create(Path::new("/d/other")).unwrap();
    other.write_all_at(b"x", 0).unwrap();
    file.write_all_at(b"first", 0).unwrap();
    let error = file.write_all_at(b"second", 5).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(content(&vfs).unwrap(), b"firstsec");
    file.write_all_at(b"third", 5).unwrap();
    for failed in [true, true, false] {
        assert_eq!(other.read_at(&mut [0], 0).is_err(), failed);
    }
    for op in [FaultOp::Create, FaultOp::SyncDir, FaultOp::Rename, FaultOp::Remove, FaultOp::SetLen, FaultOp::Open] {
        vfs.fail(Fault::new(op, 0, FaultError::Io).times(u64::MAX));
    }
    assert!(vfs.create(Path::new("/d/new")).is_err() && vfs.remove(Path::new(FILE)).is_err());
    assert!(vfs.sync_dir(Path::new("/d")).is_err() && file.set_len(0).is_err());
    assert!(vfs.rename(Path::new(FILE), Path::new("/d/b")).is_err() && vfs.open(Path::new(FILE)).is_err());
    vfs.clear_faults();
    vfs.remove(Path::new(FILE)).unwrap();
}

#[test]
fn a_full_disk_takes_what_fits() {
    let (vfs, file) = disk_with(b"12345");
    vfs.set_free_bytes(3);
    file.write_all_at(b"ABCDE", 0).unwrap();
    assert_eq!(file.write_all_at(b"abcdef", 5).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(content(&vfs).unwrap(), b"ABCDEabc");
    assert_eq!(vfs.free_bytes(Path::new("/d")).unwrap(), 0);
    file.set_len(6).unwrap();
    assert_eq!(vfs.free_bytes(Path::new("/d")).unwrap(), 2);
    vfs.remove(Path::new(FILE)).unwrap();
    assert_eq!(vfs.free_bytes(Path::new("/d")).unwrap(), 8);
}

#[test]
fn lies_are_found_out_by_a_crash() {
    let (vfs, file) = disk_with(b"old");
    vfs.lie(Lie::IgnoreSyncData);
    vfs.lie(Lie::IgnoreSyncDir);
    vfs.lie(Lie::IgnoreLock);
    vfs.lie(Lie::IgnoreSetLen);
    file.write_all_at(b"new", 0).unwrap();
    file.sync_data().unwrap();
    file.set_len(0).unwrap();
    assert_eq!(file.len().unwrap(), 3);
    vfs.create(Path::new("/d/other")).unwrap();
    vfs.sync_dir(Path::new("/d")).unwrap();
    let _both = (vfs.lock(Path::new("/d/L")).unwrap(), vfs.lock(Path::new("/d/L")).unwrap());
    let after = now(&vfs, 0, CrashMode::DropAll);
    assert_eq!(content(&after).unwrap(), b"old");
    assert_eq!(after.files(), [Path::new(FILE)]);
    vfs.stop_lying();
    file.sync_data().unwrap();
    assert_eq!(content(&now(&vfs, 0, CrashMode::DropAll)).unwrap(), b"new");
}

#[test]
fn corruption_is_durable_at_once() {
    let (vfs, file) = disk_with(b"abc");
    file.write_all_at(b"X", 0).unwrap();
    vfs.corrupt(Path::new(FILE), 1, 0x01).unwrap();
    vfs.corrupt(Path::new(FILE), 99, 0x01).unwrap();
    assert_eq!(content(&vfs).unwrap(), b"Xcc");
    assert_eq!(content(&now(&vfs, 0, CrashMode::DropAll)).unwrap(), b"acc");
    file.sync_data().unwrap();
    assert_eq!(content(&now(&vfs, 0, CrashMode::DropAll)).unwrap(), b"Xcc");
}

#[test]
fn a_halted_disk_changes_nothing_more() {
    let (vfs, file) = disk_with(b"abc");
    let before = vfs.journal_len();
    vfs.halt();
    assert!(file.write_all_at(b"x", 0).is_err() && file.sync_data().is_err() && file.set_len(0).is_err());
    assert!(vfs.create(Path::new("/d/n")).is_err() && vfs.sync_dir(Path::new("/d")).is_err());
    assert_eq!(vfs.journal_len(), before);
    assert_eq!(content(&now(&vfs, 0, CrashMode::DropAll)).unwrap(), b"abc");
}

#[test]
fn locks_do_not_outlive_a_crash() {
    let vfs = disk();
    let _held = vfs.lock(Path::new("/d/LOCK")).unwrap();
    now(&vfs, 0, CrashMode::KeepAll).lock(Path::new("/d/LOCK")).unwrap();
}

#[test]
fn a_hundred_thousand_images_are_cheap() {
    let (vfs, file) = disk_with(&[1; 20_000]);
    for n in 0..300_u64 {
        file.write_all_at(&[n as u8; 200], 20_000 + n * 200).unwrap();
        if n % 7 == 0 {
            file.sync_data().unwrap();
        }
    }
    let start = std::time::Instant::now();
    for seed in 0..20_000 {
        let at = seed as usize * 31 % (vfs.journal_len() + 1);
        vfs.crash(at, seed, CrashMode::ALL[seed as usize % 5]);
    }
    let each = start.elapsed() / 20_000;
    println!("{each:?} an image");
    // Generous, for busy machines: it takes about 10 microseconds.
    assert!(each.as_micros() < 500, "{each:?} an image");
}
