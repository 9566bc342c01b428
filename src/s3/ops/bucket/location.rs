//! GetBucketLocation.

use s3s::S3Response;
use s3s::dto::{BucketLocationConstraint, GetBucketLocationInput, GetBucketLocationOutput};

use crate::s3::error::to_s3_error;
use crate::s3::ops::{Answer, Operation, Operations, Request};

/// The region that S3 names by leaving it out.
pub const DEFAULT_REGION: &str = "us-east-1";

pub struct GetBucketLocation;

impl Operation for GetBucketLocation {
    type Input = GetBucketLocationInput;
    type Output = GetBucketLocationOutput;

    async fn run(operations: &Operations, request: Request<GetBucketLocationInput>) -> Answer<GetBucketLocationOutput> {
        operations.objects.bucket(&request.input.bucket).map_err(to_s3_error)?;
        let region = operations.region.as_deref().filter(|&region| region != DEFAULT_REGION);
        let location_constraint = region.map(|region| BucketLocationConstraint::from(region.to_owned()));
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint }))
    }
}
