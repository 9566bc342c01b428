//! DeleteObject.

use s3s::dto::{DeleteObjectInput, DeleteObjectOutput};
use s3s::{S3Response, s3_error};

use crate::object::{DeleteInput, DeleteKey};
use crate::s3::error::to_s3_error;
use crate::s3::ops::{Answer, Operation, Operations, Request, conditions};

pub struct DeleteObject;

impl Operation for DeleteObject {
    type Input = DeleteObjectInput;
    type Output = DeleteObjectOutput;

    async fn run(operations: &Operations, request: Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        let Request { input, headers, .. } = request;
        if input.if_match_size.is_some() || input.if_match_last_modified_time.is_some() {
            return Err(unknown_condition());
        }
        let if_match = conditions::write(&headers)?.if_match;
        let key = DeleteKey { key: input.key, version_id: input.version_id, if_match };
        operations.objects.delete_object(DeleteInput { bucket: input.bucket, key }).await.map_err(to_s3_error)?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }
}

/// Also of one key among several.
pub fn unknown_condition() -> s3s::S3Error {
    s3_error!(NotImplemented, "Deleting on condition of size or time is not implemented.")
}
