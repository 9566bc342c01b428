//! HeadBucket.

use s3s::S3Response;
use s3s::dto::{HeadBucketInput, HeadBucketOutput};

use super::location::DEFAULT_REGION;
use crate::s3::error::to_s3_error;
use crate::s3::ops::{Answer, Operation, Operations, Request};

pub struct HeadBucket;

impl Operation for HeadBucket {
    type Input = HeadBucketInput;
    type Output = HeadBucketOutput;

    async fn run(operations: &Operations, request: Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        operations.objects.bucket(&request.input.bucket).map_err(to_s3_error)?;
        let bucket_region = Some(operations.region.clone().unwrap_or_else(|| DEFAULT_REGION.to_owned()));
        Ok(S3Response::new(HeadBucketOutput { bucket_region, ..HeadBucketOutput::default() }))
    }
}
