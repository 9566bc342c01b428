//! CreateMultipartUpload.

use s3s::S3Response;
use s3s::dto::{CreateMultipartUploadInput, CreateMultipartUploadOutput};

use crate::object::{CreateUploadInput, format_upload_id};
use crate::s3::error::to_s3_error;
use crate::s3::ops::convert::{algorithm_name, checksum_type, metadata, parse_checksum_type};
use crate::s3::ops::upload_body::named_algorithm;
use crate::s3::ops::{Answer, Operation, Operations, Request};
use crate::s3::quirks::references;

pub struct CreateMultipartUpload;

impl Operation for CreateMultipartUpload {
    type Input = CreateMultipartUploadInput;
    type Output = CreateMultipartUploadOutput;

    async fn run(
        operations: &Operations,
        request: Request<CreateMultipartUploadInput>,
    ) -> Answer<CreateMultipartUploadOutput> {
        let Request { input, headers, .. } = request;
        let upload = operations
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
}
