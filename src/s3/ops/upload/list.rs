//! ListMultipartUploads.

use deltastore_format::UploadPut;
use s3s::S3Response;
use s3s::dto::{self, ListMultipartUploadsInput, ListMultipartUploadsOutput, MultipartUpload};

use crate::object::{ListUploadsInput, format_upload_id};
use crate::s3::error::to_s3_error;
use crate::s3::ops::convert::{algorithm_name, checksum_type, count, listed_class, timestamp};
use crate::s3::ops::list::names::{Names, prefixes};
use crate::s3::ops::{Answer, Operation, Operations, Request};
use crate::s3::quirks::references;

pub struct ListMultipartUploads;

impl Operation for ListMultipartUploads {
    type Input = ListMultipartUploadsInput;
    type Output = ListMultipartUploadsOutput;

    async fn run(
        operations: &Operations,
        request: Request<ListMultipartUploadsInput>,
    ) -> Answer<ListMultipartUploadsOutput> {
        let input = request.input;
        let page = operations
            .objects
            .list_uploads(ListUploadsInput {
                bucket: input.bucket.clone(),
                prefix: input.prefix.clone().unwrap_or_default(),
                delimiter: input.delimiter.clone().unwrap_or_default(),
                key_marker: input.key_marker.clone().unwrap_or_default(),
                upload_id_marker: input.upload_id_marker.clone().unwrap_or_default(),
                max_uploads: input.max_uploads,
            })
            .await
            .map_err(to_s3_error)?;
        let names = Names::new(input.encoding_type)?;
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            common_prefixes: Some(prefixes(page.prefixes, &names)),
            delimiter: names.write_given(input.delimiter.as_deref()),
            encoding_type: names.encoding_type(),
            is_truncated: Some(page.truncated),
            key_marker: Some(names.write(&input.key_marker.unwrap_or_default())),
            max_uploads: Some(count(page.max_uploads)),
            next_key_marker: page.next_key_marker.map(|marker| names.write(marker.as_str())),
            next_upload_id_marker: page.next_upload_id_marker,
            prefix: Some(names.write(&input.prefix.unwrap_or_default())),
            request_charged: None,
            upload_id_marker: Some(references::text(&input.upload_id_marker.unwrap_or_default())),
            uploads: Some(page.uploads.into_iter().map(|upload| entry(operations, upload, &names)).collect()),
        }))
    }
}

fn entry(operations: &Operations, upload: UploadPut, names: &Names) -> MultipartUpload {
    MultipartUpload {
        checksum_algorithm: upload.checksum.map(|(algorithm, _)| algorithm_name(algorithm)),
        checksum_type: upload.checksum.map(|(_, composite)| checksum_type(composite)),
        initiated: Some(timestamp(upload.started_ms)),
        initiator: Some(operations.owner.initiator()),
        key: Some(names.write(&upload.key)),
        owner: Some(operations.owner.owner()),
        storage_class: Some(dto::StorageClass::from(listed_class(&upload.metadata))),
        upload_id: Some(format_upload_id(upload.upload)),
    }
}
