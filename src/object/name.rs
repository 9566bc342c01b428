//! Rules for bucket names and keys.

use crate::object::error::ObjectError;

/// Longest key, in bytes of UTF-8.
pub const MAX_KEY_LEN: usize = 1024;

/// # Errors
/// `InvalidBucketName` with the rule it breaks.
pub fn check_bucket_name(_name: &str) -> Result<(), ObjectError> {
    unimplemented!()
}

/// # Errors
/// `KeyTooLong`; `InvalidArgument` if it is empty.
pub fn check_key(_key: &str) -> Result<(), ObjectError> {
    unimplemented!()
}
