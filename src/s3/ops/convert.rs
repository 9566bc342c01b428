//! Between s3s's types and ours.

use std::time::{Duration, SystemTime};

use deltastore_format::{Checksum, Metadata, VersionPut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use s3s::dto::{self, ETag, Timestamp};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};
use sha2::{Digest, Sha256};

use crate::object::{ObjectError, STORAGE_CLASS, WEBSITE_REDIRECT, checksum, parse_tags, storage_type_name};
use crate::s3::error::to_s3_error;

/// Headers that are kept with an object and returned as they were sent.
const KEPT_HEADERS: [&str; 6] =
    ["cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires"];
const MAX_WEBSITE_REDIRECT: usize = 2048;
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";
const STORAGE_CLASSES: [&str; 11] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "OUTPOSTS",
    "GLACIER_IR",
    "SNOW",
    "EXPRESS_ONEZONE",
];

/// The canonical user id that stands for the root user.
#[derive(Clone)]
pub struct OwnerId(String);

impl OwnerId {
    /// 64 hex digits, like those of S3, that do not tell the key.
    pub fn new(access_key: &str) -> Self {
        OwnerId(hex::encode(Sha256::digest(access_key)))
    }

    pub fn owner(&self) -> dto::Owner {
        dto::Owner { id: Some(self.0.clone()), display_name: Some("root".to_owned()) }
    }

    pub fn initiator(&self) -> dto::Initiator {
        dto::Initiator { id: Some(self.0.clone()), display_name: Some("root".to_owned()) }
    }

    /// The one grant that there is.
    pub fn full_control(&self) -> dto::Grant {
        dto::Grant {
            grantee: Some(dto::Grantee {
                display_name: Some("root".to_owned()),
                email_address: None,
                id: Some(self.0.clone()),
                type_: dto::Type::from_static(dto::Type::CANONICAL_USER),
                uri: None,
            }),
            permission: Some(dto::Permission::from_static(dto::Permission::FULL_CONTROL)),
        }
    }
}

/// An ETag as s3s writes it, with quotes.
pub fn etag(etag: &str) -> Option<ETag> {
    Some(ETag::Strong(etag.to_owned()))
}

/// A time of ours.
pub fn timestamp(ms: u64) -> Timestamp {
    Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_millis(ms))
}

/// Sizes are below 5 TiB.
pub fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Counts are of at most 10,000.
pub fn count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// The field of an s3s type that holds the checksum of an algorithm: the only list of these fields.
macro_rules! checksum_field {
    ($value:expr, $algorithm:expr) => {{
        use deltastore_format::ChecksumAlgorithm as A;
        match $algorithm {
            A::Crc32 => &mut $value.checksum_crc32,
            A::Crc32c => &mut $value.checksum_crc32c,
            A::Crc64Nvme => &mut $value.checksum_crc64nvme,
            A::Sha1 => &mut $value.checksum_sha1,
            A::Sha256 => &mut $value.checksum_sha256,
            A::Md5 => &mut $value.checksum_md5,
            A::Sha512 => &mut $value.checksum_sha512,
            A::XxHash64 => &mut $value.checksum_xxhash64,
            A::XxHash3 => &mut $value.checksum_xxhash3,
            A::XxHash128 => &mut $value.checksum_xxhash128,
        }
    }};
}
pub(super) use checksum_field;

/// Sets the one `checksum_*` field of an s3s type that a checksum belongs in, or none.
macro_rules! set_checksum {
    ($output:expr, $checksum:expr, $parts:expr) => {
        if let Some(checksum) = $checksum {
            let checksum: &deltastore_format::Checksum = checksum;
            let value = $crate::object::checksum::header_value(checksum, $parts);
            *$crate::s3::ops::convert::checksum_field!($output, checksum.algorithm) = Some(value);
        }
    };
}
pub(super) use set_checksum;

/// Sets the fields in which GET and HEAD alike show an object's metadata; s3s has a type for each.
macro_rules! set_shown {
    ($output:expr, $metadata:expr) => {
        let shown = $crate::s3::ops::convert::Shown::new($metadata);
        $output.cache_control = shown.cache_control;
        $output.content_disposition = shown.content_disposition;
        $output.content_encoding = shown.content_encoding;
        $output.content_language = shown.content_language;
        $output.content_type = shown.content_type;
        $output.expires = shown.expires;
        $output.metadata = shown.user;
        $output.storage_class = shown.storage_class;
        $output.tag_count = shown.tag_count;
        $output.website_redirect_location = shown.website_redirect_location;
    };
}
pub(super) use set_shown;

