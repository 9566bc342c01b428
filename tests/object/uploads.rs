//! Multipart uploads.

use deltastore::object::{
    CompleteInput, CompletedPart, CopySource, CreateUploadInput, EtagPattern, GetInput, ListPartsInput,
    ListUploadsInput, UploadPartCopyInput, WriteConditions,
};
use deltastore_format::ChecksumAlgorithm;

use crate::support::{S3, bytes, code};

const PART: usize = 5 << 20;

fn named(number: i32, etag: &str) -> CompletedPart {
    CompletedPart { number, etag: format!("\"{etag}\""), checksum: None }
}

fn complete(upload_id: &str, parts: Vec<CompletedPart>) -> CompleteInput {
    CompleteInput {
        bucket: "bucket".into(),
        key: "key".into(),
        upload_id: upload_id.into(),
        parts,
        checksum: None,
        composite: None,
        object_size: None,
        conditions: WriteConditions::default(),
    }
}

#[tokio::test]
async fn parts_become_an_object() {
    let s3 = S3::new();
    let (a, b) = (bytes(PART, 1), bytes(1000, 2));
    let id = s3.create_upload("key", None).await.unwrap();
    let last = s3.part("key", &id, 7, &b).await.unwrap();
    s3.part("key", &id, 2, b"replaced").await.unwrap();
    let first = s3.part("key", &id, 2, &a).await.unwrap();
    let unused = s3.part("key", &id, 9, b"unused").await.unwrap();

    let send = |parts| s3.objects.complete_upload(complete(&id, parts));
    let (first, last) = (named(2, &first.etag), named(7, &last.etag));
    assert_eq!(code(send(vec![]).await), "MalformedXML");
    assert_eq!(code(send(vec![last.clone(), first.clone()]).await), "InvalidPartOrder");
    assert_eq!(code(send(vec![first.clone(), first.clone()]).await), "InvalidPartOrder");
    assert_eq!(code(send(vec![named(2, &unused.etag)]).await), "InvalidPart");
    assert_eq!(code(send(vec![named(3, &unused.etag)]).await), "InvalidPart");
    assert_eq!(code(send(vec![last.clone(), named(9, &unused.etag)]).await), "EntityTooSmall");
    assert_eq!(code(s3.get("key").await), "NoSuchKey");

    let object = send(vec![first.clone(), last]).await.unwrap();
    assert!(object.etag.ends_with("-2") && object.etag.len() == 34, "{}", object.etag);
    assert_eq!(object.checksum.unwrap().algorithm, ChecksumAlgorithm::Crc64Nvme);
    let whole = [a, b.clone()].concat();
    assert_eq!(s3.get("key").await.unwrap(), whole);
    let (head, part) = s3.get_with(GetInput { part_number: Some(2), ..s3.get_input("key") }).await.unwrap();
    assert_eq!((head.parts_count, head.range, part), (Some(2), PART as u64..PART as u64 + 1000, b));
    assert_eq!(code(s3.get_with(GetInput { part_number: Some(3), ..s3.get_input("key") }).await), "InvalidPartNumber");
    assert_eq!(code(send(vec![first]).await), "NoSuchUpload");
    assert!(s3.objects.list_uploads(uploads()).await.unwrap().uploads.is_empty());
}

fn uploads() -> ListUploadsInput {
    ListUploadsInput { bucket: "bucket".into(), ..ListUploadsInput::default() }
}

#[tokio::test]
async fn aborted_uploads_are_gone() {
    let s3 = S3::new();
    let id = s3.create_upload("key", None).await.unwrap();
    let part = s3.part("key", &id, 1, b"x").await.unwrap();
    assert_eq!(code(s3.objects.abort_upload("bucket", "other", &id).await), "NoSuchUpload");
    s3.objects.abort_upload("bucket", "key", &id).await.unwrap();
    assert_eq!(code(s3.objects.abort_upload("bucket", "key", &id).await), "NoSuchUpload");
    assert_eq!(code(s3.part("key", &id, 1, b"x").await), "NoSuchUpload");
    assert_eq!(code(s3.objects.complete_upload(complete(&id, vec![named(1, &part.etag)])).await), "NoSuchUpload");
    assert_eq!(code(s3.part("key", "nonsense", 1, b"x").await), "NoSuchUpload");
    assert_eq!(code(s3.part("key", &id, 0, b"x").await), "InvalidArgument");
}

#[tokio::test]
async fn completing_is_conditional() {
    let s3 = S3::new();
    s3.put("key", b"old").await.unwrap();
    let id = s3.create_upload("key", None).await.unwrap();
    let part = s3.part("key", &id, 1, b"new").await.unwrap();
    let mut input = complete(&id, vec![named(1, &part.etag)]);
    input.conditions.if_none_match = Some(EtagPattern::Any);
    assert_eq!(code(s3.objects.complete_upload(input.clone()).await), "PreconditionFailed");
    s3.delete("key").await.unwrap();
    s3.objects.complete_upload(input).await.unwrap();
    assert_eq!(s3.get("key").await.unwrap(), b"new");
}

