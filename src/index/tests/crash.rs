//! What is left after the process dies: an exact earlier state of all families.
//!
//! A child process (this test binary, running the ignored test `child`) writes numbered batches, each putting its
//! number in every family, and dies: by abort after some batches, or killed at any moment. A killed process loses what
//! RocksDB holds in memory, not what it handed to the kernel: power loss is not tried here.

use super::*;
use deltastore_format::Hash;
use rand::SeedableRng;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const FOLDER: &str = "DELTASTORE_TEST_CRASH_FOLDER";
const BATCHES: &str = "DELTASTORE_TEST_CRASH_BATCHES";
const PLAIN: [Family; 8] = [
    Family::Meta,
    Family::Buckets,
    Family::Objects,
    Family::Uploads,
    Family::Parts,
    Family::Blobs,
    Family::Sketches,
    Family::Scratch,
];

/// The number of the newest batch that the engine holds; all families have to agree, and every batch below has to be
/// there whole.
fn newest(engine: &RocksEngine) -> u64 {
    let read = |family, key: &[u8]| {
        engine.get(family, key).unwrap().map_or(0, |value| u64::from_le_bytes(value.try_into().unwrap()))
    };
    let number = read(Family::Meta, b"number");
    for family in PLAIN {
        assert_eq!(read(family, b"number"), number, "{family:?}");
    }
    assert_eq!(read(Family::Links, &Hash([1; 32]).0), number);
    assert_eq!(read(Family::Segments, b"number"), number);
    let filler = engine.scan(Family::Objects, b"filler", Some(b"filles")).enumerate();
    let mut seen = 0;
    for (at, pair) in filler {
        let (key, _) = pair.unwrap();
        assert_eq!(key[6..], (at as u64 + 1).to_be_bytes());
        seen += 1;
    }
    assert_eq!(seen, number);
    number
}

fn write(engine: &RocksEngine, number: u64) {
    let mut batch = Batch::new();
    PLAIN.iter().for_each(|family| batch.put(*family, *b"number", number.to_le_bytes()));
    batch.merge_add(Counter::Links, [1; 32], 1);
    batch.merge_add(Counter::Segments, *b"number", 1);
    batch.put(Family::Objects, [&b"filler"[..], &number.to_be_bytes()].concat(), vec![number as u8; 3000]);
    engine.write(batch).unwrap();
}

#[test]
#[ignore = "the process that dies; run by the test below"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let batches: u64 = std::env::var(BATCHES).unwrap().parse().unwrap();
    let engine = RocksEngine::open(&folder.join("index"), &small()).unwrap();
    let first = newest(&engine) + 1;
    for number in first..first.saturating_add(batches) {
        write(&engine, number);
        if number % 701 == 0 {
            engine.flush().unwrap();
            std::fs::write(folder.join("promised.new"), number.to_string()).unwrap();
            std::fs::rename(folder.join("promised.new"), folder.join("promised")).unwrap();
        }
    }
    std::process::abort();
}

#[test]
fn a_crash_leaves_an_exact_earlier_state() {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = StdRng::seed_from_u64(3);
    let (mut between, mut lost) = (0, 0);
    for round in 0..16 {
        let by_kill = round % 2 == 1;
        let batches = if by_kill { u64::MAX } else { rng.random_range(1..3000) };
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "index::tests::crash::child", "--ignored", "--nocapture"])
            .env(FOLDER, folder.path())
            .env(BATCHES, batches.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let before =
            std::fs::read_to_string(folder.path().join("promised")).map_or(0, |text| text.parse::<u64>().unwrap());
        if by_kill {
            std::thread::sleep(Duration::from_millis(rng.random_range(50..400)));
            process.kill().unwrap();
        }
        assert!(!process.wait().unwrap().success());
        let promised = std::fs::read_to_string(folder.path().join("promised")).map_or(0, |text| text.parse().unwrap());
        let engine = RocksEngine::open(&folder.path().join("index"), &small()).unwrap();
        let found = newest(&engine);
        assert!(found >= promised && promised >= before, "found {found}, promised {promised}");
        between += u32::from(found > promised);
        lost += u32::from(!by_kill && found < batches);
        // Dropping it closes it; nothing was written, so the next round starts from the same state.
    }
    println!("background flushes kept more than promised in {between} of 16 crashes; writes were lost in {lost}");
}
