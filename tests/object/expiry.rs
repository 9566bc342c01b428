//! Multipart uploads that end by themselves, on a clock that the test sets.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use deltastore::index::MemEngine;
use deltastore::object::{
    CompleteInput, CompletedPart, ExpiryLooks, ListPartsInput, ListUploadsInput, Objects, WriteConditions,
};
use deltastore::store::{CollectOptions, Folder, Settings, Store, bugs::Bugs};
use deltastore_segment::vfs::{SimClock, SimVfs};

use crate::support::{S3, bytes, code};

const START: u64 = 1_700_000_000_000;
const DAY: u64 = 24 * 60 * 60 * 1000;
const AGE: Duration = Duration::from_millis(7 * DAY);
/// Looks that must find an upload too old.
const LOOKS: usize = 6;

/// A disk, an index and a clock, which outlive the process.
struct Machine {
    vfs: SimVfs,
    engine: MemEngine,
    clock: Arc<SimClock>,
}

impl Machine {
    fn new() -> (Self, S3) {
        let machine = Machine { vfs: SimVfs::new(), engine: MemEngine::new(), clock: Arc::new(SimClock::new(START)) };
        let s3 = machine.open();
        futures::executor::block_on(s3.objects.create_bucket("bucket")).unwrap();
        (machine, s3)
    }

    fn open(&self) -> S3 {
        let folder = Folder::open(Arc::new(self.vfs.clone()), Path::new("/data"), &*self.clock, true).unwrap();
        let (engine, clock) = (Arc::new(self.engine.clone()), Arc::clone(&self.clock));
        let store = Store::open(folder, engine, clock, Settings::default(), Bugs::default()).unwrap();
        S3 { objects: Objects::new(store) }
    }
}

/// So many looks, and how many uploads they ended.
fn look(looks: &mut ExpiryLooks, s3: &S3, times: usize) -> u64 {
    (0..times).map(|_| looks.look(&s3.objects).unwrap()).sum()
}

async fn uploads(s3: &S3) -> usize {
    let input = ListUploadsInput { bucket: "bucket".into(), ..ListUploadsInput::default() };
    s3.objects.list_uploads(input).await.unwrap().uploads.len()
}

fn complete(id: &str, etag: &str) -> CompleteInput {
    CompleteInput {
        bucket: "bucket".into(),
        key: "key".into(),
        upload_id: id.into(),
        parts: vec![CompletedPart { number: 1, etag: etag.into(), checksum: None }],
        checksum: None,
        composite: None,
        object_size: None,
        conditions: WriteConditions::default(),
    }
}

#[tokio::test]
async fn an_upload_that_nobody_goes_on_with_ends_and_its_parts_give_back_their_space() {
    let (machine, s3) = Machine::new();
    let mut looks = ExpiryLooks::new(AGE);
    let id = s3.create_upload("key", None).await.unwrap();
    s3.part("key", &id, 1, &bytes(100_000, 1)).await.unwrap();
    let young = s3.create_upload("young", None).await.unwrap();
    machine.clock.advance(7 * DAY);
    s3.part("young", &young, 1, b"x").await.unwrap();
    assert_eq!(look(&mut looks, &s3, 2 * LOOKS), 0);
    machine.clock.advance(1);
    assert_eq!(look(&mut looks, &s3, LOOKS - 1), 0);
    assert_eq!(uploads(&s3).await, 2);
    assert_eq!(look(&mut looks, &s3, 1), 1);
    assert_eq!(uploads(&s3).await, 1);
    let parts =
        ListPartsInput { bucket: "bucket".into(), key: "key".into(), upload_id: id.clone(), ..Default::default() };
    assert_eq!(code(s3.objects.list_parts(parts).await), "NoSuchUpload");
    assert_eq!(code(s3.part("key", &id, 2, b"x").await), "NoSuchUpload");
    assert_eq!(code(s3.objects.complete_upload(complete(&id, "")).await), "NoSuchUpload");

    let store = s3.objects.store();
    assert!(store.stats().unwrap().garbage_bytes > 100_000);
    store.collect(CollectOptions { min_dead: 0.0, seal_active: true }, &mut |_| ()).unwrap();
    let stats = store.stats().unwrap();
    assert!(stats.garbage_bytes == 0 && stats.segment_bytes < 50_000, "{stats:?}");
    assert_eq!(stats.uploads.objects, 1);
}

