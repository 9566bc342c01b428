//! Conditional headers.

use http::HeaderMap;
use s3s::S3Result;
use s3s::dto::Timestamp;

use super::convert::{seconds, text};
use crate::object::{EtagPattern, ReadConditions, WriteConditions};

fn pattern(headers: &HeaderMap, name: &str) -> S3Result<Option<EtagPattern>> {
    Ok(text(headers, name)?.map(EtagPattern::parse))
}

/// `If-*` of a GET or HEAD. ETags are taken from the headers themselves, which may list several.
pub fn read(
    headers: &HeaderMap,
    modified: Option<Timestamp>,
    unmodified: Option<Timestamp>,
) -> S3Result<ReadConditions> {
    Ok(ReadConditions {
        if_match: pattern(headers, "if-match")?,
        if_none_match: pattern(headers, "if-none-match")?,
        if_modified_since: modified.map(seconds),
        if_unmodified_since: unmodified.map(seconds),
    })
}

/// `x-amz-copy-source-if-*`
pub fn source(
    headers: &HeaderMap,
    modified: Option<Timestamp>,
    unmodified: Option<Timestamp>,
) -> S3Result<ReadConditions> {
    Ok(ReadConditions {
        if_match: pattern(headers, "x-amz-copy-source-if-match")?,
        if_none_match: pattern(headers, "x-amz-copy-source-if-none-match")?,
        if_modified_since: modified.map(seconds),
        if_unmodified_since: unmodified.map(seconds),
    })
}

/// `If-Match` and `If-None-Match` of what writes.
pub fn write(headers: &HeaderMap) -> S3Result<WriteConditions> {
    Ok(WriteConditions { if_match: pattern(headers, "if-match")?, if_none_match: pattern(headers, "if-none-match")? })
}
