//! UploadPart.

use s3s::S3Response;
use s3s::dto::{UploadPartInput, UploadPartOutput};

use crate::object;
use crate::s3::error::to_s3_error;
use crate::s3::ops::convert::{etag, set_checksum};
use crate::s3::ops::{Answer, Operation, Operations, Request, upload_body};

pub struct UploadPart;

impl Operation for UploadPart {
    type Input = UploadPartInput;
    type Output = UploadPartOutput;

    async fn run(operations: &Operations, request: Request<UploadPartInput>) -> Answer<UploadPartOutput> {
        let Request { input, headers, extensions, .. } = request;
        let part = operations
            .objects
            .upload_part(object::UploadPartInput {
                expect: upload_body::expect(&headers, input.content_length, extensions.get())?,
                bucket: input.bucket,
                key: input.key,
                upload_id: input.upload_id,
                number: input.part_number,
                body: upload_body::stream(input.body),
            })
            .await
            .map_err(to_s3_error)?;
        let mut output = UploadPartOutput { e_tag: etag(&part.put.etag), ..UploadPartOutput::default() };
        set_checksum!(output, Some(&part.checksum), 0);
        Ok(S3Response::new(output))
    }
}
