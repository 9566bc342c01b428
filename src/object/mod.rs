//! S3 semantics without HTTP.
pub mod content;
