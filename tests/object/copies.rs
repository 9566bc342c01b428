//! Copies.

use deltastore::object::{
    CopyInput, CopySource, EtagPattern, MetadataDirective, ReadConditions, TaggingDirective, WriteConditions,
};
use deltastore_format::{ChecksumAlgorithm, Metadata};

use crate::support::{S3, bytes, code};

pub fn copy(from: &str, to: &str) -> CopyInput {
    CopyInput {
        source: CopySource { bucket: "bucket".into(), key: from.into(), ..CopySource::default() },
        bucket: "bucket".into(),
        key: to.into(),
        metadata: MetadataDirective::Copy,
        tagging: TaggingDirective::Copy,
        storage_class: None,
        website_redirect: None,
        checksum: None,
        conditions: WriteConditions::default(),
    }
}

fn touch(key: &str, value: &str) -> CopyInput {
    let user = vec![("touched".to_owned(), value.to_owned())];
    CopyInput { metadata: MetadataDirective::Replace(Metadata { user, ..Metadata::default() }), ..copy(key, key) }
}

#[tokio::test]
async fn a_copy_is_the_same_object() {
    let s3 = S3::new();
    let body = bytes(300_000, 1);
    let source = s3.put("from", &body).await.unwrap();
    let copied = s3.objects.copy_object(copy("from", "to")).await.unwrap();
    assert_eq!((&copied.etag, &copied.checksum, copied.size), (&source.etag, &source.checksum, source.size));
    s3.delete("from").await.unwrap();
    assert_eq!(s3.get("to").await.unwrap(), body);
    assert_eq!(code(s3.objects.copy_object(copy("from", "to")).await), "NoSuchKey");
}

#[tokio::test]
async fn touching() {
    let s3 = S3::new();
    let put = s3.put("key", b"body").await.unwrap();
    assert_eq!(code(s3.objects.copy_object(copy("key", "key")).await), "InvalidRequest");
    let touched = s3.objects.copy_object(touch("key", "1")).await.unwrap();
    assert_eq!(touched.metadata.user, [("touched".to_owned(), "1".to_owned())]);
    assert_eq!((touched.etag, touched.stored_bytes), (put.etag, put.stored_bytes));
    assert!(touched.version > put.version && touched.modified_ms >= put.modified_ms);
    assert_eq!(s3.get("key").await.unwrap(), b"body");
}

#[tokio::test]
async fn conditions_of_copies() {
    let s3 = S3::new();
    let put = s3.put("from", b"body").await.unwrap();
    let from = |conditions| {
        let mut input = copy("from", "to");
        input.source.conditions = conditions;
        s3.objects.copy_object(input)
    };
    let etag = |text: &str| Some(EtagPattern::parse(text));
    let if_match = |text| ReadConditions { if_match: etag(text), ..ReadConditions::default() };
    let if_none_match = |text| ReadConditions { if_none_match: etag(text), ..ReadConditions::default() };
    assert_eq!(code(from(if_match("x")).await), "PreconditionFailed");
    assert_eq!(code(from(if_none_match(&put.etag)).await), "PreconditionFailed");
    from(if_match(&put.etag)).await.unwrap();
    let conditions = WriteConditions { if_match: None, if_none_match: Some(EtagPattern::Any) };
    let again = CopyInput { conditions, ..copy("from", "to") };
    assert_eq!(code(s3.objects.copy_object(again).await), "PreconditionFailed");
}

#[tokio::test]
async fn another_checksum_is_computed() {
    let s3 = S3::new();
    s3.put("from", b"123456789").await.unwrap();
    let input = CopyInput { checksum: Some(ChecksumAlgorithm::Crc32), ..copy("from", "to") };
    let checksum = s3.objects.copy_object(input).await.unwrap().checksum.unwrap();
    assert_eq!((checksum.algorithm, hex::encode(checksum.value)), (ChecksumAlgorithm::Crc32, "cbf43926".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_touch_never_brings_back_what_was_overwritten() {
    let s3 = S3::new();
    for round in 0..30u32 {
        s3.put("key", b"old").await.unwrap();
        let new = round.to_le_bytes();
        let (put, _) = tokio::join!(s3.put("key", &new), s3.objects.copy_object(touch("key", "x")));
        put.unwrap();
        assert_eq!(s3.get("key").await.unwrap(), new);
    }
}
