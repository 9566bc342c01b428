//! DeleteBucket.

use s3s::S3Response;
use s3s::dto::{DeleteBucketInput, DeleteBucketOutput};

use crate::s3::error::to_s3_error;
use crate::s3::ops::{Answer, Operation, Operations, Request};

pub struct DeleteBucket;

impl Operation for DeleteBucket {
    type Input = DeleteBucketInput;
    type Output = DeleteBucketOutput;

    async fn run(operations: &Operations, request: Request<DeleteBucketInput>) -> Answer<DeleteBucketOutput> {
        operations.objects.delete_bucket(&request.input.bucket).await.map_err(to_s3_error)?;
        Ok(S3Response::new(DeleteBucketOutput::default()))
    }
}
