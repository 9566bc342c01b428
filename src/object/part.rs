//! Parts of multipart uploads: upload, copy, list.

use std::ops::Range;

use deltastore_format::{Checksum, ChecksumAlgorithm, Op, PartPut, UploadPut, VersionPut};
use md5::{Digest as _, Md5};

use crate::object::body::{Body, Expect, Promises};
use crate::object::content::{Commit, StoredBody, commit, concat, store_body};
use crate::object::copy::CopySource;
use crate::object::digest::Digests;
use crate::object::error::ObjectError;
use crate::object::identity::parse_upload_id;
use crate::object::list::{page_limit, part_marker};
use crate::object::{MAX_BODY_SIZE, MAX_PARTS, Objects, checksum, write};
use crate::store::bugs::Bug;
use crate::store::{Content, Space, Touch, Transaction};

/// An UploadPart.
pub struct UploadPartInput {
    pub bucket: String,
    pub key: String,
    pub upload_id: String,
    pub number: i32,
    pub body: Body,
    pub expect: Expect,
}

/// An UploadPartCopy.
#[derive(Clone, Debug)]
pub struct UploadPartCopyInput {
    pub bucket: String,
    pub key: String,
    pub upload_id: String,
    pub number: i32,
    pub source: CopySource,
    /// `x-amz-copy-source-range`: first and last byte, both included.
    pub range: Option<(u64, u64)>,
}

/// A ListParts.
#[derive(Clone, Debug, Default)]
pub struct ListPartsInput {
    pub bucket: String,
    pub key: String,
    pub upload_id: String,
    /// Parts above this number.
    pub part_number_marker: Option<i32>,
    pub max_parts: Option<i32>,
}

/// What an UploadPart did.
#[derive(Clone, Debug)]
pub struct UploadedPart {
    pub put: PartPut,
    /// That of the request, for its answer; the part may be kept with another.
    pub checksum: Checksum,
}

/// A page of parts by number.
#[derive(Clone, Debug)]
pub struct ListPartsOutput {
    pub upload: UploadPut,
    pub parts: Vec<PartPut>,
    pub max_parts: usize,
    pub truncated: bool,
    pub next_part_number_marker: Option<u16>,
}

impl Objects {
    /// Stores a part, in place of one with the same number. It is kept with a checksum of the upload's algorithm, or
    /// with a CRC-64/NVME where the upload has none, whatever the request names: that of the object is made of them.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchUpload`, `InvalidArgument`; `InvalidRequest` for a checksum that does not suit the
    /// upload; those of [`Objects::put_object`] for its body.
    pub async fn upload_part(&self, input: UploadPartInput) -> Result<UploadedPart, ObjectError> {
        let number = part_number(input.number)?;
        let upload = self.find_upload(&input.bucket, &input.key, &input.upload_id)?;
        check_suits(&upload, input.expect.checksum.algorithm())?;
        let kept = part_algorithm(&upload);
        let promises = Promises::new(input.expect, kept)?;
        let body = promises.bound(input.body);
        let space = Space::of(upload.bucket, &upload.key);
        let digests = promises.digests().keeping(kept);
        let (length, uploads) = (promises.length(), self.truncated.clone());
        let commit = move |stored: StoredBody<Digests>| {
            let StoredBody { content, digest, truncated } = stored;
            if truncated {
                uploads.note(upload.upload);
            }
            let mut found = digest.finish();
            let (etag, kept) = (hex::encode(found.md5), found.kept.take());
            let checksum = promises.verify(found)?;
            let kept = kept.unwrap_or_else(|| checksum.clone()).stored(false);
            let put = put_part(&upload, number, content, etag, Some(kept));
            Ok(put.map(move |put| UploadedPart { put, checksum: checksum.stored(false) }))
        };
        store_body((&self.store, &self.budget, &self.md5s), space, length, body, digests, commit).await
    }

