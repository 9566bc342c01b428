//! ListObjects.

use s3s::S3Response;
use s3s::dto::{ListObjectsInput, ListObjectsOutput};

use super::names::{Names, entry, prefixes};
use crate::object::ListInput;
use crate::s3::error::to_s3_error;
use crate::s3::ops::convert::count;
use crate::s3::ops::{Answer, Operation, Operations, Request};

pub struct ListObjects;

impl Operation for ListObjects {
    type Input = ListObjectsInput;
    type Output = ListObjectsOutput;

    async fn run(operations: &Operations, request: Request<ListObjectsInput>) -> Answer<ListObjectsOutput> {
        let input = request.input;
        let names = Names::new(input.encoding_type)?;
        let page = operations
            .objects
            .list_objects(ListInput {
                bucket: input.bucket.clone(),
                prefix: input.prefix.clone().unwrap_or_default(),
                delimiter: input.delimiter.clone().unwrap_or_default(),
                after: input.marker.clone().unwrap_or_default(),
                token: None,
                max_keys: input.max_keys,
            })
            .await
            .map_err(to_s3_error)?;
        // S3 gives a marker only with a delimiter; without one, clients go on from the last key.
        let with_marker = input.delimiter.as_deref().is_some_and(|delimiter| !delimiter.is_empty());
        let next_marker = page.next_marker.filter(|_| with_marker).map(|marker| names.write(marker.as_str()));
        let owner = operations.owner.owner();
        Ok(S3Response::new(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(names.write(&input.prefix.unwrap_or_default())),
            marker: Some(names.write(&input.marker.unwrap_or_default())),
            max_keys: Some(count(page.max_keys)),
            is_truncated: Some(page.truncated),
            contents: Some(page.objects.into_iter().map(|object| entry(object, &names, Some(&owner))).collect()),
            common_prefixes: Some(prefixes(page.prefixes, &names)),
            delimiter: names.write_given(input.delimiter.as_deref()),
            next_marker,
            encoding_type: names.encoding_type(),
            request_charged: None,
        }))
    }
}
