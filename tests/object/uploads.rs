//! Multipart uploads.

use deltastore::object::{
    ChecksumValue, CompleteInput, CompletedPart, CopyInput, CopySource, CreateUploadInput, EtagPattern, ExpectChecksum,
    GetInput, ListPartsInput, ListUploadsInput, MetadataDirective, TaggingDirective, UploadPartCopyInput,
    WriteConditions, format_upload_id,
};
use deltastore::store::OptimizeOptions;
use deltastore_format::{ChecksumAlgorithm, Metadata};

use crate::support::{S3, bytes, code};

const PART: usize = 5 << 20;

fn named(number: u16, etag: &str) -> CompletedPart {
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
    assert_eq!(code(send(vec![named(0, &first.etag)]).await), "InvalidArgument");
    assert_eq!(code(send(vec![named(10_001, &first.etag)]).await), "InvalidArgument");
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
    let sent = |number, algorithm| {
        let mut input = s3.part_input("key", &id, number, b"x");
        input.expect.checksum = ExpectChecksum::Compute(algorithm);
        s3.objects.upload_part(input)
    };
    let part = sent(1, ChecksumAlgorithm::Sha256).await.unwrap();
    assert_eq!(part.put.checksum.as_ref(), Some(&part.checksum));
    assert_eq!(part.checksum.algorithm, ChecksumAlgorithm::Sha256);
    assert_eq!(code(sent(2, ChecksumAlgorithm::Crc32).await), "InvalidRequest");
    // A composite is made of what clients say about the parts.
    assert_eq!(code(s3.part("key", &id, 2, b"x").await), "InvalidRequest");
    let unsaid = vec![named(1, &part.put.etag)];
    assert_eq!(code(s3.objects.complete_upload(complete(&id, unsaid.clone())).await), "InvalidRequest");
    let checksum = Some(ChecksumValue { algorithm: ChecksumAlgorithm::Sha256, value: part.checksum.value });
    let said = vec![CompletedPart { checksum, ..unsaid[0].clone() }];
    assert!(s3.objects.complete_upload(complete(&id, said.clone())).await.unwrap().checksum.unwrap().composite);
    assert_eq!(code(s3.objects.complete_upload(complete(&id, unsaid)).await), "InvalidRequest");
    assert!(s3.objects.complete_upload(complete(&id, said)).await.is_ok());

    let full = |algorithm| CreateUploadInput {
        bucket: "bucket".into(),
        key: "key".into(),
        checksum: Some(algorithm),
        composite: Some(false),
        ..CreateUploadInput::default()
    };
    assert_eq!(code(s3.objects.create_upload(full(ChecksumAlgorithm::Sha256)).await), "InvalidRequest");
    // Where the server combines them it may compute them, too.
    let id = format_upload_id(s3.objects.create_upload(full(ChecksumAlgorithm::Crc32)).await.unwrap().upload);
    let part = s3.part("key", &id, 1, b"123456789").await.unwrap();
    let object = s3.objects.complete_upload(complete(&id, vec![named(1, &part.etag)])).await.unwrap();
    assert_eq!(object.checksum.map(|checksum| hex::encode(checksum.value)).as_deref(), Some("cbf43926"));
}

#[tokio::test]
async fn an_upload_without_an_algorithm_ends_with_a_crc64nvme_of_the_object() {
    let s3 = S3::new();
    let (a, b) = (bytes(PART, 1), bytes(1000, 2));
    let id = s3.create_upload("key", None).await.unwrap();
    let mut parts = Vec::new();
    for (number, body, algorithm) in [(1, &a, ChecksumAlgorithm::Crc32), (2, &b, ChecksumAlgorithm::Sha1)] {
        let mut input = s3.part_input("key", &id, number.into(), body);
        input.expect.checksum = ExpectChecksum::Compute(algorithm);
        let part = s3.objects.upload_part(input).await.unwrap();
        assert_eq!(part.checksum.algorithm, algorithm);
        assert_eq!(part.put.checksum.unwrap().algorithm, ChecksumAlgorithm::Crc64Nvme);
        // What the client was told of the part is what it names it with.
        let checksum = Some(ChecksumValue { algorithm, value: part.checksum.value });
        parts.push(CompletedPart { checksum, ..named(number, &part.put.etag) });
    }
    let checksum = s3.objects.complete_upload(complete(&id, parts)).await.unwrap().checksum;
    assert_eq!(checksum, s3.put("other", &[a, b].concat()).await.unwrap().checksum);
    assert!(checksum.is_some_and(|checksum| checksum.algorithm == ChecksumAlgorithm::Crc64Nvme && !checksum.composite));
    let id = s3.create_upload("key", None).await.unwrap();
    let mut input = s3.part_input("key", &id, 1, b"x");
    input.expect.checksum = ExpectChecksum::Compute(ChecksumAlgorithm::XxHash3);
    assert_eq!(code(s3.objects.upload_part(input).await), "InvalidRequest");
}

