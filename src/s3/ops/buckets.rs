//! Buckets: create, look up, list, delete.

use s3s::dto::{
    self, CreateBucketInput, CreateBucketOutput, DeleteBucketInput, DeleteBucketOutput, GetBucketLocationInput,
    GetBucketLocationOutput, HeadBucketInput, HeadBucketOutput, ListBucketsInput, ListBucketsOutput,
};
use s3s::{S3Response, s3_error};

use super::convert::timestamp;
use super::{Answer, Operations, Request};
use crate::object::ObjectError;
use crate::s3::error::to_s3_error;

/// The region that S3 names by leaving it out.
const DEFAULT_REGION: &str = "us-east-1";
const MAX_BUCKETS_PAGE: i32 = 10_000;

impl Operations {
    /// Any location is accepted: there is only this one. Creating one's own bucket again changes nothing: in the default region
    /// S3 answers as if it had been created, in others with an error.
    pub async fn create_bucket(&self, request: Request<CreateBucketInput>) -> Answer<CreateBucketOutput> {
        let input = request.input;
        if input.create_bucket_configuration.as_ref().is_some_and(|configuration| configuration.tags.is_some()) {
            return Err(s3_error!(NotImplemented, "Bucket tags are not implemented."));
        }
        match self.objects.create_bucket(&input.bucket).await {
            Err(ObjectError::BucketAlreadyOwnedByYou { .. }) if self.is_default_region() => {}
            created => drop(created.map_err(to_s3_error)?),
        }
        let location = Some(format!("/{}", input.bucket));
        Ok(S3Response::new(CreateBucketOutput { location, ..CreateBucketOutput::default() }))
    }

    fn is_default_region(&self) -> bool {
        self.region.as_deref().is_none_or(|region| region == DEFAULT_REGION)
    }

    pub async fn head_bucket(&self, request: Request<HeadBucketInput>) -> Answer<HeadBucketOutput> {
        self.objects.head_bucket(&request.input.bucket).map_err(to_s3_error)?;
        let bucket_region = Some(self.region.clone().unwrap_or_else(|| DEFAULT_REGION.to_owned()));
        Ok(S3Response::new(HeadBucketOutput { bucket_region, ..HeadBucketOutput::default() }))
    }

    pub async fn delete_bucket(&self, request: Request<DeleteBucketInput>) -> Answer<DeleteBucketOutput> {
        self.objects.delete_bucket(&request.input.bucket).await.map_err(to_s3_error)?;
        Ok(S3Response::new(DeleteBucketOutput::default()))
    }

    pub async fn get_bucket_location(
        &self,
        request: Request<GetBucketLocationInput>,
    ) -> Answer<GetBucketLocationOutput> {
        self.objects.head_bucket(&request.input.bucket).map_err(to_s3_error)?;
        let region = self.region.as_deref().filter(|&region| region != DEFAULT_REGION);
        let location_constraint = region.map(|region| dto::BucketLocationConstraint::from(region.to_owned()));
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint }))
    }

    /// The continuation token is the last name of the page before.
    pub async fn list_buckets(&self, request: Request<ListBucketsInput>) -> Answer<ListBucketsOutput> {
        let input = request.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = input.continuation_token.unwrap_or_default();
        let max = input.max_buckets.unwrap_or(MAX_BUCKETS_PAGE);
        if !(1..=MAX_BUCKETS_PAGE).contains(&max) {
            return Err(s3_error!(InvalidArgument, "max-buckets must be between 1 and {MAX_BUCKETS_PAGE}."));
        }
        let mut found = self.objects.list_buckets().await.map_err(to_s3_error)?;
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
            owner: Some(self.owner.owner()),
            prefix: input.prefix,
        }))
    }
}