#[tokio::test]
async fn an_upload_that_goes_on_stays() {
    let (machine, s3) = Machine::new();
    let mut looks = ExpiryLooks::new(AGE);
    let id = s3.create_upload("key", None).await.unwrap();
    for number in 1..10 {
        machine.clock.advance(6 * DAY);
        s3.part("key", &id, number, b"x").await.unwrap();
        assert_eq!(look(&mut looks, &s3, 2 * LOOKS), 0);
    }
    // A part that comes between two looks counts, however many found the upload too old.
    machine.clock.advance(8 * DAY);
    assert_eq!(look(&mut looks, &s3, LOOKS - 1), 0);
    s3.part("key", &id, 10, b"x").await.unwrap();
    assert_eq!(look(&mut looks, &s3, 2 * LOOKS), 0);
    assert_eq!(uploads(&s3).await, 1);
}

#[tokio::test]
async fn a_clock_that_was_set_wrong_for_a_while_ends_nothing() {
    let (machine, s3) = Machine::new();
    let mut looks = ExpiryLooks::new(AGE);
    s3.create_upload("key", None).await.unwrap();
    for _ in 0..3 {
        machine.clock.set(START + 365 * DAY);
        assert_eq!(look(&mut looks, &s3, LOOKS - 1), 0);
        machine.clock.set(START + DAY);
        assert_eq!(look(&mut looks, &s3, 1), 0);
    }
    // Set back for good: it ends so much later.
    machine.clock.set(START - 30 * DAY);
    assert_eq!(look(&mut looks, &s3, 2 * LOOKS), 0);
    machine.clock.set(START + 7 * DAY);
    assert_eq!(look(&mut looks, &s3, 2 * LOOKS), 0);
    machine.clock.set(START + 7 * DAY + 1);
    assert_eq!(look(&mut looks, &s3, LOOKS), 1);
}

#[tokio::test]
async fn ages_count_over_restarts_and_looks_begin_anew() {
    let (machine, s3) = Machine::new();
    let mut looks = ExpiryLooks::new(AGE);
    s3.create_upload("key", None).await.unwrap();
    machine.clock.advance(8 * DAY);
    assert_eq!(look(&mut looks, &s3, LOOKS - 1), 0);
    drop(s3);
    let s3 = machine.open();
    let mut looks = ExpiryLooks::new(AGE);
    assert_eq!(look(&mut looks, &s3, LOOKS - 1), 0);
    assert_eq!(look(&mut looks, &s3, 1), 1);
    drop(s3);
    assert_eq!(uploads(&machine.open()).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_end_and_a_completion_at_the_same_time_one_wins_whole() {
    let (machine, s3) = Machine::new();
    let (mut completed, mut expired) = (0, 0);
    for round in 0..200u32 {
        let body = round.to_le_bytes();
        let id = s3.create_upload("key", None).await.unwrap();
        let part = s3.part("key", &id, 1, &body).await.unwrap();
        machine.clock.advance(8 * DAY);
        let mut looks = ExpiryLooks::new(AGE);
        assert_eq!(look(&mut looks, &s3, LOOKS - 1), 0);
        let (objects, input) = (s3.objects.clone(), complete(&id, &part.etag));
        let last = std::thread::spawn({
            let objects = objects.clone();
            move || {
                std::thread::sleep(Duration::from_micros(u64::from(round % 20) * 20));
                looks.look(&objects).unwrap()
            }
        });
        let answer = objects.complete_upload(input.clone()).await;
        let ended = last.join().unwrap();
        assert_eq!(uploads(&s3).await, 0);
        match answer {
            Ok(_) => {
                assert_eq!((ended, s3.get("key").await.unwrap()), (0, body.to_vec()));
                // A client that asks again hears the same.
                assert!(objects.complete_upload(input).await.is_ok());
                completed += 1;
            }
            Err(error) => {
                assert_eq!((error.code(), ended), ("NoSuchUpload", 1));
                assert_ne!(s3.get("key").await.ok(), Some(body.to_vec()));
                expired += 1;
            }
        }
    }
    println!("{completed} completed, {expired} expired");
    assert!(completed > 0, "the completion never won");
}
