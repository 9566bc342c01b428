//! CompleteMultipartUpload.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deltastore_format::{Checksum, ChecksumAlgorithm, PartInfo, PartPut, Sequence, StorageType, UploadPut, VersionPut};
use md5::{Digest as _, Md5};

use crate::object::bucket::remove_upload;
use crate::object::checksum::{self, ChecksumValue};
use crate::object::condition::{WriteConditions, bare_etag};
use crate::object::content::{commit, concat};
use crate::object::error::ObjectError;
use crate::object::{MAX_OBJECT_SIZE, MAX_PARTS, Objects, write};
use crate::store::Index;
use crate::store::bugs::Bug;
use crate::store::{Content, Touch};

/// A part as the request names it.
#[derive(Clone, Debug)]
pub struct CompletedPart {
    pub number: i32,
    /// With or without quotes.
    pub etag: String,
    pub checksum: Option<ChecksumValue>,
}

/// A CompleteMultipartUpload.
#[derive(Clone, Debug)]
pub struct CompleteInput {
    pub bucket: String,
    pub key: String,
    pub upload_id: String,
    pub parts: Vec<CompletedPart>,
    /// `x-amz-checksum-*` of the request: the object's algorithm and Base64 value as sent, `-N` allowed for a composite.
    pub checksum: Option<(ChecksumAlgorithm, String)>,
    /// `x-amz-checksum-type`: true for COMPOSITE, false for FULL_OBJECT; must be the upload's.
    pub composite: Option<bool>,
    /// `x-amz-mp-object-size`
    pub object_size: Option<u64>,
    pub conditions: WriteConditions,
}

impl Objects {
    /// Makes an object of an upload's parts, moving no data.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchUpload`, `MalformedXml`, `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`, `EntityTooLarge`,
    /// `BadDigest`, `InvalidRequest`; `PreconditionFailed` and `NoSuchKey` of its conditions; `StorageFull`, `ReadOnly`.
    pub async fn complete_upload(&self, input: CompleteInput) -> Result<VersionPut, ObjectError> {
        let upload = self.find_upload(&input.bucket, &input.key, &input.upload_id)?;
        let conditions = input.conditions.clone();
        if !conditions.is_empty() {
            let current = write::current(self.store.index(), upload.bucket, &upload.key)?;
            conditions.check(&upload.key, current.as_ref().map(|row| &row.put))?;
        }
        let named = upload.clone();
        let parts = self.blocking(move |objects| {
            let parts = named_parts(objects.store.index(), &named, &input.parts)?;
            let put = assemble(&named, &parts, &input, objects.min_part)?;
            Ok((parts, put))
        });
        let (parts, mut put) = parts.await?;
        let mut pieces: Vec<_> = parts.iter().map(|part| (part.recipe.clone(), 0..part.size)).collect();
        if self.store.bugs().has(Bug::PartsOutOfOrder) {
            pieces.reverse();
        }
        let content = match concat(&self.store, pieces).await {
            Ok(content) => content,
            Err(error) => {
                // Its windows may be gone because it was just completed or aborted.
                write::upload(self.store.index(), upload.bucket, &upload.key, upload.upload)?;
                return Err(error.into());
            }
        };
        put.recipe = content.recipe().clone();
        put.stored_bytes = put.stored_bytes.saturating_add(content.stored_bytes());
        let (id, several) = (upload.upload, parts.len() > 1);
        let numbers = parts.iter().map(|part| (part.number, part.part)).collect();
        let put = self.commit_object(upload, numbers, content, conditions, put).await?;
        // Only now: a refused completion leaves the upload, which may be completed later.
        if self.cut_off.take(id) && several {
            self.store.join_soon(&put);
        }
        Ok(put)
    }

    async fn commit_object(
        &self,
        upload: UploadPut,
        parts: Vec<(u16, Sequence)>,
        content: Content,
        conditions: WriteConditions,
        put: VersionPut,
    ) -> Result<VersionPut, ObjectError> {
        let touches = vec![Touch::Key(upload.bucket, upload.key.clone()), Touch::Upload(upload.bucket, upload.upload)];
        let committed = commit(&self.store, touches, vec![content], move |tx| {
            let index = tx.index();
            let row = write::upload(index, upload.bucket, &upload.key, upload.upload)?;
            for (number, part) in parts {
                if index.part(upload.upload, number)?.is_none_or(|row| row.put.part != part) {
                    return Err(ObjectError::InvalidPart { number, reason: "it was uploaded again meanwhile" });
                }
            }
            let put = write::put_version(tx, &conditions, put)?;
            remove_upload(tx, &row)?;
            Ok(put)
        });
        Ok(committed.await?)
    }
}

/// The parts that the request names, checked against what was uploaded.
fn named_parts(index: &Index, upload: &UploadPut, named: &[CompletedPart]) -> Result<Vec<PartPut>, ObjectError> {
    if named.is_empty() || named.len() > usize::from(MAX_PARTS) {
        return Err(ObjectError::MalformedXml(format!("{} parts, 1 to {MAX_PARTS} are allowed", named.len())));
    }
    if !named.is_sorted_by(|a, b| a.number < b.number) {
        return Err(ObjectError::InvalidPartOrder);
    }
    named.iter().map(|named| find_part(index, upload, named)).collect()
}

