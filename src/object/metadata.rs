//! Limits of metadata and tags. Storage class and website redirect are kept among the headers, as
//! `x-amz-storage-class` and `x-amz-website-redirect-location`.

use crate::object::error::ObjectError;

/// Most bytes of user metadata: names without their prefix, and values.
pub const MAX_USER_METADATA: usize = 2048;
/// Most tags of one object.
pub const MAX_TAGS: usize = 10;

/// Tags of an `x-amz-tagging` header: URL query syntax.
///
/// # Errors
/// `InvalidTag`, `InvalidArgument`.
pub fn parse_tags(_header: &str) -> Result<Vec<(String, String)>, ObjectError> {
    unimplemented!()
}
