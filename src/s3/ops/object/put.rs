//! PutObject.

use s3s::S3Response;
use s3s::dto::{PutObjectInput, PutObjectOutput};

use crate::object::PutInput;
use crate::s3::error::to_s3_error;
use crate::s3::ops::convert::{checksum_type_of, etag, metadata, set_checksum};
use crate::s3::ops::{Answer, Operation, Operations, Request, conditions, upload_body};

pub struct PutObject;

impl Operation for PutObject {
    type Input = PutObjectInput;
    type Output = PutObjectOutput;

    async fn run(operations: &Operations, request: Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        let Request { input, headers, extensions, .. } = request;
        let version = operations
            .objects
            .put_object(PutInput {
                expect: upload_body::expect(&headers, input.content_length, extensions.get())?,
                metadata: metadata(&headers, input.metadata, input.tagging.as_deref())?,
                conditions: conditions::write(&headers)?,
                bucket: input.bucket,
                key: input.key,
                body: upload_body::stream(input.body),
            })
            .await
            .map_err(to_s3_error)?;
        let mut output = PutObjectOutput {
            e_tag: etag(&version.etag),
            checksum_type: checksum_type_of(version.checksum.as_ref()),
            ..PutObjectOutput::default()
        };
        set_checksum!(output, &version.checksum, version.parts.len());
        Ok(S3Response::new(output))
    }
}
