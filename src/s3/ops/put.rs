//! PutObject.

use s3s::S3Response;
use s3s::dto::{PutObjectInput, PutObjectOutput};

use super::convert::{checksum_type_of, etag, metadata, set_checksum};
use super::{Answer, Operations, Request, conditions, upload_body};
use crate::object::PutInput;
use crate::s3::error::to_s3_error;

impl Operations {
    pub async fn put_object(&self, request: Request<PutObjectInput>) -> Answer<PutObjectOutput> {
        let Request { input, headers, extensions, .. } = request;
        let version = self
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