/// `COMPOSITE` or `FULL_OBJECT`.
pub fn checksum_type(composite: bool) -> dto::ChecksumType {
    dto::ChecksumType::from_static(checksum::type_name(composite))
}

pub fn checksum_type_of(checksum: Option<&Checksum>) -> Option<dto::ChecksumType> {
    checksum.map(|checksum| checksum_type(checksum.composite))
}

pub fn algorithm_name(algorithm: deltastore_format::ChecksumAlgorithm) -> dto::ChecksumAlgorithm {
    dto::ChecksumAlgorithm::from_static(algorithm.name())
}

/// # Errors
/// `InvalidRequest` for what we do not compute: never a silently unchecked promise.
pub fn parse_algorithm(name: &str) -> Result<deltastore_format::ChecksumAlgorithm, ObjectError> {
    checksum::parse_name(name).ok_or_else(|| {
        ObjectError::InvalidRequest(format!(
            "The checksum algorithm {name} is not supported. Use one of {}.",
            deltastore_format::ChecksumAlgorithm::all().map(|known| known.name()).collect::<Vec<_>>().join(", ")
        ))
    })
}

/// `x-amz-checksum-type`, in any case: true for a composite.
pub fn parse_checksum_type(kind: Option<&dto::ChecksumType>) -> S3Result<Option<bool>> {
    let Some(kind) = kind.map(dto::ChecksumType::as_str) else { return Ok(None) };
    [true, false]
        .into_iter()
        .find(|composite| kind.eq_ignore_ascii_case(checksum::type_name(*composite)))
        .map(Some)
        .ok_or_else(|| s3_error!(InvalidRequest, "Value for x-amz-checksum-type header is invalid."))
}

/// What is kept with an object, from the headers of the request that makes it.
///
/// # Errors
/// A storage class or tags that are not ones, a value that is not UTF-8.
pub fn metadata(headers: &HeaderMap, user: Option<dto::Metadata>, tagging: Option<&str>) -> S3Result<Metadata> {
    let mut kept = Vec::new();
    for name in KEPT_HEADERS {
        let Some(value) = text(headers, name)? else { continue };
        let value = if name == "content-encoding" { without_aws_chunked(value) } else { value.to_owned() };
        if !value.is_empty() {
            kept.push((name.to_owned(), value));
        }
    }
    if let Some(class) = storage_class(headers)? {
        kept.push((STORAGE_CLASS.to_owned(), class));
    }
    if let Some(location) = website_redirect(headers)? {
        kept.push((WEBSITE_REDIRECT.to_owned(), location));
    }
    let mut user: Vec<(String, String)> = user.into_iter().flatten().collect();
    user.sort();
    let tags = tagging.map(parse_tags).transpose().map_err(to_s3_error)?.unwrap_or_default();
    Ok(Metadata { headers: kept, user, tags })
}

/// The storage class to remember: every class is stored alike, `STANDARD` goes without saying.
pub fn storage_class(headers: &HeaderMap) -> S3Result<Option<String>> {
    match text(headers, STORAGE_CLASS)? {
        None | Some("STANDARD") => Ok(None),
        Some(class) if STORAGE_CLASSES.contains(&class) => Ok(Some(class.to_owned())),
        Some(class) => Err(s3_error!(InvalidStorageClass, "The storage class {class} does not exist.")),
    }
}

/// Where a website would send a reader of the object.
///
/// # Errors
/// `InvalidRedirectLocation`
pub fn website_redirect(headers: &HeaderMap) -> S3Result<Option<String>> {
    let Some(location) = text(headers, WEBSITE_REDIRECT)? else { return Ok(None) };
    let message = if !["/", "http://", "https://"].iter().any(|start| location.starts_with(start)) {
        "The website redirect location must have a prefix of 'http://' or 'https://' or '/'."
    } else if location.len() > MAX_WEBSITE_REDIRECT {
        "The length of website redirect location cannot exceed 2,048 characters."
    } else {
        return Ok(Some(location.to_owned()));
    };
    let mut error = S3Error::with_message(S3ErrorCode::Custom("InvalidRedirectLocation".into()), message);
    error.set_status_code(StatusCode::BAD_REQUEST);
    Err(error)
}

/// A header's value, empty ones left out.
pub fn text<'a>(headers: &'a HeaderMap, name: &str) -> S3Result<Option<&'a str>> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    match std::str::from_utf8(value.as_bytes()) {
        Ok("") => Ok(None),
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(s3_error!(InvalidArgument, "The header {name} is not UTF-8.")),
    }
}

