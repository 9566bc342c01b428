//! GetObject.

use s3s::S3Response;
use s3s::dto::{GetObjectInput, GetObjectOutput};

use super::read::{asked, content_range, refused, wants_checksum};
use crate::object::HeadOutput;
use crate::s3::ops::convert::{checksum_type_of, etag, set_checksum, set_shown, size, storage_headers, timestamp};
use crate::s3::ops::{Answer, Operation, Operations, Request, answer_body};
use crate::s3::quirks::overrides;

pub struct GetObject;

impl Operation for GetObject {
    type Input = GetObjectInput;
    type Output = GetObjectOutput;

    async fn run(operations: &Operations, request: Request<GetObjectInput>) -> Answer<GetObjectOutput> {
        let Request { input, headers, uri, .. } = request;
        let mut extra = overrides::read(&uri)?;
        let with_checksum = wants_checksum(input.checksum_mode.as_ref());
        let asked = asked!(input, headers);
        let found = operations.objects.get_object(asked).await.map_err(|error| refused(error, &extra))?;
        let checksum = found.head.checksum().filter(|_| with_checksum).cloned();
        let HeadOutput { version, range, partial, parts_count } = found.head;
        extra.extend(storage_headers(&version));
        let length = range.end - range.start;
        let mut output = GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(answer_body::blob(found.body, length)),
            content_length: Some(size(length)),
            content_range: partial.then(|| content_range(&range, version.size)),
            e_tag: etag(&version.etag),
            last_modified: Some(timestamp(version.modified_ms)),
            parts_count: parts_count.map(|parts| i32::try_from(parts).unwrap_or(i32::MAX)),
            ..GetObjectOutput::default()
        };
        if let Some(checksum) = checksum {
            output.checksum_type = checksum_type_of(version.checksum.as_ref());
            set_checksum!(output, &Some(checksum), version.parts.len());
        }
        set_shown!(output, version.metadata);
        Ok(S3Response::with_headers(output, extra))
    }
}
