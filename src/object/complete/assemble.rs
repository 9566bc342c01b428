//! What the parts of an upload make: size, ETag, checksum, statistics; everything of the object but its recipe.

use deltastore_format::{Checksum, ChecksumAlgorithm, PartInfo, PartPut, StorageType, UploadPut, VersionPut};
use md5::{Digest as _, Md5};

use super::input::CompleteInput;
use crate::object::checksum::{self, ChecksumValue};
use crate::object::error::ObjectError;
use crate::object::{MAX_OBJECT_SIZE, digest, write};

/// The object that the parts make, all but its recipe.
pub(super) fn assemble(
    upload: &UploadPut,
    parts: &[PartPut],
    input: &CompleteInput,
    min_part: u64,
) -> Result<VersionPut, ObjectError> {
    let size = parts.iter().fold(0u64, |sum, part| sum.saturating_add(part.size));
    let but_last = &parts[..parts.len().saturating_sub(1)];
    if let Some(part) = but_last.iter().find(|part| part.size < min_part) {
        return Err(ObjectError::EntityTooSmall { number: part.number, size: part.size, min: min_part });
    }
    if size > MAX_OBJECT_SIZE {
        return Err(ObjectError::EntityTooLarge { size, max: MAX_OBJECT_SIZE });
    }
    let checksum = object_checksum(upload, parts);
    check_promised(upload.checksum, checksum.as_ref(), size, input)?;
    Ok(VersionPut {
        bucket: upload.bucket,
        key: upload.key.clone(),
        version: write::UNNUMBERED,
        null_version: true,
        delete_marker: false,
        modified_ms: 0,
        size,
        etag: multipart_etag(parts.iter().map(|part| part.etag.as_str()))?,
        metadata: upload.metadata.clone(),
        checksum,
        // Numbered anew, because readers ask for parts 1 to the count.
        parts: (1..).zip(parts).map(|(number, part)| part_info(number, part)).collect(),
        storage_type: storage_type(parts),
        stored_bytes: parts.iter().fold(0, |sum, part| sum.saturating_add(part.stored_bytes)),
        recipe: Default::default(),
        optimized: false,
        upload: Some(upload.upload),
    })
}

fn part_info(number: u16, part: &PartPut) -> PartInfo {
    PartInfo { number, size: part.size, checksum: part.checksum.clone() }
}

fn storage_type(parts: &[PartPut]) -> StorageType {
    let all = |kind| parts.iter().all(|part| part.storage_type == kind);
    if parts.iter().any(|part| part.storage_type == StorageType::Delta) {
        StorageType::Delta
    } else if all(StorageType::Passthrough) {
        StorageType::Passthrough
    } else {
        StorageType::Reference
    }
}

/// MD5 of the parts' MD5s, and their number.
///
/// # Errors
/// `Internal` if one is no MD5.
pub(super) fn multipart_etag<'a>(parts: impl IntoIterator<Item = &'a str>) -> Result<String, ObjectError> {
    let (mut digest, mut count) = (Md5::new(), 0);
    for (at, etag) in parts.into_iter().enumerate() {
        let md5 = hex::decode(etag)
            .map_err(|_| ObjectError::Internal(format!("part {} of those named has the ETag {etag:?}", at + 1)))?;
        digest.update(md5);
        count = at + 1;
    }
    Ok(format!("{}-{count}", hex::encode(digest.finalize())))
}

/// The object's checksum from its parts'; none where they do not all have one of the upload's algorithm.
pub(super) fn object_checksum(upload: &UploadPut, parts: &[PartPut]) -> Option<Checksum> {
    let (algorithm, composite) = upload.checksum.unwrap_or((ChecksumAlgorithm::Crc64Nvme, false));
    let values: Vec<&[u8]> = parts
        .iter()
        .map(|part| part.checksum.as_ref().filter(|sum| sum.algorithm == algorithm).map(|sum| sum.value.as_slice()))
        .collect::<Option<_>>()?;
    let value = if composite {
        digest::composite(algorithm, values)
    } else {
        checksum::combine(algorithm, values.into_iter().zip(parts.iter().map(|part| part.size)))?
    };
    Some(value.stored(composite))
}

/// What the request says about the object, against what it is. `promised` is what the upload was created with.
///
/// # Errors
/// `BadDigest`; `InvalidRequest` where the request names another size, algorithm or type.
pub(super) fn check_promised(
    promised: Option<(ChecksumAlgorithm, bool)>,
    found: Option<&Checksum>,
    size: u64,
    input: &CompleteInput,
) -> Result<(), ObjectError> {
    let refused = |text| Err(ObjectError::InvalidRequest(text));
    if let Some(expected) = input.object_size.filter(|expected| *expected != size) {
        return refused(format!("The object has {size} bytes, x-amz-mp-object-size says {expected}."));
    }
    let is = promised.is_some_and(|(_, composite)| composite);
    if input.composite.is_some_and(|asked| asked != is) {
        let name = checksum::type_name(is);
        return refused(format!(
            "The upload was created using the {name} checksum mode. The complete request must use the same checksum mode."
        ));
    }
    let Some((algorithm, text)) = &input.checksum else { return Ok(()) };
    let Some(found) = found.filter(|found| found.algorithm == *algorithm) else {
        return refused(format!("The upload has no {} checksum to compare with.", algorithm.name()));
    };
    let parts = input.parts.len();
    let (base64, count) = match text.split_once('-') {
        Some((base64, count)) => (base64, Some(count.parse::<usize>())),
        None => (text.as_str(), None),
    };
    let expected = ChecksumValue::parse(*algorithm, base64)?;
    let counted = match count {
        None => true,
        Some(Ok(count)) if found.composite => count == parts,
        Some(_) => return Err(checksum::invalid_value(*algorithm)),
    };
    if expected.value != found.value || !counted {
        return Err(ObjectError::BadDigest {
            what: algorithm.name(),
            expected: text.clone(),
            found: checksum::header_value(found, parts),
        });
    }
    Ok(())
}