#[tokio::test]
async fn parts_carry_the_uploads_checksum() {
    let s3 = S3::new();
    let id = s3.create_upload("key", Some(ChecksumAlgorithm::Sha256)).await.unwrap();
    let part = s3.part("key", &id, 1, b"x").await.unwrap();
    assert_eq!(part.checksum.unwrap().algorithm, ChecksumAlgorithm::Sha256);
    let mut input = s3.part_input("key", &id, 2, b"x");
    input.expect.checksum = deltastore::object::ExpectChecksum::Compute(ChecksumAlgorithm::Crc32);
    assert_eq!(code(s3.objects.upload_part(input).await), "InvalidRequest");
    let full = CreateUploadInput {
        bucket: "bucket".into(),
        key: "key".into(),
        checksum: Some(ChecksumAlgorithm::Sha256),
        composite: Some(false),
        ..CreateUploadInput::default()
    };
    assert_eq!(code(s3.objects.create_upload(full).await), "InvalidRequest");
}

#[tokio::test]
async fn parts_copied_from_objects() {
    let s3 = S3::new();
    let body = bytes(PART + 5000, 3);
    let source = s3.put("from", &body).await.unwrap();
    let id = s3.create_upload("key", None).await.unwrap();
    let copy = |number, range| UploadPartCopyInput {
        bucket: "bucket".into(),
        key: "key".into(),
        upload_id: id.clone(),
        number,
        source: CopySource { bucket: "bucket".into(), key: "from".into(), ..CopySource::default() },
        range,
    };
    let whole = s3.objects.upload_part_copy(copy(1, None)).await.unwrap();
    assert_eq!((&whole.etag, &whole.checksum), (&source.etag, &source.checksum));
    let slice = s3.objects.upload_part_copy(copy(2, Some((100, 2099)))).await.unwrap();
    assert_eq!((slice.size, slice.etag.len()), (2000, 32));
    assert_eq!(code(s3.objects.upload_part_copy(copy(3, Some((0, body.len() as u64)))).await), "InvalidArgument");
    s3.delete("from").await.unwrap();
    let parts = vec![named(1, &whole.etag), named(2, &slice.etag)];
    s3.objects.complete_upload(complete(&id, parts)).await.unwrap();
    assert_eq!(s3.get("key").await.unwrap(), [&body[..], &body[100..2100]].concat());
}

#[tokio::test]
async fn copied_parts_get_the_uploads_checksum() {
    let s3 = S3::new();
    s3.put("from", b"-123456789-").await.unwrap();
    let id = s3.create_upload("key", Some(ChecksumAlgorithm::Crc32)).await.unwrap();
    let input = UploadPartCopyInput {
        bucket: "bucket".into(),
        key: "key".into(),
        upload_id: id,
        number: 1,
        source: CopySource { bucket: "bucket".into(), key: "from".into(), ..CopySource::default() },
        range: Some((1, 9)),
    };
    let part = s3.objects.upload_part_copy(input).await.unwrap();
    assert_eq!(part.etag, "25f9e794323b453885f5181f1b624d0b");
    assert_eq!(hex::encode(part.checksum.unwrap().value), "cbf43926");
}

#[tokio::test]
async fn listings_of_uploads_and_parts() {
    let s3 = S3::new();
    let mut ids = Vec::new();
    for key in ["a", "a", "b/1", "b/2", "c"] {
        ids.push((key.to_owned(), s3.create_upload(key, None).await.unwrap()));
    }
    let mut found = Vec::new();
    let mut input = ListUploadsInput { max_uploads: Some(1), ..uploads() };
    loop {
        let page = s3.objects.list_uploads(input.clone()).await.unwrap();
        let id = |upload: &deltastore_format::UploadPut| deltastore::object::format_upload_id(upload.upload);
        found.extend(page.uploads.iter().map(|upload| (upload.key.clone(), id(upload))));
        if !page.truncated {
            break;
        }
        input.key_marker = page.next_key_marker.unwrap();
        input.upload_id_marker = page.next_upload_id_marker.unwrap();
    }
    assert_eq!(found, ids);
    let grouped = s3.objects.list_uploads(ListUploadsInput { delimiter: "/".into(), ..uploads() }).await.unwrap();
    assert_eq!((grouped.uploads.len(), grouped.prefixes), (3, vec!["b/".to_owned()]));

    let id = &ids[0].1;
    for number in [3, 1, 2] {
        s3.part("a", id, number, b"x").await.unwrap();
    }
    let list = |marker| ListPartsInput {
        bucket: "bucket".into(),
        key: "a".into(),
        upload_id: id.clone(),
        part_number_marker: marker,
        max_parts: Some(2),
    };
    let page = s3.objects.list_parts(list(None)).await.unwrap();
    assert_eq!(page.parts.iter().map(|part| part.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((page.truncated, page.next_part_number_marker), (true, Some(2)));
    let page = s3.objects.list_parts(list(Some(2))).await.unwrap();
    assert_eq!((page.parts.len(), page.truncated, page.next_part_number_marker), (1, false, None));
}