fn find_part(index: &Index, upload: &UploadPut, named: &CompletedPart) -> Result<PartPut, ObjectError> {
    let invalid = |number, reason| ObjectError::InvalidPart { number, reason };
    let number = u16::try_from(named.number).map_err(|_| invalid(0, "there is no such part number"))?;
    let part = index.part(upload.upload, number)?.ok_or_else(|| invalid(number, "it was not uploaded"))?.put;
    if part.etag != bare_etag(&named.etag) {
        return Err(invalid(number, "its ETag is another"));
    }
    if let (Some(expected), Some(found)) = (&named.checksum, &part.checksum)
        && (expected.algorithm != found.algorithm || expected.value != found.value)
    {
        return Err(invalid(number, "its checksum is another"));
    }
    Ok(part)
}

/// The object that the parts make, all but its recipe.
fn assemble(
    upload: &UploadPut,
    parts: &[PartPut],
    input: &CompleteInput,
    min_part: u64,
) -> Result<VersionPut, ObjectError> {
    let size = parts.iter().fold(0u64, |sum, part| sum.saturating_add(part.size));
    if let Some(expected) = input.object_size.filter(|expected| *expected != size) {
        let text = format!("the object has {size} bytes, x-amz-mp-object-size says {expected}");
        return Err(ObjectError::InvalidRequest(text));
    }
    let but_last = &parts[..parts.len().saturating_sub(1)];
    if let Some(part) = but_last.iter().find(|part| part.size < min_part) {
        return Err(ObjectError::EntityTooSmall { number: part.number, size: part.size, min: min_part });
    }
    if size > MAX_OBJECT_SIZE {
        return Err(ObjectError::EntityTooLarge { size, max: MAX_OBJECT_SIZE });
    }
    let checksum = object_checksum(upload, parts);
    check_promised(upload, checksum.as_ref(), parts.len(), input)?;
    Ok(VersionPut {
        bucket: upload.bucket,
        key: upload.key.clone(),
        version: write::UNNUMBERED,
        null_version: true,
        delete_marker: false,
        modified_ms: 0,
        size,
        etag: multipart_etag(parts)?,
        metadata: upload.metadata.clone(),
        checksum,
        // Numbered anew, because readers ask for parts 1 to the count.
        parts: (1..).zip(parts).map(|(number, part)| part_info(number, part)).collect(),
        storage_type: storage_type(parts),
        stored_bytes: parts.iter().fold(0, |sum, part| sum.saturating_add(part.stored_bytes)),
        recipe: Default::default(),
        optimized: false,
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
fn multipart_etag(parts: &[PartPut]) -> Result<String, ObjectError> {
    let mut digest = Md5::new();
    for part in parts {
        let md5 = hex::decode(&part.etag)
            .map_err(|_| ObjectError::Internal(format!("part {} has the ETag {:?}", part.number, part.etag)))?;
        digest.update(md5);
    }
    Ok(format!("{}-{}", hex::encode(digest.finalize()), parts.len()))
}

/// The object's checksum from its parts'; none where they do not all have one of the upload's algorithm.
fn object_checksum(upload: &UploadPut, parts: &[PartPut]) -> Option<Checksum> {
    let (algorithm, composite) = upload.checksum.unwrap_or((ChecksumAlgorithm::Crc64Nvme, false));
    let values: Vec<&[u8]> = parts
        .iter()
        .map(|part| part.checksum.as_ref().filter(|sum| sum.algorithm == algorithm).map(|sum| sum.value.as_slice()))
        .collect::<Option<_>>()?;
    let value = if composite {
        checksum::composite(algorithm, values)
    } else {
        checksum::combine(algorithm, values.into_iter().zip(parts.iter().map(|part| part.size)))?
    };
    Some(value.stored(composite))
}

/// # Errors
/// `BadDigest`; `InvalidRequest` where the request names another algorithm or type than the upload has.
fn check_promised(
    upload: &UploadPut,
    found: Option<&Checksum>,
    parts: usize,
    input: &CompleteInput,
) -> Result<(), ObjectError> {
    if let (Some((algorithm, is)), Some(asked)) = (upload.checksum, input.composite)
        && is != asked
    {
        return Err(ObjectError::InvalidRequest(format!(
            "the upload was created with the {} checksum mode of {}, the complete request must use the same",
            checksum::type_name(is),
            checksum::name(algorithm)
        )));
    }
    let Some((algorithm, text)) = &input.checksum else { return Ok(()) };
    let Some(found) = found.filter(|found| found.algorithm == *algorithm) else {
        let text = format!("the upload has no {} checksum to compare with", checksum::name(*algorithm));
        return Err(ObjectError::InvalidRequest(text));
    };
    let (base64, count) = text.split_once('-').map_or((text.as_str(), None), |(base64, count)| (base64, Some(count)));
    let expected = ChecksumValue::parse(*algorithm, base64)?;
    let counted = count.is_none_or(|count| found.composite && count.parse() == Ok(parts));
    if expected.value != found.value || !counted {
        return Err(ObjectError::BadDigest {
            what: checksum::name(*algorithm),
            expected: text.clone(),
            found: if found.composite { checksum::header_value(found, parts) } else { STANDARD.encode(&found.value) },
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
