//! What GetObject and HeadObject share.

use http::{HeaderMap, header};
use s3s::dto::ChecksumMode;
use s3s::{S3Error, S3Result};

use crate::object::ObjectError;
use crate::s3::error::to_s3_error;

/// What is asked for; s3s has a type for each of the two.
macro_rules! asked {
    ($input:ident, $headers:ident) => {
        $crate::object::GetInput {
            bucket: $input.bucket,
            key: $input.key,
            version_id: $input.version_id,
            range: $crate::s3::ops::range::read(&$headers),
            range_condition: $crate::s3::ops::conditions::range(&$headers),
            part_number: $input.part_number.map($crate::s3::ops::object::read::part_number).transpose()?,
            conditions: $crate::s3::ops::conditions::read(&$headers),
        }
    };
}
pub(super) use asked;

pub fn wants_checksum(mode: Option<&ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED)
}

pub fn content_range(range: &std::ops::Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1))
}

/// The answer to a failed GET or HEAD. A 304 carries the caching headers that a 200 would.
pub fn refused(error: ObjectError, overrides: &HeaderMap) -> S3Error {
    let is_unmodified = matches!(error, ObjectError::NotModified { .. });
    let mut answer = to_s3_error(error);
    if is_unmodified && let Some(mut headers) = answer.headers().cloned() {
        for name in [header::CACHE_CONTROL, header::EXPIRES] {
            if let Some(value) = overrides.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        answer.set_headers(headers);
    }
    answer
}

pub fn part_number(number: i32) -> S3Result<u32> {
    u32::try_from(number).map_err(|_| {
        to_s3_error(ObjectError::InvalidArgument(format!("the part number {number} is not between 1 and 10000")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_name_first_and_last_byte() {
        assert_eq!(content_range(&(2..5), 10), "bytes 2-4/10");
    }
}
