//! CompleteMultipartUpload.
//!
//! A request that comes twice is answered twice alike, also at the same time: the version remembers the upload that
//! made it, so whoever finds the upload gone looks there. That holds as long as the version is the current one.

mod assemble;
mod input;

use deltastore_format::{BucketId, Checksum, ChecksumAlgorithm, PartPut, Sequence, UploadId, UploadPut, VersionPut};

use assemble::{assemble, check_promised, multipart_etag};
pub use input::{CompleteInput, CompletedPart};

use crate::object::bucket::remove_upload;
use crate::object::condition::{WriteConditions, bare_etag};
use crate::object::content::{commit, concat};
use crate::object::error::ObjectError;
use crate::object::identity::parse_upload_id;
use crate::object::{MAX_PARTS, Objects, write};
use crate::store::Index;
use crate::store::bugs::Bug;
use crate::store::{Content, Touch};

impl Objects {
    /// Makes an object of an upload's parts, moving no data. An upload that was completed to the current version
    /// answers it again, to whoever names the same parts.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchUpload`, `MalformedXml`, `InvalidArgument`, `InvalidPart`, `InvalidPartOrder`,
    /// `EntityTooSmall`, `EntityTooLarge`, `BadDigest`, `InvalidRequest`; `PreconditionFailed` and `NoSuchKey` of its
    /// conditions; `StorageFull`, `ReadOnly`.
    pub async fn complete_upload(&self, input: CompleteInput) -> Result<VersionPut, ObjectError> {
        check_numbers(&input.parts)?;
        let (bucket, id) = (self.bucket_id(&input.bucket)?, parse_upload_id(&input.upload_id)?);
        let error = match self.complete(bucket, id, &input).await {
            Ok(put) => return Ok(put),
            Err(error) => error,
        };
        // It may have ended just now, under this request: then what went wrong follows from that.
        match write::upload(self.store.index(), bucket, &input.key, id) {
            Ok(_) => Err(error),
            Err(gone @ ObjectError::NoSuchUpload { .. }) => self.completed(bucket, id, &input)?.ok_or(gone),
            Err(other) => Err(other),
        }
    }

    async fn complete(&self, bucket: BucketId, id: UploadId, input: &CompleteInput) -> Result<VersionPut, ObjectError> {
        let upload = write::upload(self.store.index(), bucket, &input.key, id)?.put;
        let conditions = input.conditions.clone();
        if !conditions.is_empty() {
            let current = write::current(self.store.index(), bucket, &upload.key)?;
            conditions.check(&upload.key, current.as_ref().map(|row| &row.put))?;
        }
        let (named, request) = (upload.clone(), input.clone());
        let parts = self.blocking(move |objects| {
            let parts = named_parts(objects.store.index(), &named, &request.parts)?;
            let put = assemble(&named, &parts, &request, objects.min_part)?;
            Ok((parts, put))
        });
        let (parts, mut put) = parts.await?;
        if self.store.bugs().has(Bug::CompletedForgetsUpload) {
            put.upload = None;
        }
        let mut pieces: Vec<_> = parts.iter().map(|part| (part.recipe.clone(), 0..part.size)).collect();
        if self.store.bugs().has(Bug::PartsOutOfOrder) {
            pieces.reverse();
        }
        // Its windows may be gone because the upload was just completed or aborted.
        let content = concat(&self.store, pieces).await?;
        put.recipe = content.recipe().clone();
        put.stored_bytes = put.stored_bytes.saturating_add(content.stored_bytes());
        let several = parts.len() > 1;
        let numbers = parts.iter().map(|part| (part.number, part.part)).collect();
        let put = self.commit_object(upload, numbers, content, conditions, put).await?;
        // Only now: a refused completion leaves the upload, which may be completed later.
        if self.truncated.take(id) && several {
            self.store.rewrite_soon(&put);
        }
        Ok(put)
    }

