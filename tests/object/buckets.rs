//! Buckets.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use deltastore::object::{Bucket, Objects};
use deltastore::store::Policy;
use futures::executor::block_on;

use crate::support::{S3, code};

#[tokio::test]
async fn life_of_a_bucket() {
    let s3 = S3::new();
    let made = s3.objects.create_bucket("one").await.unwrap();
    assert_eq!(s3.objects.bucket("one").as_deref(), Ok(&Bucket::from(made)));
    assert_eq!(code(s3.objects.create_bucket("one").await), "BucketAlreadyOwnedByYou");
    assert_eq!(code(s3.objects.create_bucket("No").await), "InvalidBucketName");
    s3.objects.create_bucket("another").await.unwrap();
    let names: Vec<_> = s3.objects.list_buckets().await.unwrap().into_iter().map(|bucket| bucket.name).collect();
    assert_eq!(names, ["another", "bucket", "one"]);
    s3.objects.delete_bucket("one").await.unwrap();
    assert_eq!(code(s3.objects.bucket("one")), "NoSuchBucket");
    assert_eq!(code(s3.objects.delete_bucket("one").await), "NoSuchBucket");
}

#[tokio::test]
async fn only_objects_keep_a_bucket_alive() {
    let s3 = S3::new();
    s3.put("key", b"x").await.unwrap();
    let upload = s3.create_upload("key", None).await.unwrap();
    assert_eq!(code(s3.objects.delete_bucket("bucket").await), "BucketNotEmpty");
    s3.delete("key").await.unwrap();
    for i in 0..150 {
        s3.create_upload(&format!("{i}"), None).await.unwrap();
    }
    s3.objects.delete_bucket("bucket").await.unwrap();
    // A bucket made again is another: nothing of the old one shows.
    s3.objects.create_bucket("bucket").await.unwrap();
    assert_eq!(code(s3.part("key", &upload, 1, b"x").await), "NoSuchUpload");
    assert!(s3.list("", "").await.objects.is_empty());
}

/// The shortest time in which readers and writers meet often enough.
const MEETING_TIME: Duration = Duration::from_millis(500);

#[test]
fn nobody_sees_a_bucket_as_it_was_before_an_acknowledged_change() {
    let s3 = S3::new();
    let (acknowledged, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let policy = |objects: &Objects| objects.bucket("bucket").unwrap().settings.optimize;
    let at = |policy: Policy| Policy::ALL.iter().position(|known| *known == policy).unwrap();
    block_on(s3.objects.set_optimize_policy("bucket", Policy::ALL[0])).unwrap();
    std::thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let before = acknowledged.load(Ordering::SeqCst);
                    let found = at(policy(&s3.objects));
                    let after = acknowledged.load(Ordering::SeqCst);
                    // The change that was acknowledged last, or one that began since: at most one is under way.
                    let allowed = (before..=after + 1).any(|change| change % Policy::ALL.len() == found);
                    assert!(allowed, "{found} after {before} and before {after}");
                }
            });
        }
        let begun = Instant::now();
        let mut change = 0;
        while begun.elapsed() < MEETING_TIME || change < 100 {
            change += 1;
            let next = Policy::ALL[change % Policy::ALL.len()];
            block_on(s3.objects.set_optimize_policy("bucket", next)).unwrap();
            acknowledged.store(change, Ordering::SeqCst);
            assert_eq!(policy(&s3.objects), next, "who changed it sees the change");
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[tokio::test]
async fn a_bucket_that_is_gone_or_made_again_is_seen_so_at_once() {
    let s3 = S3::new();
    let mut ids = Vec::new();
    for _ in 0..20 {
        let made = s3.objects.create_bucket("again").await.unwrap();
        s3.objects.set_optimize_policy("again", Policy::Max).await.unwrap();
        let found = s3.objects.bucket("again").unwrap();
        assert_eq!((found.id, found.settings.optimize), (made.bucket, Policy::Max));
        s3.objects.delete_bucket("again").await.unwrap();
        assert_eq!(code(s3.objects.bucket("again")), "NoSuchBucket");
        ids.push(found.id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 20);
    // A clone knows the same buckets.
    let other = s3.objects.clone();
    other.create_bucket("again").await.unwrap();
    assert!(s3.objects.bucket("again").is_ok());
}
