//! Parts of multipart uploads: upload, copy, list.

use deltastore_format::PartPut;
use s3s::dto::{
    self, CopyPartResult, ListPartsInput as List, ListPartsOutput as Listed, UploadPartCopyInput as Copy,
    UploadPartCopyOutput, UploadPartInput as Upload, UploadPartOutput,
};
use s3s::{S3Response, S3Result, s3_error};

use super::convert::{algorithm_name, checksum_type, count, etag, listed_class, set_checksum, size, timestamp};
use super::{Answer, Operations, Request, copy_source, upload_body};
use crate::object::{ListPartsInput, UploadPartCopyInput, UploadPartInput};
use crate::s3::error::to_s3_error;
use crate::s3::quirks::references;

impl Operations {
    pub async fn upload_part(&self, request: Request<Upload>) -> Answer<UploadPartOutput> {
        let Request { input, headers, extensions, .. } = request;
        let part = self
            .objects
            .upload_part(UploadPartInput {
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

    pub async fn upload_part_copy(&self, request: Request<Copy>) -> Answer<UploadPartCopyOutput> {
        let Request { input, headers, .. } = request;
        let part = self
            .objects
            .upload_part_copy(UploadPartCopyInput {
                source: copy_source::read(&headers)?,
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

    pub async fn list_parts(&self, request: Request<List>) -> Answer<Listed> {
        let input = request.input;
        let page = self
            .objects
            .list_parts(ListPartsInput {
                bucket: input.bucket.clone(),
                key: input.key.clone(),
                upload_id: input.upload_id.clone(),
                part_number_marker: input.part_number_marker,
                max_parts: input.max_parts,
            })
            .await
            .map_err(to_s3_error)?;
        Ok(S3Response::new(Listed {
            bucket: Some(input.bucket),
            checksum_algorithm: page.upload.checksum.map(|(algorithm, _)| algorithm_name(algorithm)),
            checksum_type: page.upload.checksum.map(|(_, composite)| checksum_type(composite)),
            initiator: Some(self.owner.initiator()),
            is_truncated: Some(page.truncated),
            key: Some(references::text(&input.key)),
            max_parts: Some(count(page.max_parts)),
            next_part_number_marker: page.next_part_number_marker.map(i32::from),
            owner: Some(self.owner.owner()),
            part_number_marker: Some(input.part_number_marker.unwrap_or(0)),
            parts: Some(page.parts.into_iter().map(entry).collect()),
            storage_class: Some(dto::StorageClass::from(listed_class(&page.upload.metadata))),
            upload_id: Some(references::text(&input.upload_id)),
            ..Listed::default()
        }))
    }
}

fn entry(part: PartPut) -> dto::Part {
    let mut entry = dto::Part {
        e_tag: etag(&part.etag),
        last_modified: Some(timestamp(part.modified_ms)),
        part_number: Some(i32::from(part.number)),
        size: Some(size(part.size)),
        ..dto::Part::default()
    };
    set_checksum!(entry, &part.checksum, 0);
    entry
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
