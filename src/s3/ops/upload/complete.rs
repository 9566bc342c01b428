//! CompleteMultipartUpload.

use deltastore_format::ChecksumAlgorithm;
use http::HeaderMap;
use http::header::HOST;
use http::uri::{Authority, Uri};
use s3s::dto::{self, CompleteMultipartUploadInput, CompleteMultipartUploadOutput};
use s3s::{S3Response, S3Result, s3_error};

use crate::object::{ChecksumValue, CompleteInput, CompletedPart, MAX_PARTS};
use crate::s3::error::to_s3_error;
use crate::s3::ops::convert::{checksum_field, checksum_type_of, etag, parse_checksum_type, set_checksum};
use crate::s3::ops::upload_body::header_checksum;
use crate::s3::ops::{Answer, Operation, Operations, Request, conditions};
use crate::s3::quirks::references;

pub struct CompleteMultipartUpload;

impl Operation for CompleteMultipartUpload {
    type Input = CompleteMultipartUploadInput;
    type Output = CompleteMultipartUploadOutput;

    async fn run(
        operations: &Operations,
        request: Request<CompleteMultipartUploadInput>,
    ) -> Answer<CompleteMultipartUploadOutput> {
        let Request { input, headers, uri, .. } = request;
        let parts = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        if parts.is_empty() || parts.len() > usize::from(MAX_PARTS) {
            return Err(s3_error!(MalformedXML, "CompleteMultipartUpload takes 1 to {MAX_PARTS} parts."));
        }
        let object_size = input
            .mpu_object_size
            .map(|size| {
                u64::try_from(size)
                    .map_err(|_| s3_error!(InvalidRequest, "Value for x-amz-mp-object-size header is invalid."))
            })
            .transpose()?;
        let version = operations
            .objects
            .complete_upload(CompleteInput {
                bucket: input.bucket.clone(),
                key: input.key,
                upload_id: input.upload_id,
                parts: parts.into_iter().map(part).collect::<S3Result<_>>()?,
                checksum: header_checksum(&headers)?.map(|(algorithm, value)| (algorithm, value.to_owned())),
                composite: parse_checksum_type(input.checksum_type.as_ref())?,
                object_size,
                conditions: conditions::write(&headers)?,
            })
            .await
            .map_err(to_s3_error)?;
        let mut output = CompleteMultipartUploadOutput {
            location: Some(location(&uri, &headers, &input.bucket, &version.key)),
            bucket: Some(input.bucket),
            e_tag: etag(&version.etag),
            checksum_type: checksum_type_of(version.checksum.as_ref()),
            ..CompleteMultipartUploadOutput::default()
        };
        set_checksum!(output, &version.checksum, version.parts.len());
        output.key = Some(references::text(&version.key));
        Ok(S3Response::new(output))
    }
}

/// A part as the request's document names it.
fn part(mut part: dto::CompletedPart) -> S3Result<CompletedPart> {
    let (Some(number), Some(etag)) = (part.part_number, part.e_tag.take()) else {
        return Err(s3_error!(MalformedXML, "Every part needs a PartNumber and an ETag."));
    };
    let mut named = ChecksumAlgorithm::all()
        .filter_map(|algorithm| checksum_field!(part, algorithm).take().map(|value| (algorithm, value)));
    let checksum = match (named.next(), named.next()) {
        (None, _) => None,
        (Some((algorithm, value)), None) => Some(ChecksumValue::decode(algorithm, &value).ok_or_else(malformed)?),
        (Some(_), Some(_)) => return Err(malformed()),
    };
    // What is no number of a part at all is refused with those that are too high.
    let number = u16::try_from(number).unwrap_or(u16::MAX);
    Ok(CompletedPart { number, etag: etag.into_value(), checksum })
}

fn malformed() -> s3s::S3Error {
    s3_error!(InvalidArgument, "Invalid Base64 or multiple checksums present in request")
}

/// The object's absolute URL: where the request went. `x-forwarded-proto` is what a proxy in front says that clients
/// use.
fn location(uri: &Uri, headers: &HeaderMap, bucket: &str, key: &str) -> String {
    let host = uri.authority().map(Authority::as_str).or_else(|| headers.get(HOST)?.to_str().ok());
    let Some(host) = host.filter(|host| !host.is_empty()) else {
        return references::text(&format!("/{bucket}/{key}"));
    };
    let https = headers.get("x-forwarded-proto").is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"));
    format!("{}://{host}{}", if https { "https" } else { "http" }, uri.path())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use s3s::dto::ETag;

    use super::*;

    fn named() -> dto::CompletedPart {
        dto::CompletedPart {
            part_number: Some(1),
            e_tag: Some(ETag::Strong("abc".to_owned())),
            ..dto::CompletedPart::default()
        }
    }

    #[test]
    fn a_part_has_a_number_an_etag_and_at_most_one_checksum() {
        assert_eq!(part(named()).unwrap().etag, "abc");
        let code = |named: dto::CompletedPart| part(named).map(|_| ()).unwrap_err().code().as_str().to_owned();
        assert_eq!(code(dto::CompletedPart { e_tag: None, ..named() }), "MalformedXML");
        assert_eq!(code(dto::CompletedPart { checksum_sha512: Some(String::new()), ..named() }), "InvalidArgument");
        assert_eq!(code(dto::CompletedPart { checksum_crc32: Some("AAAA".into()), ..named() }), "InvalidArgument");
        let twice = dto::CompletedPart {
            checksum_crc32: Some("AAAAAA==".to_owned()),
            checksum_crc32c: Some("AAAAAA==".to_owned()),
            ..named()
        };
        assert_eq!(code(twice), "InvalidArgument");
        assert_eq!(part(dto::CompletedPart { part_number: Some(-1), ..named() }).unwrap().number, u16::MAX);
    }

    #[test]
    fn locations_are_where_the_request_went() {
        let mut headers = HeaderMap::new();
        let uri = Uri::from_static("/b/a%20b?uploadId=1");
        assert_eq!(location(&uri, &headers, "b", "a b"), "/b/a b");
        headers.insert(HOST, HeaderValue::from_static("[::1]:9000"));
        assert_eq!(location(&uri, &headers, "b", "a b"), "http://[::1]:9000/b/a%20b");
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        assert_eq!(location(&uri, &headers, "b", "a b"), "https://[::1]:9000/b/a%20b");
    }
}
