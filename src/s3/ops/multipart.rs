//! Multipart uploads: create, complete, abort, list.

use deltastore_format::{ChecksumAlgorithm, UploadPut};
use http::HeaderMap;
use http::header::HOST;
use http::uri::{Authority, Uri};
use s3s::dto::{
    self, AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CreateMultipartUploadInput, CreateMultipartUploadOutput, ListMultipartUploadsInput,
    ListMultipartUploadsOutput, MultipartUpload,
};
use s3s::{S3Response, S3Result, s3_error};

use super::convert::{
    algorithm_name, checksum_field, checksum_type, checksum_type_of, count, etag, listed_class, metadata,
    parse_checksum_type, set_checksum, timestamp,
};
use super::list::{Names, prefixes};
use super::upload_body::{header_checksum, named_algorithm};
use super::{Answer, Operations, Request, conditions};
use crate::object::{
    ChecksumValue, CompleteInput, CompletedPart, CreateUploadInput, ListUploadsInput, MAX_PARTS, format_upload_id,
};
use crate::s3::error::to_s3_error;
use crate::s3::quirks::references;

impl Operations {
    pub async fn create_multipart_upload(
        &self,
        request: Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        let Request { input, headers, .. } = request;
        let upload = self
            .objects
            .create_upload(CreateUploadInput {
                metadata: metadata(&headers, input.metadata, input.tagging.as_deref())?,
                checksum: named_algorithm(&headers)?,
                composite: parse_checksum_type(input.checksum_type.as_ref())?,
                bucket: input.bucket.clone(),
                key: input.key,
            })
            .await
            .map_err(to_s3_error)?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(references::text(&upload.key)),
            upload_id: Some(format_upload_id(upload.upload)),
            checksum_algorithm: upload.checksum.map(|(algorithm, _)| algorithm_name(algorithm)),
            checksum_type: upload.checksum.map(|(_, composite)| checksum_type(composite)),
            ..CreateMultipartUploadOutput::default()
        }))
    }

    pub async fn complete_multipart_upload(
        &self,
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
        let version = self
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

    pub async fn abort_multipart_upload(
        &self,
        request: Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        let input = request.input;
        if input.if_match_initiated_time.is_some() {
            return Err(s3_error!(NotImplemented, "Aborting on condition of time is not implemented."));
        }
        self.objects.abort_upload(&input.bucket, &input.key, &input.upload_id).await.map_err(to_s3_error)?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    pub async fn list_multipart_uploads(
        &self,
        request: Request<ListMultipartUploadsInput>,
    ) -> Answer<ListMultipartUploadsOutput> {
        let input = request.input;
        let page = self
            .objects
            .list_uploads(ListUploadsInput {
                bucket: input.bucket.clone(),
                prefix: input.prefix.clone().unwrap_or_default(),
                delimiter: input.delimiter.clone().unwrap_or_default(),
                key_marker: input.key_marker.clone().unwrap_or_default(),
                upload_id_marker: input.upload_id_marker.clone().unwrap_or_default(),
                max_uploads: input.max_uploads,
            })
            .await
            .map_err(to_s3_error)?;
        let names = Names::new(input.encoding_type)?;
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            common_prefixes: Some(prefixes(page.prefixes, &names)),
            delimiter: names.write_given(input.delimiter.as_deref()),
            encoding_type: names.encoding_type(),
            is_truncated: Some(page.truncated),
            key_marker: Some(names.write(&input.key_marker.unwrap_or_default())),
            max_uploads: Some(count(page.max_uploads)),
            next_key_marker: page.next_key_marker.map(|marker| names.write(marker.as_str())),
            next_upload_id_marker: page.next_upload_id_marker,
            prefix: Some(names.write(&input.prefix.unwrap_or_default())),
            request_charged: None,
            upload_id_marker: Some(references::text(&input.upload_id_marker.unwrap_or_default())),
            uploads: Some(page.uploads.into_iter().map(|upload| self.upload(upload, &names)).collect()),
        }))
    }

    fn upload(&self, upload: UploadPut, names: &Names) -> MultipartUpload {
        MultipartUpload {
            checksum_algorithm: upload.checksum.map(|(algorithm, _)| algorithm_name(algorithm)),
            checksum_type: upload.checksum.map(|(_, composite)| checksum_type(composite)),
            initiated: Some(timestamp(upload.started_ms)),
            initiator: Some(self.owner.initiator()),
            key: Some(names.write(&upload.key)),
            owner: Some(self.owner.owner()),
            storage_class: Some(dto::StorageClass::from(listed_class(&upload.metadata))),
            upload_id: Some(format_upload_id(upload.upload)),
        }
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
