//! Assembling objects from parts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deltastore_format::{Metadata, Recipe, StorageType};
use md5::{Digest as _, Md5};
use sha2::Sha256;

use super::assemble::object_checksum;
use super::*;
use crate::object::checksum::ChecksumValue;
use crate::object::digest::composite;
use crate::object::{MAX_OBJECT_SIZE, MIN_PART_SIZE, checksum};

const PART: usize = MIN_PART_SIZE as usize;

fn upload(checksum: Option<(ChecksumAlgorithm, bool)>) -> UploadPut {
    let (upload, bucket) = (UploadId(7), BucketId(1));
    UploadPut { upload, bucket, key: "k".into(), started_ms: 0, metadata: Metadata::default(), checksum }
}

fn part(number: u16, algorithm: ChecksumAlgorithm, bytes: &[u8]) -> PartPut {
    PartPut {
        upload: UploadId(7),
        number,
        part: Sequence(u64::from(number)),
        modified_ms: 0,
        size: bytes.len() as u64,
        etag: hex::encode(Md5::digest(bytes)),
        checksum: Some(composite(algorithm, [bytes]).stored(false)),
        storage_type: StorageType::Reference,
        stored_bytes: 10,
        recipe: Recipe::default(),
    }
}

fn request() -> CompleteInput {
    CompleteInput {
        bucket: "b".into(),
        key: "k".into(),
        upload_id: String::new(),
        parts: Vec::new(),
        checksum: None,
        composite: None,
        object_size: None,
        conditions: WriteConditions::default(),
    }
}

