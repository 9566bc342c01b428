//! Buckets: create, look up, list, delete.

use s3s::dto::{
    self, CreateBucketConfiguration, CreateBucketInput, CreateBucketOutput, DeleteBucketInput, DeleteBucketOutput,
    GetBucketLocationInput, GetBucketLocationOutput, HeadBucketInput, HeadBucketOutput, ListBucketsInput,
    ListBucketsOutput,
};
use s3s::{S3Response, S3Result, s3_error};

use super::convert::timestamp;
use super::{Answer, Operations, Request};
use crate::object::ObjectError;
use crate::s3::api::SignedRegion;
use crate::s3::error::to_s3_error;
use crate::s3::quirks::references;

/// The region that S3 names by leaving it out.
const DEFAULT_REGION: &str = "us-east-1";
const MAX_BUCKETS_PAGE: i32 = 10_000;

impl Operations {
    /// Any location is accepted: there is only this one. Creating one's own bucket again changes nothing: in the
    /// default region S3 answers as if it had been created, in others with an error.
    pub async fn create_bucket(&self, request: Request<CreateBucketInput>) -> Answer<CreateBucketOutput> {
        let Request { input, extensions, .. } = request;
        if let Some(configuration) = &input.create_bucket_configuration {
            let own = [self.region.as_deref(), extensions.get().map(|SignedRegion(region)| region.as_str())];
            check_configuration(configuration, own)?;
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
            prefix: input.prefix.as_deref().map(references::text),
        }))
    }
}

/// # Errors
/// `InvalidLocationConstraint` for what is no region; `NotImplemented` for what would be ignored.
fn check_configuration(configuration: &CreateBucketConfiguration, own: [Option<&str>; 2]) -> S3Result<()> {
    if configuration.tags.is_some() {
        return Err(s3_error!(NotImplemented, "Bucket tags are not implemented."));
    }
    if configuration.bucket.is_some() || configuration.location.is_some() {
        return Err(s3_error!(NotImplemented, "Directory buckets are not implemented."));
    }
    let location = configuration.location_constraint.as_ref().map_or("", |location| location.as_str());
    if location.is_empty() || is_region(location) || own.contains(&Some(location)) {
        return Ok(());
    }
    Err(s3_error!(InvalidLocationConstraint, "The specified location-constraint is not valid."))
}

/// Is it the name of a region, as AWS makes them: `eu-central-1`?
fn is_region(name: &str) -> bool {
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let parts: Vec<&str> = name.split('-').collect();
    match parts.as_slice() {
        ["EU"] => true,
        [words @ .., number] => {
            let is_number = (1..=2).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
            words.len() >= 2 && words.iter().all(|word| letters(word)) && is_number
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_regions() {
        let code = |location: &str| {
            let location_constraint = Some(dto::BucketLocationConstraint::from(location.to_owned()));
            let configuration = CreateBucketConfiguration { location_constraint, ..Default::default() };
            let checked = check_configuration(&configuration, [Some("RegionOne"), None]);
            checked.err().map(|error| error.code().as_str().to_owned())
        };
        for region in ["", "EU", "us-east-1", "us-gov-west-1", "ap-southeast-5", "RegionOne"] {
            assert_eq!(code(region), None, "{region}");
        }
        for nonsense in ["nonsense", "RegionTwo", "us-1", "us--1", "us-east", "us-east-1!", "us-east-123"] {
            assert_eq!(code(nonsense).as_deref(), Some("InvalidLocationConstraint"), "{nonsense}");
        }
    }
}
