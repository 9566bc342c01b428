//! Buckets.

use crate::support::{S3, code};

#[tokio::test]
async fn life_of_a_bucket() {
    let s3 = S3::new();
    let made = s3.objects.create_bucket("one").await.unwrap();
    assert_eq!(s3.objects.head_bucket("one"), Ok(made));
    assert_eq!(code(s3.objects.create_bucket("one").await), "BucketAlreadyOwnedByYou");
    assert_eq!(code(s3.objects.create_bucket("No").await), "InvalidBucketName");
    s3.objects.create_bucket("another").await.unwrap();
    let names: Vec<_> = s3.objects.list_buckets().await.unwrap().into_iter().map(|bucket| bucket.name).collect();
    assert_eq!(names, ["another", "bucket", "one"]);
    s3.objects.delete_bucket("one").await.unwrap();
    assert_eq!(code(s3.objects.head_bucket("one")), "NoSuchBucket");
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
