//! Bodies of uploads and everything their headers promise.

use deltastore_format::ChecksumAlgorithm;
use futures::{StreamExt, TryStreamExt};
use http::HeaderMap;
use s3s::dto::StreamingBlob;
use s3s::{S3Result, s3_error};

use super::convert::{parse_algorithm, text};
use crate::object::checksum::header_name;
use crate::object::{Body, ChecksumValue, Expect, ExpectChecksum, ObjectError};
use crate::s3::auth::chunked::Trailers;
use crate::s3::error::{body_error, to_s3_error};

const CHECKSUM: &str = "x-amz-checksum-";
/// Headers of the same prefix that are no checksums.
const NOT_CHECKSUMS: [&str; 3] = ["algorithm", "mode", "type"];

/// The plain bytes, and errors that say what is wrong with them.
pub fn stream(blob: Option<StreamingBlob>) -> Body {
    match blob {
        Some(blob) => blob.map_err(|error| body_error(&error)).boxed(),
        None => futures::stream::empty().boxed(),
    }
}

/// The promises. `length` is that of the decoded body. The SHA-256 of the signature is verified as the body
/// passes ([`crate::s3::auth`]), so it is not among them.
///
/// # Errors
/// More than one checksum, one that is malformed, or an algorithm we do not know.
pub fn expect(headers: &HeaderMap, length: Option<i64>, trailers: Option<&Trailers>) -> S3Result<Expect> {
    let length = length
        .map(|length| u64::try_from(length).map_err(|_| s3_error!(InvalidArgument, "Content-Length is negative.")))
        .transpose()?;
    let md5 = headers.get("content-md5").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    Ok(Expect {
        length,
        // An empty one is none, and told so when it is read.
        md5,
        checksum: checksum(headers, trailers)?,
    })
}

fn checksum(headers: &HeaderMap, trailers: Option<&Trailers>) -> S3Result<ExpectChecksum> {
    let named = named_algorithm(headers)?;
    let value = header_checksum(headers)?;
    let trailer = announced_trailer(headers)?;
    let found = match (value, trailer) {
        (Some(_), Some(_)) => return Err(several()),
        (Some((algorithm, value)), None) => {
            ExpectChecksum::Value(ChecksumValue::parse(algorithm, value).map_err(to_s3_error)?)
        }
        (None, Some(algorithm)) => ExpectChecksum::Trailer { algorithm, read: reader(algorithm, trailers) },
        (None, None) => return Ok(named.map_or(ExpectChecksum::None, ExpectChecksum::Compute)),
    };
    let algorithm = match &found {
        ExpectChecksum::Value(value) => value.algorithm,
        ExpectChecksum::Trailer { algorithm, .. } | ExpectChecksum::Compute(algorithm) => *algorithm,
        ExpectChecksum::None => return Ok(found),
    };
    if named.is_some_and(|named| named != algorithm) {
        return Err(s3_error!(InvalidRequest, "Value for x-amz-sdk-checksum-algorithm header is invalid."));
    }
    Ok(found)
}

fn reader(algorithm: ChecksumAlgorithm, trailers: Option<&Trailers>) -> Box<dyn FnOnce() -> Option<String> + Send> {
    let name = header_name(algorithm);
    let trailers = trailers.cloned();
    Box::new(move || {
        let trailers = trailers?.take()?;
        let mut values = trailers.get_all(&name).iter();
        let value = values.next()?.to_str().ok()?.to_owned();
        // Two values are as good as none: nobody knows which was meant.
        values.next().is_none().then_some(value)
    })
}