    /// The current version, if this upload was completed to it with the parts that the request names. Conditions held
    /// when it was completed, so they are not asked again.
    fn completed(
        &self,
        bucket: BucketId,
        id: UploadId,
        input: &CompleteInput,
    ) -> Result<Option<VersionPut>, ObjectError> {
        let Some(row) = write::current(self.store.index(), bucket, &input.key)? else { return Ok(None) };
        let put = row.put;
        // The numbers of the parts are no longer known, but the object's ETag is made of theirs.
        let etag = multipart_etag(input.parts.iter().map(|part| bare_etag(&part.etag)));
        if put.upload != Some(id) || etag.ok().as_ref() != Some(&put.etag) {
            return Ok(None);
        }
        // A CRC-64/NVME is what an upload without an algorithm ends with, too.
        let promised = put.checksum.as_ref().map(|checksum| (checksum.algorithm, checksum.composite));
        let promised = promised.filter(|(algorithm, _)| *algorithm != ChecksumAlgorithm::Crc64Nvme);
        for (named, kept) in input.parts.iter().zip(&put.parts) {
            check_checksum(promised, named, kept.checksum.as_ref())?;
        }
        check_promised(promised, put.checksum.as_ref(), put.size, input)?;
        Ok(Some(put))
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

/// That the request names parts as it must, whatever was uploaded.
///
/// # Errors
/// `MalformedXml`, `InvalidArgument`, `InvalidPartOrder`.
fn check_numbers(named: &[CompletedPart]) -> Result<(), ObjectError> {
    if named.is_empty() || named.len() > usize::from(MAX_PARTS) {
        return Err(ObjectError::MalformedXml(format!("{} parts, 1 to {MAX_PARTS} are allowed", named.len())));
    }
    if named.iter().any(|part| part.number == 0 || part.number > MAX_PARTS) {
        let text = format!("Part number must be an integer between 1 and {MAX_PARTS}, inclusive");
        return Err(ObjectError::InvalidArgument(text));
    }
    if !named.is_sorted_by(|a, b| a.number < b.number) {
        return Err(ObjectError::InvalidPartOrder);
    }
    Ok(())
}

/// The parts that the request names, checked against what was uploaded.
fn named_parts(index: &Index, upload: &UploadPut, named: &[CompletedPart]) -> Result<Vec<PartPut>, ObjectError> {
    named.iter().map(|named| find_part(index, upload, named)).collect()
}

fn find_part(index: &Index, upload: &UploadPut, named: &CompletedPart) -> Result<PartPut, ObjectError> {
    let invalid = |reason| ObjectError::InvalidPart { number: named.number, reason };
    let part = index.part(upload.upload, named.number)?.ok_or_else(|| invalid("it was not uploaded"))?.put;
    if part.etag != bare_etag(&named.etag) {
        return Err(invalid("its ETag is another"));
    }
    check_checksum(upload.checksum, named, part.checksum.as_ref())?;
    Ok(part)
}

/// The checksum with which a part is named against the one that it is kept with. `promised` is what the upload was
/// created with: without, a part is kept with a CRC-64/NVME, and what the client got for it may be another, which says
/// no more than its ETag.
///
/// # Errors
/// `InvalidRequest` where a composite upload's part is named without; `InvalidPart`.
fn check_checksum(
    promised: Option<(ChecksumAlgorithm, bool)>,
    named: &CompletedPart,
    kept: Option<&Checksum>,
) -> Result<(), ObjectError> {
    let differs = match (&named.checksum, kept) {
        (None, _) => match promised {
            Some((algorithm, true)) => {
                return Err(ObjectError::InvalidRequest(format!(
                    "The upload was created using a {} checksum. The complete request must include the checksum for each \
                     part. It was missing for part {} in the request.",
                    algorithm.name().to_ascii_lowercase(),
                    named.number
                )));
            }
            _ => false,
        },
        (Some(expected), Some(kept)) if expected.algorithm == kept.algorithm => expected.value != kept.value,
        (Some(_), _) => promised.is_some(),
    };
    if differs {
        return Err(ObjectError::InvalidPart { number: named.number, reason: "its checksum is another" });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
