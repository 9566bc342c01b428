//! ListBuckets.

use s3s::dto::{self, ListBucketsInput, ListBucketsOutput};
use s3s::{S3Response, s3_error};

use crate::s3::error::to_s3_error;
use crate::s3::ops::convert::timestamp;
use crate::s3::ops::{Answer, Operation, Operations, Request};
use crate::s3::quirks::references;

const MAX_BUCKETS_PAGE: i32 = 10_000;

pub struct ListBuckets;

impl Operation for ListBuckets {
    type Input = ListBucketsInput;
    type Output = ListBucketsOutput;

    /// The continuation token is the last name of the page before.
    async fn run(operations: &Operations, request: Request<ListBucketsInput>) -> Answer<ListBucketsOutput> {
        let input = request.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = input.continuation_token.unwrap_or_default();
        let max = input.max_buckets.unwrap_or(MAX_BUCKETS_PAGE);
        if !(1..=MAX_BUCKETS_PAGE).contains(&max) {
            return Err(s3_error!(InvalidArgument, "max-buckets must be between 1 and {MAX_BUCKETS_PAGE}."));
        }
        let mut found = operations.objects.list_buckets().await.map_err(to_s3_error)?;
        found.retain(|bucket| bucket.name.starts_with(&prefix) && (after.is_empty() || bucket.name > after));
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let truncated = found.len() > max;
        found.truncate(max);
        let continuation_token = found.last().filter(|_| truncated).map(|bucket| bucket.name.clone());
        let buckets = found
            .into_iter()
            .map(|bucket| dto::Bucket {
                creation_date: Some(timestamp(bucket.created_ms)),
                name: Some(bucket.name),
                ..dto::Bucket::default()
            })
            .collect();
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(buckets),
            continuation_token,
            owner: Some(operations.owner.owner()),
            prefix: input.prefix.as_deref().map(references::text),
        }))
    }
}
