//! `GET` and `PUT /_deltastore/policy`: what the optimizer does with a bucket.

use s3s::{Body, HttpResponse, S3Result, s3_error};
use serde_json::json;

use super::query::Query;
use super::state::{Admin, answer};
use crate::s3::error::to_s3_error;
use crate::store::Policy;

impl Admin {
    pub(super) fn policy(&self, query: Query) -> S3Result<HttpResponse> {
        let bucket = query.bucket.ok_or_else(|| s3_error!(InvalidArgument, "bucket is missing."))?;
        let found = self.objects.bucket(&bucket).map_err(to_s3_error)?;
        Ok(described(&bucket, found.settings.optimize))
    }

    pub(super) async fn set_policy(&self, query: Query) -> S3Result<HttpResponse> {
        let bucket = query.bucket.ok_or_else(|| s3_error!(InvalidArgument, "bucket is missing."))?;
        let policy = query.policy.ok_or_else(|| s3_error!(InvalidArgument, "policy is missing."))?;
        self.objects.set_optimize_policy(&bucket, policy).await.map_err(to_s3_error)?;
        Ok(described(&bucket, policy))
    }
}

fn described(bucket: &str, policy: Policy) -> HttpResponse {
    answer(Body::from(format!("{}\n", json!({ "bucket": bucket, "policy": policy.to_string() }))))
}
