//! GetBucketAcl.

use s3s::S3Response;
use s3s::dto::{GetBucketAclInput, GetBucketAclOutput};

use crate::s3::error::to_s3_error;
use crate::s3::ops::{Answer, Operation, Operations, Request};

pub struct GetBucketAcl;

impl Operation for GetBucketAcl {
    type Input = GetBucketAclInput;
    type Output = GetBucketAclOutput;

    /// Everything is private to the root user.
    async fn run(operations: &Operations, request: Request<GetBucketAclInput>) -> Answer<GetBucketAclOutput> {
        operations.objects.bucket(&request.input.bucket).map_err(to_s3_error)?;
        Ok(S3Response::new(GetBucketAclOutput {
            grants: Some(vec![operations.owner.full_control()]),
            owner: Some(operations.owner.owner()),
        }))
    }
}
