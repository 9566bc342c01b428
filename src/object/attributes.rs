//! GetObjectAttributes.

use deltastore_format::{PartInfo, VersionPut};

use crate::object::Objects;
use crate::object::error::ObjectError;

/// A GetObjectAttributes; which attributes are shown is up to the caller.
#[derive(Clone, Debug, Default)]
pub struct AttributesInput {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
    pub part_number_marker: Option<i32>,
    pub max_parts: Option<i32>,
}

/// An object's attributes and a page of its parts.
#[derive(Clone, Debug)]
pub struct AttributesOutput {
    pub version: VersionPut,
    /// 0 unless it came from a multipart upload.
    pub parts_count: u32,
    pub parts: Vec<PartInfo>,
    pub max_parts: usize,
    pub truncated: bool,
    pub part_number_marker: u16,
    pub next_part_number_marker: Option<u16>,
}

impl Objects {
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`, `InvalidArgument`.
    pub fn object_attributes(&self, _input: &AttributesInput) -> Result<AttributesOutput, ObjectError> {
        unimplemented!()
    }
}
