//! GetObjectTagging.

use s3s::S3Response;
use s3s::dto::{GetObjectTaggingInput, GetObjectTaggingOutput, Tag};

use crate::object::GetInput;
use crate::s3::error::to_s3_error;
use crate::s3::ops::{Answer, Operation, Operations, Request};
use crate::s3::quirks::references;

pub struct GetObjectTagging;

impl Operation for GetObjectTagging {
    type Input = GetObjectTaggingInput;
    type Output = GetObjectTaggingOutput;

    /// The tags that came with the object.
    async fn run(operations: &Operations, request: Request<GetObjectTaggingInput>) -> Answer<GetObjectTaggingOutput> {
        let input = request.input;
        let named =
            GetInput { bucket: input.bucket, key: input.key, version_id: input.version_id, ..GetInput::default() };
        let found = operations.objects.head_object(&named).map_err(to_s3_error)?;
        let tags = found.version.metadata.tags.into_iter();
        Ok(S3Response::new(GetObjectTaggingOutput {
            tag_set: tags.map(|(key, value)| tag(&key, &value)).collect(),
            ..GetObjectTaggingOutput::default()
        }))
    }
}

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: Some(references::text(key)), value: Some(references::text(value)) }
}
