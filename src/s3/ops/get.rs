//! GetObject and HeadObject.

use http::{HeaderMap, header};
use s3s::dto::{self, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput};
use s3s::{S3Error, S3Response, S3Result};

use super::convert::{checksum_type_of, etag, set_checksum, set_shown, size, storage_headers, timestamp};
use super::{Answer, Operations, Request, conditions, range, read};
use crate::object::{GetInput, HeadOutput, ObjectError};
use crate::s3::error::to_s3_error;
use crate::s3::quirks::overrides;

impl Operations {
    pub async fn get_object(&self, request: Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        let Request { input, headers, uri, .. } = request;
        let mut extra = overrides::read(&uri)?;
        let with_checksum = wants_checksum(input.checksum_mode.as_ref());
        let found = self
            .objects
            .get_object(GetInput {
                bucket: input.bucket,
                key: input.key,
                version_id: input.version_id,
                range: range::read(&headers),
                range_condition: conditions::range(&headers),
                part_number: input.part_number.map(part_number).transpose()?,
                conditions: conditions::read(&headers),
            })
            .await
            .map_err(|error| refused(error, &extra))?;
        let checksum = found.head.checksum().filter(|_| with_checksum).cloned();
        let HeadOutput { version, range, partial, parts_count } = found.head;
        extra.extend(storage_headers(&version));
        let length = range.end - range.start;
        let mut output = GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(read::blob(found.body, length)),
            content_length: Some(size(length)),
            content_range: partial.then(|| content_range(&range, version.size)),
            e_tag: etag(&version.etag),
            last_modified: Some(timestamp(version.modified_ms)),
            parts_count: parts_count.map(|parts| i32::try_from(parts).unwrap_or(i32::MAX)),
            ..GetObjectOutput::default()
        };
        if let Some(checksum) = checksum {
            output.checksum_type = checksum_type_of(version.checksum.as_ref());
            set_checksum!(output, &Some(checksum), version.parts.len());
        }
        set_shown!(output, version.metadata);
        Ok(S3Response::with_headers(output, extra))
    }

    pub async fn head_object(&self, request: Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        let Request { input, headers, uri, .. } = request;
        let mut extra = overrides::read(&uri)?;
        let with_checksum = wants_checksum(input.checksum_mode.as_ref());
        let head = self
            .objects
            .head_object(&GetInput {
                bucket: input.bucket,
                key: input.key,
                version_id: input.version_id,
                range: range::read(&headers),
                range_condition: conditions::range(&headers),
                part_number: input.part_number.map(part_number).transpose()?,
                conditions: conditions::read(&headers),
            })
            .map_err(|error| refused(error, &extra))?;
        let checksum = head.checksum().filter(|_| with_checksum).cloned();
        let HeadOutput { version, range, partial, parts_count } = head;
        extra.extend(storage_headers(&version));
        let mut output = HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(size(range.end - range.start)),
            content_range: partial.then(|| content_range(&range, version.size)),
            e_tag: etag(&version.etag),
            last_modified: Some(timestamp(version.modified_ms)),
            parts_count: parts_count.map(|parts| i32::try_from(parts).unwrap_or(i32::MAX)),
            ..HeadObjectOutput::default()
        };
        if let Some(checksum) = checksum {
            output.checksum_type = checksum_type_of(version.checksum.as_ref());
            set_checksum!(output, &Some(checksum), version.parts.len());
        }
        set_shown!(output, version.metadata);
        Ok(S3Response::with_headers(output, extra))
    }
}

fn wants_checksum(mode: Option<&dto::ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str() == dto::ChecksumMode::ENABLED)
}

fn content_range(range: &std::ops::Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1))
}

/// The answer to a failed GET or HEAD. A 304 carries the caching headers that a 200 would.
fn refused(error: ObjectError, overrides: &HeaderMap) -> S3Error {
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

fn part_number(number: i32) -> S3Result<u32> {
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