    /// Makes a part of an object's bytes, moving no data. Where neither the source's ETag nor its checksum is that of
    /// the bytes, the ETag is made from the recipe; the bytes are read only if the upload has a checksum algorithm.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`, `NoSuchUpload`, `InvalidArgument`, `EntityTooLarge`;
    /// `PreconditionFailed` of the source.
    pub async fn upload_part_copy(&self, input: UploadPartCopyInput) -> Result<PartPut, ObjectError> {
        let number = part_number(input.number)?;
        let upload = self.find_upload(&input.bucket, &input.key, &input.upload_id)?;
        let mut source = self.find_source(&input.source)?;
        let range = match input.range {
            Some((first, last)) if first <= last && last < source.size => first..last + 1,
            Some(_) => {
                let text = format!("range specified is not valid for source object of size: {}", source.size);
                return Err(ObjectError::InvalidArgument(text));
            }
            None => 0..source.size,
        };
        let size = range.end - range.start;
        if size > MAX_BODY_SIZE {
            return Err(ObjectError::EntityTooLarge { size, max: MAX_BODY_SIZE });
        }
        if self.store.is_to_be_rewritten(source.version) {
            self.truncated.note(upload.upload);
        }
        let (etag, checksum) = self.copied_digests(&upload, &source, &range).await?;
        let content = loop {
            let error = match concat(&self.store, vec![(source.recipe.clone(), range.clone())]).await {
                Ok(content) => break content,
                Err(error) => error,
            };
            let now = self.same_version(&source)?.ok_or(ObjectError::OperationAborted)?;
            if now.recipe == source.recipe {
                return Err(error.into());
            }
            // The optimizer rewrote it.
            source = now;
        };
        let Commit { touches, content, evaluate } = put_part(&upload, number, content, etag, checksum);
        Ok(commit(&self.store, touches, vec![content], evaluate).await?)
    }

    /// # Errors
    /// `NoSuchBucket`, `NoSuchUpload`, `InvalidArgument`.
    pub async fn list_parts(&self, input: ListPartsInput) -> Result<ListPartsOutput, ObjectError> {
        self.blocking(move |objects| objects.parts_page(&input)).await
    }

    fn parts_page(&self, input: &ListPartsInput) -> Result<ListPartsOutput, ObjectError> {
        let max_parts = page_limit("max-parts", input.max_parts)?;
        let after = part_marker(input.part_number_marker)?;
        let upload = self.find_upload(&input.bucket, &input.key, &input.upload_id)?;
        let (rows, truncated) = self.store.index().list_parts(upload.upload, after, max_parts)?;
        let parts: Vec<_> = rows.into_iter().map(|row| row.put).collect();
        let next_part_number_marker = parts.last().filter(|_| truncated).map(|part| part.number);
        Ok(ListPartsOutput { upload, parts, max_parts, truncated, next_part_number_marker })
    }

    /// The upload that a request names.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchUpload`.
    pub(super) fn find_upload(&self, bucket: &str, key: &str, upload_id: &str) -> Result<UploadPut, ObjectError> {
        let bucket = self.bucket_id(bucket)?;
        Ok(write::upload(self.store.index(), bucket, key, parse_upload_id(upload_id)?)?.put)
    }

    /// ETag and checksum of a part that is a slice of an object.
    async fn copied_digests(
        &self,
        upload: &UploadPut,
        source: &VersionPut,
        range: &Range<u64>,
    ) -> Result<(String, Option<Checksum>), ObjectError> {
        let whole = *range == (0..source.size);
        let known = source
            .checksum
            .clone()
            .filter(|checksum| whole && !checksum.composite && checksum.algorithm == part_algorithm(upload));
        if let (Some((algorithm, _)), None) = (upload.checksum, &known) {
            let digests = Digests::new(algorithm);
            let found = self.read_digests(source, range.clone(), digests).await?;
            return Ok((hex::encode(found.md5), Some(found.checksum.stored(false))));
        }
        let etag = if whole && is_md5(&source.etag) { source.etag.clone() } else { slice_etag(source, range) };
        Ok((etag, known))
    }
}

