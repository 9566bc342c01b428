//! Compressed archives, stored anew: the same bytes, in less space beside an earlier release.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use deltastore::object::{CompleteInput, CompletedPart, Objects, WriteConditions};
use deltastore::store::{CollectOptions, MultipartRewriter, OptimizeOptions, Policy, Settings};
use deltastore_format::VersionPut;
use deltastore_segment::vfs::{SimVfs, Vfs};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::copies::copy;
use crate::store::{open, open_on};
use crate::support::{S3, bytes};

/// A tar archive of files of text, a few of which differ from release to release; gzipped.
fn release(number: u64) -> Vec<u8> {
    let mut tar = Vec::new();
    for file in 0..60u64 {
        let seed = if file % 15 == number % 15 { file + 1000 * number } else { file };
        let words = bytes(12_000, seed);
        let text: String = words
            .iter()
            .map(|byte| format!("{}{:02} ", ["let", "use", "fn", "if"][*byte as usize % 4], byte / 4))
            .collect();
        let mut header = [0; 512];
        let name = format!("package/src/module_{file}.rs");
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..136].copy_from_slice(format!("{:011o}\0", text.len()).as_bytes());
        header[257..265].copy_from_slice(b"ustar\x0000");
        tar.extend(header);
        tar.extend(text.as_bytes());
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(&tar).unwrap();
    encoder.finish().unwrap()
}

async fn upload(s3: &S3, key: &str, body: &[u8]) {
    let id = s3.create_upload(key, None).await.unwrap();
    let mut parts = Vec::new();
    for (number, part) in (1..).zip(body.chunks(300_000)) {
        let etag = s3.part(key, &id, number.into(), part).await.unwrap().etag;
        parts.push(CompletedPart { number, etag, checksum: None });
    }
    let input = CompleteInput {
        bucket: "bucket".into(),
        key: key.into(),
        upload_id: id,
        parts,
        checksum: None,
        composite: None,
        object_size: None,
        conditions: WriteConditions::default(),
    };
    s3.objects.complete_upload(input).await.unwrap();
}

#[tokio::test]
async fn a_release_of_an_archive_gets_small_beside_the_one_before() {
    let s3 = S3 { objects: Objects::new(open()).with_min_part(1) };
    s3.objects.create_bucket("bucket").await.unwrap();
    let (first, second) = (release(1), release(2));
    assert!(second.len() > 700_000, "{}", second.len());
    upload(&s3, "releases/1.tar.gz", &first).await;
    upload(&s3, "releases/2.tar.gz", &second).await;
    let store = s3.objects.store().clone();
    let (old, before) = (stored(&s3, "releases/2.tar.gz"), store.stats().unwrap().segment_bytes);
    let options = OptimizeOptions { policy: Some(Policy::Max), threads: 2, ..OptimizeOptions::default() };
    let done = store.optimize(&options, &AtomicBool::new(false), &mut |_| ()).unwrap();
    assert_eq!((done.objects, done.damaged, done.changed), (2, 0, 0));
    store.collect(CollectOptions::THOROUGH, &mut |_| ()).unwrap();
    assert!(s3.get("releases/1.tar.gz").await.unwrap() == first);
    assert!(s3.get("releases/2.tar.gz").await.unwrap() == second);
    let (new, after) = (stored(&s3, "releases/2.tar.gz"), store.stats().unwrap().segment_bytes);
    println!(
        "{} bytes: stored in {} before, {} after; segments {before}, then {after}",
        second.len(),
        old.stored_bytes,
        new.stored_bytes
    );
    assert!(new.optimized && new.etag == old.etag && new.parts == old.parts && new.version == old.version);
    assert!(new.stored_bytes * 5 < second.len() as u64 && new.stored_bytes < old.stored_bytes && after < before);
    assert!(store.fsck(&mut |_| ()).unwrap().problems.is_empty());
}

/// What the key's object is.
fn stored(s3: &S3, key: &str) -> VersionPut {
    let index = s3.objects.store().index();
    let bucket = index.bucket("bucket").unwrap().unwrap().put.bucket;
    index.current(bucket, key).unwrap().unwrap().put
}