/// The one `x-amz-checksum-*` header with its value, if there is one.
///
/// # Errors
/// More than one, or an algorithm we do not know.
pub fn header_checksum(headers: &HeaderMap) -> S3Result<Option<(ChecksumAlgorithm, &str)>> {
    let mut found = None;
    for name in headers.keys() {
        let Some(kind) = name.as_str().strip_prefix(CHECKSUM) else { continue };
        if NOT_CHECKSUMS.contains(&kind) {
            continue;
        }
        let algorithm = parse_algorithm(kind).map_err(to_s3_error)?;
        let Some(value) = text(headers, name.as_str())? else {
            return Err(s3_error!(InvalidRequest, "Value for {name} header is invalid."));
        };
        if found.replace((algorithm, value)).is_some() {
            return Err(several());
        }
    }
    Ok(found)
}

fn announced_trailer(headers: &HeaderMap) -> S3Result<Option<ChecksumAlgorithm>> {
    let Some(names) = text(headers, "x-amz-trailer")? else { return Ok(None) };
    let mut found = None;
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let name = name.to_ascii_lowercase();
        let Some(kind) = name.strip_prefix(CHECKSUM) else {
            return Err(s3_error!(InvalidRequest, "The value specified in the x-amz-trailer header is not supported."));
        };
        if found.replace(parse_algorithm(kind).map_err(to_s3_error)?).is_some() {
            return Err(several());
        }
    }
    Ok(found)
}

/// The algorithm that the request names, whether or not it sends a value.
pub fn named_algorithm(headers: &HeaderMap) -> S3Result<Option<ChecksumAlgorithm>> {
    let name = match text(headers, "x-amz-sdk-checksum-algorithm")? {
        Some(name) => Some(name),
        None => text(headers, "x-amz-checksum-algorithm")?,
    };
    name.map(parse_algorithm).transpose().map_err(to_s3_error)
}

fn several() -> s3s::S3Error {
    to_s3_error(ObjectError::InvalidRequest(
        "Expecting a single x-amz-checksum- header. Multiple checksum types are not allowed.".to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn found(pairs: &[(&'static str, &'static str)]) -> Result<ExpectChecksum, String> {
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        checksum(&headers, None).map_err(|error| error.code().as_str().to_owned())
    }

    #[test]
    fn a_checksum_is_a_header_a_trailer_or_only_named() {
        assert!(matches!(found(&[]), Ok(ExpectChecksum::None)));
        assert!(matches!(
            found(&[("x-amz-sdk-checksum-algorithm", "CRC32")]),
            Ok(ExpectChecksum::Compute(ChecksumAlgorithm::Crc32))
        ));
        assert!(matches!(
            found(&[("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-checksum-type", "FULL_OBJECT")]),
            Ok(ExpectChecksum::Value(_))
        ));
    }

    #[test]
    fn a_trailer_that_never_comes_is_none() {
        let trailer = [("x-amz-trailer", "x-amz-checksum-crc64nvme"), ("x-amz-sdk-checksum-algorithm", "CRC64NVME")];
        match found(&trailer) {
            Ok(ExpectChecksum::Trailer { algorithm: ChecksumAlgorithm::Crc64Nvme, read }) => assert_eq!(read(), None),
            _ => panic!("expected a trailer"),
        }
    }

    #[test]
    fn contradictions_and_unknown_algorithms_are_refused() {
        let refused = Err("InvalidRequest".to_owned());
        let code = |pairs: &[_]| found(pairs).map(|_| ());
        assert_eq!(code(&[("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-checksum-sha1", "x")]), refused);
        assert_eq!(code(&[("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-trailer", "x-amz-checksum-crc32")]), refused);
        assert_eq!(code(&[("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-sdk-checksum-algorithm", "SHA1")]), refused);
        assert_eq!(code(&[("x-amz-checksum-xxhash64", "AAAA")]), refused);
        assert_eq!(code(&[("x-amz-checksum-sha3", "AAAA")]), refused);
        assert_eq!(code(&[("x-amz-trailer", "x-amz-meta-a")]), refused);
        assert_eq!(code(&[("x-amz-checksum-crc32", "not base64")]), refused);
        assert_eq!(code(&[("x-amz-checksum-crc32", "")]), refused);
    }
}
