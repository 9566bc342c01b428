//! ListObjectsV2.

use s3s::S3Response;
use s3s::dto::{ListObjectsV2Input, ListObjectsV2Output};

use super::names::{Names, entry, prefixes};
use crate::object::ListInput;
use crate::s3::error::to_s3_error;
use crate::s3::ops::convert::count;
use crate::s3::ops::{Answer, Operation, Operations, Request};
use crate::s3::quirks::references;

pub struct ListObjectsV2;

impl Operation for ListObjectsV2 {
    type Input = ListObjectsV2Input;
    type Output = ListObjectsV2Output;

    async fn run(operations: &Operations, request: Request<ListObjectsV2Input>) -> Answer<ListObjectsV2Output> {
        let input = request.input;
        let names = Names::new(input.encoding_type)?;
        let page = operations
            .objects
            .list_objects(ListInput {
                bucket: input.bucket.clone(),
                prefix: input.prefix.clone().unwrap_or_default(),
                delimiter: input.delimiter.clone().unwrap_or_default(),
                after: input.start_after.clone().unwrap_or_default(),
                token: input.continuation_token.clone(),
                max_keys: input.max_keys,
            })
            .await
            .map_err(to_s3_error)?;
        let owner = input.fetch_owner.unwrap_or(false).then(|| operations.owner.owner());
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(names.write(&input.prefix.unwrap_or_default())),
            max_keys: Some(count(page.max_keys)),
            key_count: Some(count(page.objects.len() + page.prefixes.len())),
            continuation_token: input.continuation_token.as_deref().map(references::text),
            is_truncated: Some(page.truncated),
            next_continuation_token: page.next_token,
            contents: Some(page.objects.into_iter().map(|object| entry(object, &names, owner.as_ref())).collect()),
            common_prefixes: Some(prefixes(page.prefixes, &names)),
            delimiter: names.write_given(input.delimiter.as_deref()),
            encoding_type: names.encoding_type(),
            start_after: names.write_given(input.start_after.as_deref()),
            request_charged: None,
        }))
    }
}
