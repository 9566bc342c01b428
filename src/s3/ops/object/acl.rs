//! GetObjectAcl.

use s3s::S3Response;
use s3s::dto::{GetObjectAclInput, GetObjectAclOutput};

use crate::object::GetInput;
use crate::s3::error::to_s3_error;
use crate::s3::ops::{Answer, Operation, Operations, Request};

pub struct GetObjectAcl;

impl Operation for GetObjectAcl {
    type Input = GetObjectAclInput;
    type Output = GetObjectAclOutput;

    /// Everything is private to the root user.
    async fn run(operations: &Operations, request: Request<GetObjectAclInput>) -> Answer<GetObjectAclOutput> {
        let input = request.input;
        let named =
            GetInput { bucket: input.bucket, key: input.key, version_id: input.version_id, ..GetInput::default() };
        operations.objects.head_object(&named).map_err(to_s3_error)?;
        Ok(S3Response::new(GetObjectAclOutput {
            grants: Some(vec![operations.owner.full_control()]),
            owner: Some(operations.owner.owner()),
            ..GetObjectAclOutput::default()
        }))
    }
}