#[tokio::test]
async fn an_archive_in_parts_gets_small_soon_after_the_upload() {
    let s3 = S3 { objects: Objects::new(open()).with_min_part(1) };
    s3.objects.create_bucket("bucket").await.unwrap();
    let (first, second) = (release(1), release(2));
    upload(&s3, "releases/1.tar.gz", &first).await;
    upload(&s3, "releases/2.tar.gz", &second).await;
    let before = stored(&s3, "releases/2.tar.gz");
    assert!(before.stored_bytes * 4 > 3 * second.len() as u64, "{}", before.stored_bytes);
    let rewriter = s3.objects.store().start_job(MultipartRewriter).unwrap();
    let start = Instant::now();
    while stored(&s3, "releases/2.tar.gz").stored_bytes == before.stored_bytes {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing is done about it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(rewriter);
    let after = stored(&s3, "releases/2.tar.gz");
    println!("{} bytes in parts: stored in {}, then {}", second.len(), before.stored_bytes, after.stored_bytes);
    assert!(after.stored_bytes * 2 < second.len() as u64, "{}", after.stored_bytes);
    assert!(!after.optimized && after.etag == before.etag && after.parts == before.parts);
    assert!(s3.get("releases/1.tar.gz").await.unwrap() == first);
    assert!(s3.get("releases/2.tar.gz").await.unwrap() == second);
    s3.objects.store().collect(CollectOptions::THOROUGH, &mut |_| ()).unwrap();
    assert!(s3.objects.store().fsck(&mut |_| ()).unwrap().problems.is_empty());
    assert!(s3.get("releases/2.tar.gz").await.unwrap() == second);
}

#[tokio::test]
async fn only_uploads_with_a_member_cut_off_wait_to_be_rewritten() {
    let s3 = S3 { objects: Objects::new(open()).with_min_part(1) };
    s3.objects.create_bucket("bucket").await.unwrap();
    let stop = AtomicBool::new(false);
    upload(&s3, "plain", &bytes(900_000, 1)).await;
    upload(&s3, "damaged.gz", &release(1)[..200_000]).await;
    assert_eq!(s3.objects.store().rewrite_waiting(&stop).unwrap().objects, 0);
    upload(&s3, "gone.gz", &release(1)).await;
    s3.delete("gone.gz").await.unwrap();
    upload(&s3, "again.gz", &release(1)).await;
    upload(&s3, "again.gz", &release(2)).await;
    let done = s3.objects.store().rewrite_waiting(&stop).unwrap();
    assert_eq!((done.objects, done.damaged), (1, 0));
    assert!(s3.get("again.gz").await.unwrap() == release(2));
    // As registries do: copied to its place and deleted at once.
    upload(&s3, "upload/data", &release(3)).await;
    s3.objects.copy_object(copy("upload/data", "blobs/data")).await.unwrap();
    s3.delete("upload/data").await.unwrap();
    let done = s3.objects.store().rewrite_waiting(&stop).unwrap();
    assert_eq!((done.objects, done.damaged), (1, 0));
    let blob = stored(&s3, "blobs/data");
    assert!(blob.stored_bytes * 2 < blob.size, "{} of {}", blob.stored_bytes, blob.size);
    s3.objects.copy_object(copy("blobs/data", "blobs/again")).await.unwrap();
    assert_eq!(s3.objects.store().rewrite_waiting(&stop).unwrap().objects, 0);
    assert!(s3.get("blobs/again").await.unwrap() == release(3));
}

/// Names of the entries of the cache on disk.
fn kept(vfs: &SimVfs) -> Vec<String> {
    vfs.list(Path::new("/data/cache")).unwrap()
}

#[tokio::test]
async fn uploads_are_kept_for_quick_reading() {
    let vfs = SimVfs::new();
    let store = open_on(&vfs, Settings { disk_cache_bytes: 64 << 20, ..Settings::default() });
    let s3 = S3 { objects: Objects::new(store) };
    s3.objects.create_bucket("bucket").await.unwrap();
    let (plain, archive) = (bytes(3_000_000, 1), release(1));
    s3.put("plain/1", &plain).await.unwrap();
    s3.put("small", &plain[..50_000]).await.unwrap();
    assert_eq!(kept(&vfs).len(), 0, "what is stored as it is needs no cache");
    s3.put("archive.tar.gz", &archive).await.unwrap();
    let mut changed = plain.clone();
    (0..changed.len()).step_by(50_000).for_each(|at| changed[at] ^= 1);
    s3.put("plain/2", &changed).await.unwrap();
    // The cache finishes its writes when the store is closed.
    drop(s3);
    let sum: u64 =
        kept(&vfs).iter().map(|name| vfs.open(&Path::new("/data/cache").join(name)).unwrap().len().unwrap()).sum();
    let wanted = (archive.len() + changed.len()) as u64;
    assert!(sum > wanted * 8 / 10 && sum < wanted * 12 / 10, "{sum} of {wanted}");
}

/// A tar.gz with a plain file and three gzipped tars in it, one of which differs from release to release.
fn distribution(number: u64) -> Vec<u8> {
    let mut files = bytes(30_000, number);
    for inner in [7, 8, 9 + number] {
        files.extend(release(inner));
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(&files).unwrap();
    encoder.finish().unwrap()
}

/// A stream that is too short to tell which of the levels made it gets the name of what else the deltaspace has.
#[tokio::test]
async fn the_encoder_of_a_deltaspace_is_tried_first() {
    let s3 = S3::new();
    let gzip = |text: &str, level| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    // Levels differ in how long they look for a match: there are hardly any.
    let short: String = bytes(6000, 3).iter().map(|byte| char::from(b'0' + byte % 64)).collect();
    assert_eq!(gzip(&short, 6)[10..], gzip(&short, 5)[10..], "the levels differ");
    let words: Vec<String> =
        bytes(120_000, 7).iter().map(|byte| format!("word{} ", u32::from(byte % 64) * 31)).collect();
    s3.put("five/1.gz", &gzip(&words.concat(), 5)).await.unwrap();
    for key in ["five/2.gz", "other/2.gz"] {
        s3.put(key, &gzip(&short, 6)).await.unwrap();
    }
    let store = s3.objects.store().clone();
    let options = OptimizeOptions { policy: Some(Policy::Max), threads: 1, ..OptimizeOptions::default() };
    let done = store.optimize(&options, &AtomicBool::new(false), &mut |_| ()).unwrap();
    assert_eq!((done.objects, done.damaged), (3, 0));
    for (key, expected) in [("five/1.gz", "level 5"), ("five/2.gz", "level 5"), ("other/2.gz", "level 6")] {
        let found = store.inspect(&stored(&s3, key).recipe).unwrap().recreations;
        assert!(found.iter().any(|made| made.by.contains(expected)), "{key}: {found:?}");
    }
}

#[tokio::test]
async fn an_archive_within_an_archive_gets_small_too() {
    let s3 = S3::new();
    let store = s3.objects.store().clone();
    let releases = [distribution(1), distribution(2)];
    for (number, body) in releases.iter().enumerate() {
        s3.put(&format!("releases/{number}"), body).await.unwrap();
    }
    let options = OptimizeOptions { policy: Some(Policy::Max), threads: 2, ..OptimizeOptions::default() };
    let done = store.optimize(&options, &AtomicBool::new(false), &mut |_| ()).unwrap();
    assert_eq!((done.objects, done.damaged), (2, 0));
    store.collect(CollectOptions::THOROUGH, &mut |_| ()).unwrap();
    for (number, body) in releases.iter().enumerate() {
        assert!(s3.get(&format!("releases/{number}")).await.unwrap() == *body);
    }
    let second = stored(&s3, "releases/1");
    println!("{} bytes, stored in {}", releases[1].len(), second.stored_bytes);
    assert!(second.stored_bytes * 8 < releases[1].len() as u64);
    let found = store.inspect(&second.recipe).unwrap();
    let within: u64 = found.nested.iter().map(|made| made.bytes).sum();
    assert!(within * 10 > 9 * releases[1].len() as u64, "{:?}", found.nested);
    assert_eq!(found.recreations.iter().map(|made| made.bytes).sum::<u64>(), second.size);
    assert!(store.fsck(&mut |_| ()).unwrap().problems.is_empty());
    let stats = store.stats().unwrap();
    let total = stats.total;
    let saved =
        total.dedup_saved_bytes + total.expansion_saved_bytes + total.delta_saved_bytes + total.compression_saved_bytes;
    let made = total.logical_bytes as i64 - saved + total.overhead_bytes + total.reference_only_bytes as i64;
    assert_eq!(made, total.stored_bytes as i64);
    assert_eq!(stats.garbage_bytes, 0);
}