/// `aws-chunked` is how the body came, not what it is. The rest stays as it was written.
fn without_aws_chunked(value: &str) -> String {
    let is_chunked = |coding: &&str| coding.trim().eq_ignore_ascii_case("aws-chunked");
    if !value.split(',').any(|coding| is_chunked(&coding)) {
        return value.to_owned();
    }
    let kept: Vec<&str> = value.split(',').filter(|coding| !is_chunked(coding) && !coding.trim().is_empty()).collect();
    kept.join(",").trim().to_owned()
}

/// Metadata as GET and HEAD return it.
#[derive(Default)]
pub struct Shown {
    pub cache_control: Option<String>,
    pub content_disposition: Option<String>,
    pub content_encoding: Option<String>,
    pub content_language: Option<String>,
    pub content_type: Option<String>,
    pub expires: Option<String>,
    pub storage_class: Option<dto::StorageClass>,
    pub website_redirect_location: Option<String>,
    pub user: Option<dto::Metadata>,
    pub tag_count: Option<i32>,
}

impl Shown {
    pub fn new(metadata: Metadata) -> Self {
        let mut shown =
            Shown { tag_count: Some(count(metadata.tags.len())).filter(|&tags| tags > 0), ..Shown::default() };
        for (name, value) in metadata.headers {
            match name.as_str() {
                "cache-control" => shown.cache_control = Some(value),
                "content-disposition" => shown.content_disposition = Some(value),
                "content-encoding" => shown.content_encoding = Some(value),
                "content-language" => shown.content_language = Some(value),
                "content-type" => shown.content_type = Some(value),
                "expires" => shown.expires = Some(value),
                STORAGE_CLASS => shown.storage_class = Some(dto::StorageClass::from(value)),
                WEBSITE_REDIRECT => shown.website_redirect_location = Some(value),
                _ => {}
            }
        }
        shown.content_type.get_or_insert_with(|| DEFAULT_CONTENT_TYPE.to_owned());
        shown.user = Some(metadata.user.into_iter().collect::<dto::Metadata>()).filter(|user| !user.is_empty());
        shown
    }
}

/// The class as listings show it.
pub fn listed_class(metadata: &Metadata) -> String {
    let class = metadata.headers.iter().find(|(name, _)| name == STORAGE_CLASS);
    class.map_or("STANDARD", |(_, class)| class).to_owned()
}

/// What the root user, as the store's administrator, sees of how an object is stored.
pub fn storage_headers(version: &VersionPut) -> HeaderMap {
    let kind = storage_type_name(version.storage_type);
    let mut headers = HeaderMap::with_capacity(2);
    headers.insert(HeaderName::from_static("x-amz-storage-type"), HeaderValue::from_static(kind));
    headers.insert(HeaderName::from_static("x-deltastore-stored-bytes"), version.stored_bytes.into());
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn kept_headers_come_back_as_they_were_sent() {
        let sent = headers(&[
            ("content-type", "text/x"),
            ("content-encoding", "aws-chunked,gzip"),
            ("expires", "never"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("x-other", "dropped"),
        ]);
        let user = [("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1".to_owned())].into_iter().collect();
        let kept = metadata(&sent, Some(user), None).unwrap();
        assert_eq!(kept.user, [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
        assert_eq!(listed_class(&kept), "REDUCED_REDUNDANCY");
        let shown = Shown::new(kept);
        assert_eq!(shown.content_type.as_deref(), Some("text/x"));
        assert_eq!(shown.content_encoding.as_deref(), Some("gzip"));
        assert_eq!(shown.expires.as_deref(), Some("never"));
        assert_eq!(shown.user.map(|user| user.len()), Some(2));
        assert_eq!(shown.tag_count, None);
    }

    #[test]
    fn the_framing_of_a_body_is_not_kept_as_its_encoding() {
        let kept = metadata(&headers(&[("content-encoding", "aws-chunked")]), None, None).unwrap();
        assert!(kept.headers.is_empty());
        let shown = Shown::new(kept);
        assert_eq!((shown.content_encoding, shown.content_type.as_deref()), (None, Some("binary/octet-stream")));
    }

    #[test]
    fn storage_classes_are_accepted_if_they_exist() {
        assert_eq!(storage_class(&headers(&[(STORAGE_CLASS, "STANDARD")])).unwrap(), None);
        assert!(storage_class(&headers(&[(STORAGE_CLASS, "CHEAPEST")])).is_err());
    }
}