fn bytes(len: usize, seed: u32) -> Vec<u8> {
    (0..len as u32).map(|i| ((i ^ seed).wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

#[test]
fn etag_size_parts_and_statistics() {
    let (a, b) = (bytes(PART, 1), bytes(3, 2));
    let algorithm = ChecksumAlgorithm::Crc64Nvme;
    let mut parts = [part(2, algorithm, &a), part(9, algorithm, &b)];
    parts[1].storage_type = StorageType::Delta;
    let object = assemble(&upload(None), &parts, &request(), MIN_PART_SIZE).unwrap();
    let md5s = [Md5::digest(&a), Md5::digest(&b)].concat();
    assert_eq!(object.etag, format!("{}-2", hex::encode(Md5::digest(md5s))));
    assert_eq!((object.size, object.stored_bytes, object.storage_type), (PART as u64 + 3, 20, StorageType::Delta));
    assert_eq!(
        object.parts.iter().map(|part| (part.number, part.size)).collect::<Vec<_>>(),
        [(1, PART as u64), (2, 3)]
    );
    let whole = composite(algorithm, [[a, b].concat().as_slice()]);
    assert_eq!(object.checksum, Some(whole.stored(false)));
}

#[test]
fn composite_checksums() {
    let (a, b) = (bytes(PART, 1), bytes(3, 2));
    let algorithm = ChecksumAlgorithm::Sha256;
    let parts = [part(1, algorithm, &a), part(2, algorithm, &b)];
    let expected = STANDARD.encode(Sha256::digest([Sha256::digest(&a), Sha256::digest(&b)].concat()));
    let upload = upload(Some((algorithm, true)));
    let send = |algorithm, text: String, composite| {
        let named =
            parts.iter().map(|part| CompletedPart { number: part.number, etag: part.etag.clone(), checksum: None });
        let input = CompleteInput { parts: named.collect(), checksum: Some((algorithm, text)), composite, ..request() };
        assemble(&upload, &parts, &input, MIN_PART_SIZE).map_err(|error| error.code())
    };
    let object = send(algorithm, expected.clone(), Some(true)).unwrap();
    assert_eq!(checksum::header_value(&object.checksum.unwrap(), 2), format!("{expected}-2"));
    assert!(send(algorithm, format!("{expected}-2"), None).is_ok());
    assert_eq!(send(algorithm, format!("{expected}-3"), None), Err("BadDigest"));
    assert_eq!(send(algorithm, STANDARD.encode([0; 32]), None), Err("BadDigest"));
    assert_eq!(send(algorithm, "?".into(), None), Err("InvalidRequest"));
    assert_eq!(send(algorithm, format!("{expected}-a"), None), Err("InvalidRequest"));
    assert_eq!(send(algorithm, expected.clone(), Some(false)), Err("InvalidRequest"));
    assert_eq!(send(ChecksumAlgorithm::Crc32, "AAAAAA==".into(), None), Err("InvalidRequest"));
}

#[test]
fn full_object_checksums_are_combined() {
    let (a, b) = (bytes(PART, 1), bytes(1000, 2));
    for algorithm in [ChecksumAlgorithm::Crc32, ChecksumAlgorithm::Crc32c, ChecksumAlgorithm::Crc64Nvme] {
        let parts = [part(1, algorithm, &a), part(2, algorithm, &b)];
        let whole = composite(algorithm, [[a.as_slice(), &b].concat().as_slice()]);
        let input = CompleteInput { checksum: Some((algorithm, whole.to_base64())), ..request() };
        let object = assemble(&upload(Some((algorithm, false))), &parts, &input, MIN_PART_SIZE).unwrap();
        assert_eq!(object.checksum, Some(whole.clone().stored(false)));
        let counted = CompleteInput { checksum: Some((algorithm, format!("{}-2", whole.to_base64()))), ..input };
        let code = assemble(&upload(Some((algorithm, false))), &parts, &counted, MIN_PART_SIZE).map_err(|e| e.code());
        assert_eq!(code.map(drop), Err("InvalidRequest"));
    }
}

#[test]
fn part_checksums_by_what_the_upload_was_created_with() {
    use ChecksumAlgorithm::{Crc32, Crc64Nvme, Sha256};
    let value = |algorithm, bytes: &[u8]| composite(algorithm, [bytes]);
    let check = |promised, named: Option<ChecksumValue>, kept: ChecksumAlgorithm| {
        let named = CompletedPart { number: 1, etag: String::new(), checksum: named };
        let kept = value(kept, b"a").stored(false);
        check_checksum(promised, &named, Some(&kept)).map_err(|error| error.code())
    };
    let (composite, whole) = (Some((Sha256, true)), Some((Crc32, false)));
    assert_eq!(check(composite, None, Sha256), Err("InvalidRequest"));
    assert_eq!(check(composite, Some(value(Sha256, b"a")), Sha256), Ok(()));
    assert_eq!(check(composite, Some(value(Sha256, b"b")), Sha256), Err("InvalidPart"));
    assert_eq!(check(composite, Some(value(Crc32, b"a")), Sha256), Err("InvalidPart"));
    assert_eq!(check(whole, None, Crc32), Ok(()));
    assert_eq!(check(whole, Some(value(Crc32, b"b")), Crc32), Err("InvalidPart"));
    assert_eq!(check(None, Some(value(Crc32, b"b")), Crc64Nvme), Ok(()));
    assert_eq!(check(None, Some(value(Crc64Nvme, b"b")), Crc64Nvme), Err("InvalidPart"));
}

#[test]
fn a_part_without_a_fitting_checksum_leaves_the_object_without() {
    let mut parts = [part(1, ChecksumAlgorithm::Crc32, b"a")];
    assert_eq!(object_checksum(&upload(None), &parts), None);
    parts[0].checksum = None;
    assert_eq!(object_checksum(&upload(Some((ChecksumAlgorithm::Crc32, true))), &parts), None);
}

#[test]
fn sizes_are_checked() {
    let algorithm = ChecksumAlgorithm::Crc64Nvme;
    let parts = [part(1, algorithm, b"small"), part(2, algorithm, b"last")];
    let code = |parts: &[PartPut], input: &CompleteInput| {
        assemble(&upload(None), parts, input, MIN_PART_SIZE).map(drop).map_err(|error| error.code())
    };
    assert_eq!(code(&parts, &request()), Err("EntityTooSmall"));
    assert_eq!(code(&parts[..1], &request()), Ok(()));
    let sized = |size| CompleteInput { object_size: Some(size), ..request() };
    assert_eq!(code(&parts[..1], &sized(5)), Ok(()));
    assert_eq!(code(&parts[..1], &sized(6)), Err("InvalidRequest"));
    let mut huge = [parts[0].clone(), parts[1].clone()];
    huge[0].size = MAX_OBJECT_SIZE;
    assert_eq!(code(&huge, &request()), Err("EntityTooLarge"));
}
