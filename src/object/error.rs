//! Why an S3 operation is refused: one variant per S3 error code.

use crate::object::range::ByteRange;

/// An operation's failure. [`ObjectError::code`] and [`ObjectError::status`] are what a client sees; the text is for
/// its user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    #[error("the bucket {bucket:?} does not exist")]
    NoSuchBucket { bucket: String },
    #[error("the key {key:?} does not exist")]
    NoSuchKey { key: String },
    #[error("version {version_id:?} of the key {key:?} does not exist")]
    NoSuchVersion { key: String, version_id: String },
    #[error("the upload {upload_id:?} does not exist: it may have been aborted or completed")]
    NoSuchUpload { upload_id: String },
    #[error("you already own the bucket {bucket:?}")]
    BucketAlreadyOwnedByYou { bucket: String },
    #[error("the bucket {bucket:?} is not empty")]
    BucketNotEmpty { bucket: String },
    #[error("{bucket:?} is not a valid bucket name: {reason}")]
    InvalidBucketName { bucket: String, reason: &'static str },
    #[error("the key has {len} bytes, at most {max} are allowed")]
    KeyTooLong { len: usize, max: usize },
    #[error("the precondition {condition} does not hold")]
    PreconditionFailed { condition: &'static str },
    /// Not an error to a client: the answer is 304 with these headers, among them the stored ones about caching.
    #[error("not modified")]
    NotModified { etag: String, modified_ms: u64, headers: Vec<(String, String)> },
    #[error("the version is a delete marker")]
    MethodNotAllowed,
    #[error("the range {requested:?} is outside of the object's {size} bytes")]
    InvalidRange { requested: ByteRange, size: u64 },
    #[error("part {number} does not exist: the object has {count}")]
    InvalidPartNumber { number: u32, count: u32 },
    /// The content does not have the digest that the request names.
    #[error("{what} of the content is {found}, the request says {expected}")]
    BadDigest { what: &'static str, expected: String, found: String },
    #[error("{what} is not valid: {value:?}")]
    InvalidDigest { what: &'static str, value: String },
    #[error("the content does not have the SHA-256 that x-amz-content-sha256 names")]
    ContentSha256Mismatch,
    #[error("the content has {found} bytes, {expected} were announced")]
    IncompleteBody { expected: u64, found: u64 },
    /// The body broke off or is not what its framing or signatures promise.
    #[error("{0}")]
    InvalidBody(String),
    #[error("the body did not arrive in time")]
    RequestTimeout,
    #[error("a chunk of the body does not match its signature")]
    SignatureDoesNotMatch,
    #[error("{size} bytes are more than the limit of {max}")]
    EntityTooLarge { size: u64, max: u64 },
    #[error("part {number} has {size} bytes: all parts but the last need {min}")]
    EntityTooSmall { number: u16, size: u64, min: u64 },
    #[error("part {number} was not found or does not match: {reason}")]
    InvalidPart { number: u16, reason: &'static str },
    #[error("the parts are not in ascending order")]
    InvalidPartOrder,
    #[error("user metadata has {size} bytes, at most {max} are allowed")]
    MetadataTooLarge { size: usize, max: usize },
    #[error("{0}")]
    InvalidTag(String),
    #[error("{0}")]
    InvalidArgument(String),
    #[error("{0}")]
    InvalidRequest(String),
    #[error("{0}")]
    MalformedXml(String),
    #[error("{0}")]
    NotImplemented(String),
    /// The source of a copy changed again and again while it was copied; trying again may work.
    #[error("a conflicting operation is in progress, please try again")]
    OperationAborted,
    /// The disk is full: reads and deletes go on.
    #[error("the storage is full")]
    StorageFull,
    /// The index can do nothing now; the text is for the log.
    #[error("the server cannot do this now, please try again")]
    NotNow(String),
    /// Writes are refused until the server is restarted.
    #[error("the store takes no writes: {0}")]
    ReadOnly(String),
    #[error("the server is shutting down")]
    ShuttingDown,
    /// There was no memory for the request for too long: trying again later helps.
    #[error("please reduce your request rate: the server is busy with other uploads")]
    SlowDown,
    /// Stored data is damaged, for those who are told where.
    #[error("{0}")]
    Damaged(String),
    /// Damage or a defect; the text is for the log.
    #[error("internal error: {0}")]
    Internal(String),
}

impl ObjectError {
    /// The code in S3's error document.
    pub fn code(&self) -> &'static str {
        self.code_and_status().0
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.code_and_status().1
    }

    fn code_and_status(&self) -> (&'static str, u16) {
        use ObjectError as E;
        match self {
            E::NoSuchBucket { .. } => ("NoSuchBucket", 404),
            E::NoSuchKey { .. } => ("NoSuchKey", 404),
            E::NoSuchVersion { .. } => ("NoSuchVersion", 404),
            E::NoSuchUpload { .. } => ("NoSuchUpload", 404),
            E::BucketAlreadyOwnedByYou { .. } => ("BucketAlreadyOwnedByYou", 409),
            E::BucketNotEmpty { .. } => ("BucketNotEmpty", 409),
            E::InvalidBucketName { .. } => ("InvalidBucketName", 400),
            E::KeyTooLong { .. } => ("KeyTooLongError", 400),
            E::PreconditionFailed { .. } => ("PreconditionFailed", 412),
            E::NotModified { .. } => ("NotModified", 304),
            E::MethodNotAllowed => ("MethodNotAllowed", 405),
            E::InvalidRange { .. } => ("InvalidRange", 416),
            E::InvalidPartNumber { .. } => ("InvalidPartNumber", 416),
            E::BadDigest { .. } => ("BadDigest", 400),
            E::InvalidDigest { .. } => ("InvalidDigest", 400),
            E::ContentSha256Mismatch => ("XAmzContentSHA256Mismatch", 400),
            E::IncompleteBody { .. } => ("IncompleteBody", 400),
            E::InvalidBody(_) => ("IncompleteBody", 400),
            E::RequestTimeout => ("RequestTimeout", 400),
            E::SignatureDoesNotMatch => ("SignatureDoesNotMatch", 403),
            E::EntityTooLarge { .. } => ("EntityTooLarge", 400),
            E::EntityTooSmall { .. } => ("EntityTooSmall", 400),
            E::InvalidPart { .. } => ("InvalidPart", 400),
            E::InvalidPartOrder => ("InvalidPartOrder", 400),
            E::MetadataTooLarge { .. } => ("MetadataTooLarge", 400),
            E::InvalidTag(_) => ("InvalidTag", 400),
            E::InvalidArgument(_) => ("InvalidArgument", 400),
            E::InvalidRequest(_) => ("InvalidRequest", 400),
            E::MalformedXml(_) => ("MalformedXML", 400),
            E::NotImplemented(_) => ("NotImplemented", 501),
            E::OperationAborted => ("OperationAborted", 409),
            E::StorageFull => ("StorageFull", 507),
            E::SlowDown => ("SlowDown", 503),
            E::NotNow(_) | E::ReadOnly(_) | E::ShuttingDown => ("ServiceUnavailable", 503),
            E::Damaged(_) => ("DamagedObject", 500),
            E::Internal(_) => ("InternalError", 500),
        }
    }
}
