//! Bodies of uploads and what their requests promise about them.

use bytes::Bytes;
use deltastore_format::ChecksumAlgorithm;
use futures::stream::BoxStream;

use crate::object::checksum::ChecksumValue;
use crate::object::error::ObjectError;

/// The plain bytes of an upload, transfer framing removed. Its errors pass through to the caller as they are.
pub type Body = BoxStream<'static, Result<Bytes, ObjectError>>;

/// Promises about a body; all are verified before anything becomes visible.
#[derive(Default)]
pub struct Expect {
    /// Bytes of the decoded body.
    pub length: Option<u64>,
    /// `Content-MD5`, Base64 as sent.
    pub md5: Option<String>,
    /// `x-amz-content-sha256` where it names a digest of the whole body, hex as sent.
    pub sha256: Option<String>,
    pub checksum: ExpectChecksum,
}

/// The checksum that comes with a body, or is to be kept with it.
#[derive(Default)]
pub enum ExpectChecksum {
    /// The server chooses an algorithm (CRC-64/NVME, or the upload's).
    #[default]
    None,
    /// The request names an algorithm but no value.
    Compute(ChecksumAlgorithm),
    /// `x-amz-checksum-*` of the request.
    Value(ChecksumValue),
    /// `x-amz-trailer` announces it: `read` is called once the body has ended and gives the trailer's value, Base64 as sent.
    Trailer { algorithm: ChecksumAlgorithm, read: Box<dyn FnOnce() -> Option<String> + Send> },
}
