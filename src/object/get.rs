//! GetObject and HeadObject.

use std::ops::Range;

use deltastore_format::VersionPut;

use crate::object::Objects;
use crate::object::condition::ReadConditions;
use crate::object::content::BodyReader;
use crate::object::error::ObjectError;
use crate::object::range::ByteRange;

/// A GetObject or HeadObject.
#[derive(Clone, Debug, Default)]
pub struct GetInput {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
    pub range: Option<ByteRange>,
    /// Excludes `range`.
    pub part_number: Option<u32>,
    pub conditions: ReadConditions,
}

/// What a HEAD answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadOutput {
    pub version: VersionPut,
    /// Bytes of the object that the answer covers: for Content-Length and Content-Range.
    pub range: Range<u64>,
    /// The request asked for a range or a part: 206, and the whole object's checksum does not apply.
    pub partial: bool,
    /// Parts of a multipart object, when a part was asked for.
    pub parts_count: Option<u32>,
}

/// What a GET answers.
pub struct GetOutput {
    pub head: HeadOutput,
    /// The bytes of `head.range`; the first of them are already verified.
    pub body: BodyReader,
}

impl Objects {
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`, `MethodNotAllowed`, `NotModified`, `PreconditionFailed`,
    /// `InvalidRange`, `InvalidPartNumber`, `InvalidRequest`; `Internal` if the first bytes are damaged.
    pub async fn get_object(&self, _input: GetInput) -> Result<GetOutput, ObjectError> {
        unimplemented!()
    }

    /// # Errors
    /// Those of [`Objects::get_object`].
    pub fn head_object(&self, _input: &GetInput) -> Result<HeadOutput, ObjectError> {
        unimplemented!()
    }
}
