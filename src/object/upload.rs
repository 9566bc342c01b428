//! Multipart uploads: create, abort, list.

use deltastore_format::{ChecksumAlgorithm, Metadata, UploadPut};

use crate::object::Objects;
use crate::object::error::ObjectError;

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
    /// `NoSuchBucket`; `InvalidRequest` for a checksum type that the algorithm does not have.
    pub async fn create_upload(&self, _input: CreateUploadInput) -> Result<UploadPut, ObjectError> {
        unimplemented!()
    }

    /// # Errors
    /// `NoSuchBucket`, `NoSuchUpload`.
    pub async fn abort_upload(&self, _bucket: &str, _key: &str, _upload_id: &str) -> Result<(), ObjectError> {
        unimplemented!()
    }

    /// # Errors
    /// `NoSuchBucket`, `InvalidArgument`.
    pub fn list_uploads(&self, _input: &ListUploadsInput) -> Result<ListUploadsOutput, ObjectError> {
        unimplemented!()
    }
}
