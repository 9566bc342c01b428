//! Deltastore: an S3 server whose storage layer is delta compression.

pub mod index;
pub mod object;
pub mod s3;
pub mod store;
