//! Deltastore: an S3 server whose storage layer is delta compression.

pub mod delta;
