//! `GET /_deltastore/inspect/BUCKET/KEY`: how one object is stored.

use s3s::{Body, HttpResponse, S3Error, S3Result, s3_error};

use super::query::Query;
use super::state::{Admin, PREFIX, answer};
use crate::object::ObjectError;
use crate::object::content::run_read;
use crate::remote::percent;
use crate::s3::error::to_s3_error;
use crate::s3::request::context::BucketAndKey;

/// The object that the rest of a path names.
///
/// # Errors
/// `InvalidURI` if it is not percent-encoded UTF-8, `InvalidRequest` if bucket or key are missing.
pub fn named(path: &str) -> S3Result<BucketAndKey> {
    let decoded =
        percent::decode(path).ok_or_else(|| s3_error!(InvalidURI, "The path is not percent-encoded UTF-8."))?;
    match decoded.split_once('/') {
        Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
            Ok(BucketAndKey { bucket: bucket.to_owned(), key: key.to_owned() })
        }
        _ => Err(s3_error!(InvalidRequest, "An object is named by {PREFIX}inspect/BUCKET/KEY.")),
    }
}

impl Admin {
    pub(super) async fn inspect(&self, named: &BucketAndKey, query: Query) -> S3Result<HttpResponse> {
        let _turn = self.inspecting.acquire().await.map_err(S3Error::internal_error)?;
        let found = self.objects.inspect_object(&named.bucket, &named.key, query.version_id.as_deref()).await;
        let found = found.map_err(to_s3_error)?;
        let written = run_read(self.objects.store(), move |_| serde_json::to_vec(&found)).await;
        let text = written.map_err(|error| to_s3_error(ObjectError::from(error)))?.map_err(S3Error::internal_error)?;
        Ok(answer(Body::from(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded_and_may_hold_anything() {
        let names = |path: &str| named(path).map(|found| (found.bucket, found.key)).ok();
        let pair = |bucket: &str, key: &str| Some((bucket.to_owned(), key.to_owned()));
        assert_eq!(names("b/a/b"), pair("b", "a/b"));
        assert_eq!(names("b//a+%2B%2f%20"), pair("b", "/a++/ "));
        for wrong in ["", "b", "b/", "/k", "b/%", "b/%ff"] {
            assert_eq!(names(wrong), None, "{wrong}");
        }
    }
}
