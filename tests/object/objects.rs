//! Objects: put, get, head, delete, attributes.

use deltastore::object::{AttributesInput, ByteRange, DeleteInput, DeleteKey, EtagPattern, GetInput};
use deltastore_format::{ChecksumAlgorithm, Metadata};

use crate::support::{S3, bytes, code};

#[tokio::test]
async fn keys_are_only_names() {
    let s3 = S3::new();
    let longest = "é".repeat(512);
    let keys = ["a", "a/", "a/b", "a//b", ".x", "x.delta", "../x", "/", "\u{1}", "a\0b", &longest];
    for key in keys {
        s3.put(key, key.as_bytes()).await.unwrap();
    }
    for key in keys {
        assert_eq!(s3.get(key).await.unwrap(), key.as_bytes(), "{key:?}");
    }
    assert_eq!(s3.list("", "").await.objects.len(), keys.len());
    assert_eq!(code(s3.put("", b"x").await), "InvalidArgument");
    assert_eq!(code(s3.put(&"x".repeat(1025), b"x").await), "KeyTooLongError");
    assert_eq!(code(s3.get("missing").await), "NoSuchKey");
}

#[tokio::test]
async fn what_is_put_is_what_is_got() {
    let s3 = S3::new();
    let mut input = s3.put_input("key", b"123456789");
    let pair = |name: &str| vec![(name.to_owned(), "value".to_owned())];
    input.metadata = Metadata { headers: pair("content-type"), user: pair("u"), tags: pair("t") };
    let put = s3.objects.put_object(input).await.unwrap();
    assert_eq!(put.etag, "25f9e794323b453885f5181f1b624d0b");
    let checksum = put.checksum.clone().unwrap();
    assert_eq!((checksum.algorithm, checksum.composite), (ChecksumAlgorithm::Crc64Nvme, false));
    assert_eq!(hex::encode(checksum.value), "ae8b14860a799888");
    let head = s3.objects.head_object(&s3.get_input("key")).unwrap();
    assert_eq!((&head.version, head.range.clone(), head.partial), (&put, 0..9, false));
    // The one version of a bucket without versioning is `null`.
    let null = GetInput { version_id: Some("null".into()), ..s3.get_input("key") };
    assert_eq!(s3.objects.head_object(&null).unwrap().version, put);
    let other = GetInput { version_id: Some("00000000000000ff".into()), ..s3.get_input("key") };
    assert_eq!(code(s3.objects.head_object(&other)), "NoSuchVersion");
    let input = AttributesInput { bucket: "bucket".into(), key: "key".into(), ..AttributesInput::default() };
    assert_eq!(s3.objects.object_attributes(&input).unwrap().parts_count, 0);
}

#[tokio::test]
async fn overwriting_leaves_one_version() {
    let s3 = S3::new();
    s3.put("key", b"one").await.unwrap();
    let two = s3.put("key", b"two").await.unwrap();
    assert_eq!(s3.get("key").await.unwrap(), b"two");
    let versions: Vec<_> = s3.objects.store().index().versions(two.bucket, "key").map(|row| row.unwrap().put).collect();
    assert_eq!(versions, [two]);
}

#[tokio::test]
async fn ranges() {
    let s3 = S3::new();
    let bytes: Vec<u8> = (0..100_000u32).map(|i| (i / 7) as u8).collect();
    s3.put("key", &bytes).await.unwrap();
    for (range, expected) in [
        (ByteRange::From(0), 0..100_000),
        (ByteRange::From(99_999), 99_999..100_000),
        (ByteRange::Span(0, 0), 0..1),
        (ByteRange::Span(12_345, 67_890), 12_345..67_891),
        (ByteRange::Span(1, 1 << 60), 1..100_000),
        (ByteRange::Suffix(5), 99_995..100_000),
    ] {
        let (head, found) = s3.get_with(GetInput { range: Some(range), ..s3.get_input("key") }).await.unwrap();
        assert_eq!(head.range, expected.start as u64..expected.end as u64);
        assert!(head.partial);
        assert_eq!(found, bytes[expected]);
    }
    let beyond = GetInput { range: Some(ByteRange::From(100_000)), ..s3.get_input("key") };
    assert_eq!(code(s3.get_with(beyond).await), "InvalidRange");
    let both = GetInput { range: Some(ByteRange::From(0)), part_number: Some(1), ..s3.get_input("key") };
    assert_eq!(code(s3.get_with(both).await), "InvalidRequest");
    let (head, found) = s3.get_with(GetInput { part_number: Some(1), ..s3.get_input("key") }).await.unwrap();
    assert_eq!((head.partial, head.parts_count, found.len()), (true, None, bytes.len()));

    s3.put("empty", b"").await.unwrap();
    assert_eq!(s3.get("empty").await.unwrap(), b"");
    let range = GetInput { range: Some(ByteRange::Span(0, 0)), ..s3.get_input("empty") };
    assert_eq!(code(s3.get_with(range).await), "InvalidRange");
}

#[tokio::test]
async fn deletes() {
    let s3 = S3::new();
    let put = s3.put("key", b"x").await.unwrap();
    s3.put("other", b"x").await.unwrap();
    let key = |key: &str| DeleteKey { key: key.into(), ..DeleteKey::default() };
    let conditional = |name: &str, etag: &str| DeleteInput {
        bucket: "bucket".into(),
        key: DeleteKey { if_match: Some(EtagPattern::parse(etag)), ..key(name) },
    };
    assert_eq!(code(s3.objects.delete_object(conditional("key", "y")).await), "PreconditionFailed");
    assert_eq!(code(s3.objects.delete_object(conditional("missing", "y")).await), "NoSuchKey");
    s3.objects.delete_object(conditional("key", &put.etag)).await.unwrap();
    assert_eq!(code(s3.get("key").await), "NoSuchKey");
    s3.delete("key").await.unwrap();

    let long = "x".repeat(1025);
    let keys = vec![key("other"), key("missing"), key("other"), key(&long)];
    let outcomes = s3.objects.delete_objects("bucket", keys).await.unwrap();
    let codes: Vec<_> = outcomes.into_iter().map(|outcome| outcome.map_err(|error| error.code())).collect();
    assert_eq!(codes, [Ok(()), Ok(()), Ok(()), Err("KeyTooLongError")]);
    assert!(s3.list("", "").await.objects.is_empty());
    assert_eq!(code(s3.objects.delete_objects("bucket", vec![]).await), "MalformedXML");
    assert_eq!(code(s3.objects.delete_objects("bucket", vec![key("a"); 1001]).await), "MalformedXML");
    assert_eq!(code(s3.objects.delete_objects("missing", vec![key("a")]).await), "NoSuchBucket");
}

/// What `docs/benchmarks.md` says that tiny objects take.
#[tokio::test]
async fn tiny_objects_cost_little_more_than_their_records() {
    let s3 = S3::new();
    let store = s3.objects.store();
    let before = store.stats().unwrap().segment_bytes;
    for number in 0..1000 {
        s3.put(&format!("tiny/{number:05}"), &bytes(49, number)).await.unwrap();
    }
    let stats = store.stats().unwrap();
    let (log, beside) = ((stats.segment_bytes - before) / 1000, stats.total.log_bytes_an_object());
    let (commits, blobs) = (stats.total.commit_bytes / 1000, stats.total.stored_bytes / 1000);
    println!(
        "{log} bytes of log an object of 49: {blobs} for its window, {commits} for its commit; {beside} beside its data"
    );
    assert_eq!(log, commits + blobs);
    assert!((400..=510).contains(&log), "{log}");
    assert!(beside + 49 <= log, "{beside} of {log}");
}
