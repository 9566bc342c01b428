//! CopyObject.

use s3s::dto::{CopyObjectInput, CopyObjectOutput, CopyObjectResult};
use s3s::{S3Response, S3Result, s3_error};

use crate::object::{CopyInput, MetadataDirective, TaggingDirective, parse_tags};
use crate::s3::error::to_s3_error;
use crate::s3::ops::convert::{
    checksum_type_of, etag, metadata, set_checksum, storage_class, timestamp, website_redirect,
};
use crate::s3::ops::upload_body::named_algorithm;
use crate::s3::ops::{Answer, Operation, Operations, Request, conditions, copy_source};

pub struct CopyObject;

impl Operation for CopyObject {
    type Input = CopyObjectInput;
    type Output = CopyObjectOutput;

    async fn run(operations: &Operations, request: Request<CopyObjectInput>) -> Answer<CopyObjectOutput> {
        let Request { input, headers, extensions, .. } = request;
        let copy = CopyInput {
            source: copy_source::read(&headers, &extensions)?,
            metadata: match directive(input.metadata_directive.as_ref().map(|directive| directive.as_str()))? {
                false => MetadataDirective::Copy,
                true => MetadataDirective::Replace(metadata(&headers, input.metadata, None)?),
            },
            tagging: match directive(input.tagging_directive.as_ref().map(|directive| directive.as_str()))? {
                false => TaggingDirective::Copy,
                true => TaggingDirective::Replace(
                    parse_tags(input.tagging.as_deref().unwrap_or_default()).map_err(to_s3_error)?,
                ),
            },
            storage_class: storage_class(&headers)?,
            website_redirect: website_redirect(&headers)?,
            checksum: named_algorithm(&headers)?,
            conditions: conditions::write(&headers)?,
            bucket: input.bucket,
            key: input.key,
        };
        let version = operations.objects.copy_object(copy).await.map_err(to_s3_error)?;
        let mut result = CopyObjectResult {
            e_tag: etag(&version.etag),
            last_modified: Some(timestamp(version.modified_ms)),
            checksum_type: checksum_type_of(version.checksum.as_ref()),
            ..CopyObjectResult::default()
        };
        set_checksum!(result, &version.checksum, version.parts.len());
        Ok(S3Response::new(CopyObjectOutput { copy_object_result: Some(result), ..CopyObjectOutput::default() }))
    }
}

/// Is it REPLACE?
fn directive(directive: Option<&str>) -> S3Result<bool> {
    match directive {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(other) => Err(s3_error!(InvalidArgument, "Unknown directive {other}: use COPY or REPLACE.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_copy_unless_told_otherwise() {
        assert!(!directive(None).unwrap());
        assert!(!directive(Some("COPY")).unwrap());
        assert!(directive(Some("REPLACE")).unwrap());
        assert!(directive(Some("replace")).is_err());
    }
}