#[tokio::test]
async fn completing_again_answers_again_as_long_as_the_object_is_there() {
    let s3 = S3::new();
    let id = s3.create_upload("key", None).await.unwrap();
    let (a, b) = (bytes(PART, 1), bytes(1000, 2));
    let first = s3.part("key", &id, 1, &a).await.unwrap();
    let last = s3.part("key", &id, 3, &b).await.unwrap();
    let parts = vec![named(1, &first.etag), named(3, &last.etag)];
    let mut input = complete(&id, parts.clone());
    input.conditions.if_none_match = Some(EtagPattern::Any);
    let send = |input: &CompleteInput| s3.objects.complete_upload(input.clone());
    let object = send(&input).await.unwrap();
    // Its condition held then.
    assert_eq!(send(&input).await, Ok(object.clone()));
    let stop = std::sync::atomic::AtomicBool::new(false);
    let optimized = s3.objects.store().optimize(&OptimizeOptions::default(), &stop, &mut |_| ()).unwrap();
    assert_eq!(optimized.objects, 1);
    assert_eq!(send(&input).await.map(|again| again.version), Ok(object.version));

    let other = |parts| send_code(&s3, complete(&id, parts));
    assert_eq!(other(vec![parts[0].clone()]).await, "NoSuchUpload");
    assert_eq!(other(vec![parts[0].clone(), named(3, &first.etag)]).await, "NoSuchUpload");
    assert_eq!(other(vec![parts[1].clone(), parts[0].clone()]).await, "InvalidPartOrder");
    assert_eq!(send_code(&s3, CompleteInput { object_size: Some(1), ..input.clone() }).await, "InvalidRequest");
    assert_eq!(send_code(&s3, CompleteInput { key: "other".into(), ..input.clone() }).await, "NoSuchUpload");

    // A copy is not what the upload was completed to, onto itself neither.
    let copy = CopyInput {
        source: CopySource { bucket: "bucket".into(), key: "key".into(), ..CopySource::default() },
        bucket: "bucket".into(),
        key: "key".into(),
        metadata: MetadataDirective::Replace(Metadata::default()),
        tagging: TaggingDirective::Copy,
        storage_class: None,
        website_redirect: None,
        checksum: None,
        conditions: WriteConditions::default(),
    };
    s3.objects.copy_object(copy).await.unwrap();
    assert_eq!(send_code(&s3, input.clone()).await, "NoSuchUpload");

    let id = s3.create_upload("key", None).await.unwrap();
    let part = s3.part("key", &id, 1, b"x").await.unwrap();
    let input = complete(&id, vec![named(1, &part.etag)]);
    send(&input).await.unwrap();
    s3.delete("key").await.unwrap();
    assert_eq!(send_code(&s3, input).await, "NoSuchUpload");
}

async fn send_code(s3: &S3, input: CompleteInput) -> &'static str {
    code(s3.objects.complete_upload(input).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn completing_twice_at_the_same_time_is_completing_once() {
    let s3 = S3::new();
    for round in 0..40u8 {
        let id = s3.create_upload("key", None).await.unwrap();
        let part = s3.part("key", &id, 1, &[round]).await.unwrap();
        let mut input = complete(&id, vec![named(1, &part.etag)]);
        let current = s3.get_with(s3.get_input("key")).await.ok().map(|(head, _)| head.version.etag);
        input.conditions = match &current {
            Some(etag) => WriteConditions { if_match: Some(EtagPattern::parse(etag)), ..WriteConditions::default() },
            None => WriteConditions { if_none_match: Some(EtagPattern::Any), ..WriteConditions::default() },
        };
        let sent = (0..4).map(|_| {
            let (objects, input) = (s3.objects.clone(), input.clone());
            tokio::spawn(async move { objects.complete_upload(input).await })
        });
        let answers = futures::future::join_all(sent).await;
        let versions: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().unwrap().version).collect();
        assert!(versions.iter().all(|version| *version == versions[0]), "{versions:?}");
        assert_eq!(s3.get("key").await.unwrap(), [round]);
    }
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
