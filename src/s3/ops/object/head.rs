//! HeadObject.

use s3s::S3Response;
use s3s::dto::{HeadObjectInput, HeadObjectOutput};

use super::read::{asked, content_range, refused, wants_checksum};
use crate::object::HeadOutput;
use crate::s3::ops::convert::{checksum_type_of, etag, set_checksum, set_shown, size, storage_headers, timestamp};
use crate::s3::ops::{Answer, Operation, Operations, Request};
use crate::s3::quirks::overrides;

pub struct HeadObject;

impl Operation for HeadObject {
    type Input = HeadObjectInput;
    type Output = HeadObjectOutput;

    async fn run(operations: &Operations, request: Request<HeadObjectInput>) -> Answer<HeadObjectOutput> {
        let Request { input, headers, uri, .. } = request;
        let mut extra = overrides::read(&uri)?;
        let with_checksum = wants_checksum(input.checksum_mode.as_ref());
        let asked = asked!(input, headers);
        let head = operations.objects.head_object(&asked).map_err(|error| refused(error, &extra))?;
        let checksum = head.checksum().filter(|_| with_checksum).cloned();
        let HeadOutput { version, range, partial, parts_count } = head;
        extra.extend(storage_headers(&version));
        let mut output = HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(size(range.end - range.start)),
            content_range: partial.then(|| content_range(&range, version.size)),
            e_tag: etag(&version.etag),
            last_modified: Some(timestamp(version.modified_ms)),
            parts_count: parts_count.map(|parts| i32::try_from(parts).unwrap_or(i32::MAX)),
            ..HeadObjectOutput::default()
        };
        if let Some(checksum) = checksum {
            output.checksum_type = checksum_type_of(version.checksum.as_ref());
            set_checksum!(output, &Some(checksum), version.parts.len());
        }
        set_shown!(output, version.metadata);
        Ok(S3Response::with_headers(output, extra))
    }
}
