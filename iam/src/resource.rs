//! What a request acts on.

use std::fmt;

/// What an action is asked for on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource<'a> {
    /// The server itself: its list of buckets, its administration.
    Server,
    Bucket(&'a str),
    Object {
        bucket: &'a str,
        key: &'a str,
    },
    /// Objects of a bucket that a document names which is not read yet: whether the principal may act on any at all.
    /// Each is asked for by its key before it is acted on.
    SomeObjects {
        bucket: &'a str,
    },
}

impl fmt::Display for Resource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resource::Server => f.write_str("*"),
            Resource::Bucket(bucket) => write!(f, "arn:aws:s3:::{bucket}"),
            Resource::Object { bucket, key } => write!(f, "arn:aws:s3:::{bucket}/{key}"),
            Resource::SomeObjects { bucket } => write!(f, "arn:aws:s3:::{bucket}/*"),
        }
    }
}
