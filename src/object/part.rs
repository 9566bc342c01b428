//! Parts of multipart uploads: upload, copy, list.

use deltastore_format::{PartPut, UploadPut};

use crate::object::Objects;
use crate::object::body::{Body, Expect};
use crate::object::copy::CopySource;
use crate::object::error::ObjectError;

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
    /// Stores a part, in place of one with the same number.
    pub async fn upload_part(&self, _input: UploadPartInput) -> Result<PartPut, ObjectError> {
        unimplemented!()
    }

    /// Makes a part of an object's bytes, moving no data.
    pub async fn upload_part_copy(&self, _input: UploadPartCopyInput) -> Result<PartPut, ObjectError> {
        unimplemented!()
    }

    /// # Errors
    /// `NoSuchBucket`, `NoSuchUpload`, `InvalidArgument`.
    pub fn list_parts(&self, _input: &ListPartsInput) -> Result<ListPartsOutput, ObjectError> {
        unimplemented!()
    }
}
