//! CreateBucket.

use s3s::dto::{CreateBucketConfiguration, CreateBucketInput, CreateBucketOutput};
use s3s::{S3Response, S3Result, s3_error};

use super::location::DEFAULT_REGION;
use crate::object::ObjectError;
use crate::s3::error::to_s3_error;
use crate::s3::ops::sent::SignedRegion;
use crate::s3::ops::{Answer, Operation, Operations, Request};

pub struct CreateBucket;

impl Operation for CreateBucket {
    type Input = CreateBucketInput;
    type Output = CreateBucketOutput;

    /// Any location is accepted: there is only this one. Creating one's own bucket again changes nothing: in the
    /// default region S3 answers as if it had been created, in others with an error.
    async fn run(operations: &Operations, request: Request<CreateBucketInput>) -> Answer<CreateBucketOutput> {
        let Request { input, extensions, .. } = request;
        let region = operations.region.as_deref();
        if let Some(configuration) = &input.create_bucket_configuration {
            let own = [region, extensions.get().map(|SignedRegion(region)| region.as_str())];
            check_configuration(configuration, own)?;
        }
        match operations.objects.create_bucket(&input.bucket).await {
            Err(ObjectError::BucketAlreadyOwnedByYou { .. })
                if region.is_none_or(|region| region == DEFAULT_REGION) => {}
            created => drop(created.map_err(to_s3_error)?),
        }
        let location = Some(format!("/{}", input.bucket));
        Ok(S3Response::new(CreateBucketOutput { location, ..CreateBucketOutput::default() }))
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
    use s3s::dto::BucketLocationConstraint;

    use super::*;

    #[test]
    fn locations_are_regions() {
        let code = |location: &str| {
            let location_constraint = Some(BucketLocationConstraint::from(location.to_owned()));
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
