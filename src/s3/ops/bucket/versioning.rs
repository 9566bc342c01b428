//! GetBucketVersioning.

use s3s::S3Response;
use s3s::dto::{GetBucketVersioningInput, GetBucketVersioningOutput};

use crate::s3::error::to_s3_error;
use crate::s3::ops::{Answer, Operation, Operations, Request};

pub struct GetBucketVersioning;

impl Operation for GetBucketVersioning {
    type Input = GetBucketVersioningInput;
    type Output = GetBucketVersioningOutput;

    /// Buckets are not versioned.
    async fn run(
        operations: &Operations,
        request: Request<GetBucketVersioningInput>,
    ) -> Answer<GetBucketVersioningOutput> {
        operations.objects.bucket(&request.input.bucket).map_err(to_s3_error)?;
        Ok(S3Response::new(GetBucketVersioningOutput::default()))
    }
}
