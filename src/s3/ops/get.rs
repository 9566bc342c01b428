//! GetObject and HeadObject.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use s3s::dto::{self, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, TimestampFormat};
use s3s::{S3Error, S3Response, S3Result, s3_error};

use super::convert::{checksum_type_of, etag, set_checksum, set_shown, size, storage_headers, timestamp};
use super::{Answer, Operations, Request, conditions, read};
use crate::object::{ByteRange, GetInput, HeadOutput, ObjectError};
use crate::s3::error::to_s3_error;

impl Operations {
    pub async fn get_object(&self, request: Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        let Request { input, headers, .. } = request;
        let with_checksum = wants_checksum(input.checksum_mode.as_ref());
        let found = self
            .objects
            .get_object(GetInput {
                bucket: input.bucket,
                key: input.key,
                version_id: input.version_id,
                range: input.range.map(range).transpose()?,
                part_number: input.part_number.map(part_number).transpose()?,
                conditions: conditions::read(&headers, input.if_modified_since, input.if_unmodified_since)?,
            })
            .await
            .map_err(to_s3_error)?;
        let checksum = found.head.checksum().filter(|_| with_checksum).cloned();
        let HeadOutput { version, range, partial, parts_count } = found.head;
        let storage = storage_headers(&version);
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
        Ok(S3Response::with_headers(output, storage))
    }

    pub async fn head_object(&self, request: Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        let Request { input, headers, .. } = request;
        let mut extra = overrides(&input)?;
        let with_checksum = wants_checksum(input.checksum_mode.as_ref());
        let head = self
            .objects
            .head_object(&GetInput {
                bucket: input.bucket,
                key: input.key,
                version_id: input.version_id,
                range: input.range.map(self::range).transpose()?,
                part_number: input.part_number.map(part_number).transpose()?,
                conditions: conditions::read(&headers, input.if_modified_since, input.if_unmodified_since)?,
            })
            .map_err(to_s3_error)?;
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

fn range(range: dto::Range) -> S3Result<ByteRange> {
    match range {
        dto::Range::Int { first, last: None } => Ok(ByteRange::From(first)),
        dto::Range::Int { first, last: Some(last) } => Ok(ByteRange::Span(first, last)),
        dto::Range::Suffix { length } => Ok(ByteRange::Suffix(length)),
    }
}

fn part_number(number: i32) -> S3Result<u32> {
    u32::try_from(number).map_err(|_| {
        to_s3_error(ObjectError::InvalidArgument(format!("the part number {number} is not between 1 and 10000")))
    })
}

/// `response-*` of a HEAD, which s3s applies to GET only. All requests are signed, as S3 wants for these.
fn overrides(input: &HeadObjectInput) -> S3Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let texts = [
        (header::CACHE_CONTROL, &input.response_cache_control),
        (header::CONTENT_DISPOSITION, &input.response_content_disposition),
        (header::CONTENT_ENCODING, &input.response_content_encoding),
        (header::CONTENT_LANGUAGE, &input.response_content_language),
        (header::CONTENT_TYPE, &input.response_content_type),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            insert(&mut headers, name, value.as_bytes())?;
        }
    }
    if let Some(expires) = &input.response_expires {
        let mut text = Vec::new();
        expires.format(TimestampFormat::HttpDate, &mut text).map_err(S3Error::internal_error)?;
        insert(&mut headers, header::EXPIRES, &text)?;
    }
    Ok(headers)
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &[u8]) -> S3Result<()> {
    let value = HeaderValue::from_bytes(value)
        .map_err(|_| s3_error!(InvalidArgument, "The value for response-{name} is not a valid header value."))?;
    headers.insert(name, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_name_first_and_last_byte() {
        assert_eq!(content_range(&(2..5), 10), "bytes 2-4/10");
        let first = dto::Range::parse("bytes=0-0").unwrap();
        assert_eq!(range(first).unwrap(), ByteRange::Span(0, 0));
        assert_eq!(range(dto::Range::parse("bytes=-5").unwrap()).unwrap(), ByteRange::Suffix(5));
        assert_eq!(range(dto::Range::parse("bytes=7-").unwrap()).unwrap(), ByteRange::From(7));
        assert!(dto::Range::parse("bytes=0-1,3-4").is_err());
    }

    #[test]
    fn overrides_must_be_header_values() {
        let mut input = HeadObjectInput { response_content_type: Some("text/x".to_owned()), ..Default::default() };
        assert_eq!(overrides(&input).unwrap()[header::CONTENT_TYPE], "text/x");
        input.response_cache_control = Some("a\nb".to_owned());
        assert!(overrides(&input).is_err());
    }
}