/// The commit that makes content a part.
fn put_part(
    upload: &UploadPut,
    number: u16,
    content: Content,
    etag: String,
    checksum: Option<Checksum>,
) -> Commit<PartPut> {
    let (bucket, id, key) = (upload.bucket, upload.upload, upload.key.clone());
    let mut put = PartPut {
        upload: id,
        number,
        part: write::UNNUMBERED,
        modified_ms: 0,
        size: content.size(),
        etag,
        checksum,
        storage_type: content.storage_type(),
        stored_bytes: content.stored_bytes(),
        recipe: content.recipe().clone(),
    };
    let touches = vec![Touch::Part(bucket, id, number)];
    let evaluate = Box::new(move |tx: &mut Transaction<'_>| {
        let index = tx.index();
        write::upload(index, bucket, &key, id)?;
        let replaced = index.part(id, number)?;
        put.part = tx.next_sequence();
        put.modified_ms = tx.now_ms();
        // In this order: both concern the same number.
        if let Some(row) = replaced.filter(|_| !tx.bugs().has(Bug::ReplacedPartStays)) {
            tx.push(row.removal());
        }
        tx.push(Op::put(put.clone(), Vec::new()));
        Ok(put)
    });
    Commit { touches, content, evaluate }
}

/// # Errors
/// `InvalidArgument`
fn part_number(number: i32) -> Result<u16, ObjectError> {
    match u16::try_from(number) {
        Ok(number) if (1..=MAX_PARTS).contains(&number) => Ok(number),
        _ => Err(ObjectError::InvalidArgument(format!("partNumber must be an integer between 1 and {MAX_PARTS}"))),
    }
}

/// That the checksum of a part's request, by its algorithm, is one that the upload can have.
///
/// # Errors
/// `InvalidRequest`
fn check_suits(upload: &UploadPut, found: Option<ChecksumAlgorithm>) -> Result<(), ObjectError> {
    let text = match (upload.checksum, found) {
        // A composite is as good as what clients say about the parts.
        (Some((expected, true)), None) => mismatch(expected, "null"),
        (Some((expected, _)), Some(found)) if expected != found => {
            mismatch(expected, &found.name().to_ascii_lowercase())
        }
        (None, Some(found)) if checksum::must_be_announced(found) => format!(
            "The upload was created without a checksum algorithm: parts may have {} only if it is named there.",
            found.name()
        ),
        _ => return Ok(()),
    };
    Err(ObjectError::InvalidRequest(text))
}

fn mismatch(expected: ChecksumAlgorithm, found: &str) -> String {
    let expected = expected.name().to_ascii_lowercase();
    format!("Checksum Type mismatch occurred, expected checksum Type: {expected}, actual checksum Type: {found}")
}

/// The algorithm of the checksum that parts are kept with.
fn part_algorithm(upload: &UploadPut) -> ChecksumAlgorithm {
    upload.checksum.map_or(ChecksumAlgorithm::Crc64Nvme, |(algorithm, _)| algorithm)
}

/// Whether an ETag is an MD5, not a multipart object's.
fn is_md5(etag: &str) -> bool {
    etag.len() == 32 && etag.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// In the form of an MD5, since the ETag of a multipart object is made from its parts'; the same for the same windows.
fn slice_etag(source: &VersionPut, range: &Range<u64>) -> String {
    let mut digest = Md5::new();
    for entry in &source.recipe.entries {
        digest.update([entry.kind as u8]);
        digest.update(entry.hash.0);
        digest.update(entry.skip.to_le_bytes());
        digest.update(entry.len.to_le_bytes());
    }
    digest.update(range.start.to_le_bytes());
    digest.update(range.end.to_le_bytes());
    hex::encode(digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::write::tests::version;

    #[test]
    fn numbers_of_parts() {
        assert_eq!(part_number(1), Ok(1));
        assert_eq!(part_number(10_000), Ok(10_000));
        for bad in [0, -1, 10_001, 65_537] {
            assert_eq!(part_number(bad).map_err(|error| error.code()), Err("InvalidArgument"), "{bad}");
        }
    }

    #[test]
    fn etags_of_slices() {
        let object = version("k");
        let etag = slice_etag(&object, &(0..5));
        assert!(is_md5(&etag));
        assert_eq!(etag, slice_etag(&object, &(0..5)));
        assert_ne!(etag, slice_etag(&object, &(0..6)));
        assert!(!is_md5(&format!("{etag}-2")));
    }
}
