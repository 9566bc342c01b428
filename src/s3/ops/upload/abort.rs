//! AbortMultipartUpload.

use s3s::dto::{AbortMultipartUploadInput, AbortMultipartUploadOutput};
use s3s::{S3Response, s3_error};

use crate::s3::error::to_s3_error;
use crate::s3::ops::{Answer, Operation, Operations, Request};

pub struct AbortMultipartUpload;

impl Operation for AbortMultipartUpload {
    type Input = AbortMultipartUploadInput;
    type Output = AbortMultipartUploadOutput;

    async fn run(
        operations: &Operations,
        request: Request<AbortMultipartUploadInput>,
    ) -> Answer<AbortMultipartUploadOutput> {
        let input = request.input;
        if input.if_match_initiated_time.is_some() {
            return Err(s3_error!(NotImplemented, "Aborting on condition of time is not implemented."));
        }
        operations.objects.abort_upload(&input.bucket, &input.key, &input.upload_id).await.map_err(to_s3_error)?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }
}
