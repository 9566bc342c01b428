//! UploadPartCopy.

use s3s::dto::{CopyPartResult, UploadPartCopyInput, UploadPartCopyOutput};
use s3s::{S3Response, S3Result, s3_error};

use crate::object;
use crate::s3::error::to_s3_error;
use crate::s3::ops::convert::{etag, set_checksum, timestamp};
use crate::s3::ops::{Answer, Operation, Operations, Request, copy_source};

pub struct UploadPartCopy;

impl Operation for UploadPartCopy {
    type Input = UploadPartCopyInput;
    type Output = UploadPartCopyOutput;

    async fn run(operations: &Operations, request: Request<UploadPartCopyInput>) -> Answer<UploadPartCopyOutput> {
        let Request { input, headers, extensions, .. } = request;
        let part = operations
            .objects
            .upload_part_copy(object::UploadPartCopyInput {
                source: copy_source::read(&headers, &extensions)?,
                range: input.copy_source_range.as_deref().map(range).transpose()?,
                bucket: input.bucket,
                key: input.key,
                upload_id: input.upload_id,
                number: input.part_number,
            })
            .await
            .map_err(to_s3_error)?;
        let mut result = CopyPartResult {
            e_tag: etag(&part.etag),
            last_modified: Some(timestamp(part.modified_ms)),
            ..CopyPartResult::default()
        };
        set_checksum!(result, &part.checksum, 0);
        Ok(S3Response::new(UploadPartCopyOutput { copy_part_result: Some(result), ..UploadPartCopyOutput::default() }))
    }
}

/// `bytes=first-last`, both needed.
fn range(text: &str) -> S3Result<(u64, u64)> {
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    text.strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
        .and_then(|(first, last)| Some((number(first)?, number(last)?)))
        .filter(|(first, last)| first <= last)
        .ok_or_else(|| s3_error!(InvalidArgument, "x-amz-copy-source-range must be bytes=first-last, not {text:?}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copy_ranges_name_both_ends() {
        assert_eq!(range("bytes=0-9").unwrap(), (0, 9));
        for bad in ["bytes=5-", "bytes=-5", "0-9", "bytes=9-0", "bytes=+1-2", "bytes=0-1,3-4", ""] {
            assert_eq!(range(bad).unwrap_err().code().as_str(), "InvalidArgument", "{bad:?}");
        }
    }
}
