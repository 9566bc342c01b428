//! Multipart uploads: create, abort, list.

use deltastore_format::{ChecksumAlgorithm, Metadata, Op, UploadId, UploadPut};

use crate::object::bucket::remove_upload;
use crate::object::content::commit;
use crate::object::error::ObjectError;
use crate::object::identity::{format_upload_id, parse_upload_id};
use crate::object::list::page_limit;
use crate::object::name::check_key;
use crate::object::{Objects, checksum, metadata, token, write};
use crate::store::Touch;
use crate::store::{After, ListEntry, ListQuery};

/// A CreateMultipartUpload.
#[derive(Clone, Debug, Default)]
pub struct CreateUploadInput {
    pub bucket: String,
    pub key: String,
    pub metadata: Metadata,
    /// `x-amz-checksum-algorithm`
    pub checksum: Option<ChecksumAlgorithm>,
    /// `x-amz-checksum-type`: true for COMPOSITE, false for FULL_OBJECT.
    pub composite: Option<bool>,
}

/// A ListMultipartUploads. Empty texts are like absent ones.
#[derive(Clone, Debug, Default)]
pub struct ListUploadsInput {
    pub bucket: String,
    pub prefix: String,
    pub delimiter: String,
    pub key_marker: String,
    /// Ignored without `key_marker`.
    pub upload_id_marker: String,
    pub max_uploads: Option<i32>,
}

/// A page of uploads, by key and then by age.
#[derive(Clone, Debug, Default)]
pub struct ListUploadsOutput {
    pub uploads: Vec<UploadPut>,
    pub prefixes: Vec<String>,
    pub max_uploads: usize,
    pub truncated: bool,
    pub next_key_marker: Option<String>,
    pub next_upload_id_marker: Option<String>,
}

impl Objects {
    /// # Errors
    /// `NoSuchBucket`, `KeyTooLong`, `MetadataTooLarge`, `InvalidTag`; `InvalidRequest` for a checksum type that the
    /// algorithm does not have.
    pub async fn create_upload(&self, input: CreateUploadInput) -> Result<UploadPut, ObjectError> {
        let CreateUploadInput { bucket, key, metadata, checksum, composite } = input;
        check_key(&key)?;
        metadata::check(&metadata)?;
        let checksum = match (checksum, composite) {
            (Some(algorithm), composite) => Some((algorithm, checksum::upload_type(algorithm, composite)?)),
            (None, None) => None,
            (None, Some(_)) => {
                let text = "x-amz-checksum-type is only for uploads with x-amz-checksum-algorithm";
                return Err(ObjectError::InvalidRequest(text.into()));
            }
        };
        let bucket = self.bucket_id(&bucket)?;
        let touches = vec![Touch::Key(bucket, key.clone())];
        let created = commit(&self.store, touches, Vec::new(), move |tx| {
            write::check_bucket(tx.index(), bucket)?;
            let upload = UploadId(tx.next_sequence().0);
            let put = UploadPut { upload, bucket, key, started_ms: tx.now_ms(), metadata, checksum };
            tx.push(Op::put(put.clone(), Vec::new()));
            Ok(put)
        });
        Ok(created.await?)
    }

    /// # Errors
    /// `NoSuchBucket`, `NoSuchUpload`.
    pub async fn abort_upload(&self, bucket: &str, key: &str, upload_id: &str) -> Result<(), ObjectError> {
        let bucket = self.bucket_id(bucket)?;
        let upload = parse_upload_id(upload_id)?;
        let key = key.to_owned();
        let touches = vec![Touch::Upload(bucket, upload)];
        let aborted = commit(&self.store, touches, Vec::new(), move |tx| {
            let row = write::upload(tx.index(), bucket, &key, upload)?;
            remove_upload(tx, &row)
        });
        aborted.await?;
        self.truncated.take(upload);
        Ok(())
    }

    /// # Errors
    /// `NoSuchBucket`, `InvalidArgument`.
    pub async fn list_uploads(&self, input: ListUploadsInput) -> Result<ListUploadsOutput, ObjectError> {
        self.blocking(move |objects| objects.uploads_page(&input)).await
    }

    fn uploads_page(&self, input: &ListUploadsInput) -> Result<ListUploadsOutput, ObjectError> {
        let max_uploads = page_limit("max-uploads", input.max_uploads)?;
        let bucket = self.bucket_id(&input.bucket)?;
        let query = ListQuery {
            prefix: input.prefix.clone(),
            delimiter: Some(input.delimiter.clone()).filter(|delimiter| !delimiter.is_empty()),
            after: uploads_after(input)?,
            max: max_uploads,
        };
        let page = self.store.index().list_uploads(bucket, &query)?;
        let mut output = ListUploadsOutput { max_uploads, truncated: page.truncated, ..ListUploadsOutput::default() };
        if let Some(next) = &page.next {
            output.next_key_marker = Some(token::marker(next).to_owned());
            output.next_upload_id_marker = Some(match next {
                After::Upload(_, upload) => format_upload_id(*upload),
                _ => String::new(),
            });
        }
        for entry in page.entries {
            match entry {
                ListEntry::Object(row) => output.uploads.push(row.put),
                ListEntry::CommonPrefix(prefix) => output.prefixes.push(prefix),
            }
        }
        Ok(output)
    }
}

fn uploads_after(input: &ListUploadsInput) -> Result<Option<After>, ObjectError> {
    if input.key_marker.is_empty() || input.upload_id_marker.is_empty() {
        return Ok(token::from_marker(&input.key_marker, &input.prefix, &input.delimiter));
    }
    let upload = parse_upload_id(&input.upload_id_marker)
        .map_err(|_| ObjectError::InvalidArgument("invalid uploadId marker".into()))?;
    Ok(Some(After::Upload(input.key_marker.clone(), upload)))
}
