//! Compressed archives, stored anew: the same bytes, in less space beside an earlier release.

use std::io::Write;
use std::sync::atomic::AtomicBool;

use deltastore::object::{CompleteInput, CompletedPart, Objects, WriteConditions};
use deltastore::store::{CollectOptions, OptimizeOptions, Policy};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::store::open;
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
        let etag = s3.part(key, &id, number, part).await.unwrap().etag;
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
    let stored = |key: &str| {
        let bucket = store.index().bucket("bucket").unwrap().unwrap().put.bucket;
        store.index().current(bucket, key).unwrap().unwrap().put
    };
    let (old, before) = (stored("releases/2.tar.gz"), store.stats().unwrap().segment_bytes);
    let options = OptimizeOptions { policy: Some(Policy::Max), threads: 2, ..OptimizeOptions::default() };
    let done = store.optimize(&options, &AtomicBool::new(false), &mut |_| ()).unwrap();
    assert_eq!((done.objects, done.damaged, done.changed), (2, 0, 0));
    store.collect(CollectOptions::THOROUGH, &mut |_| ()).unwrap();
    assert!(s3.get("releases/1.tar.gz").await.unwrap() == first);
    assert!(s3.get("releases/2.tar.gz").await.unwrap() == second);
    let (new, after) = (stored("releases/2.tar.gz"), store.stats().unwrap().segment_bytes);
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
