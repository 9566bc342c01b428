//! ListParts.

use deltastore_format::PartPut;
use s3s::S3Response;
use s3s::dto::{self, ListPartsInput, ListPartsOutput};

use crate::object;
use crate::s3::error::to_s3_error;
use crate::s3::ops::convert::{
    algorithm_name, checksum_type, count, etag, listed_class, set_checksum, size, timestamp,
};
use crate::s3::ops::{Answer, Operation, Operations, Request};
use crate::s3::quirks::references;

pub struct ListParts;

impl Operation for ListParts {
    type Input = ListPartsInput;
    type Output = ListPartsOutput;

    async fn run(operations: &Operations, request: Request<ListPartsInput>) -> Answer<ListPartsOutput> {
        let input = request.input;
        let page = operations
            .objects
            .list_parts(object::ListPartsInput {
                bucket: input.bucket.clone(),
                key: input.key.clone(),
                upload_id: input.upload_id.clone(),
                part_number_marker: input.part_number_marker,
                max_parts: input.max_parts,
            })
            .await
            .map_err(to_s3_error)?;
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket),
            checksum_algorithm: page.upload.checksum.map(|(algorithm, _)| algorithm_name(algorithm)),
            checksum_type: page.upload.checksum.map(|(_, composite)| checksum_type(composite)),
            initiator: Some(operations.owner.initiator()),
            is_truncated: Some(page.truncated),
            key: Some(references::text(&input.key)),
            max_parts: Some(count(page.max_parts)),
            next_part_number_marker: page.next_part_number_marker.map(i32::from),
            owner: Some(operations.owner.owner()),
            part_number_marker: Some(input.part_number_marker.unwrap_or(0)),
            parts: Some(page.parts.into_iter().map(entry).collect()),
            storage_class: Some(dto::StorageClass::from(listed_class(&page.upload.metadata))),
            upload_id: Some(references::text(&input.upload_id)),
            ..ListPartsOutput::default()
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
