//! What a CompleteMultipartUpload asks for.

use deltastore_format::ChecksumAlgorithm;

use crate::object::checksum::ChecksumValue;
use crate::object::condition::WriteConditions;

/// A part as the request names it.
#[derive(Clone, Debug)]
pub struct CompletedPart {
    pub number: u16,
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
    /// `x-amz-checksum-*` of the request: the object's algorithm and Base64 value as sent, `-N` allowed for a
    /// composite.
    pub checksum: Option<(ChecksumAlgorithm, String)>,
    /// `x-amz-checksum-type`: true for COMPOSITE, false for FULL_OBJECT; must be the upload's.
    pub composite: Option<bool>,
    /// `x-amz-mp-object-size`
    pub object_size: Option<u64>,
    pub conditions: WriteConditions,
}
