//! s3s as it is, for the tests that tell when a quirk can go.

use s3s::dto::{HeadObjectInput, HeadObjectOutput};
use s3s::service::S3ServiceBuilder;
use s3s::{HttpRequest, S3, S3Request, S3Response, S3Result};

/// Answers HeadObject with a range, and all else with NotImplemented.
struct Bare;

#[async_trait::async_trait]
impl S3 for Bare {
    async fn head_object(&self, _: S3Request<HeadObjectInput>) -> S3Result<S3Response<HeadObjectOutput>> {
        let content_range = Some("bytes 0-0/2".to_owned());
        Ok(S3Response::new(HeadObjectOutput { content_range, ..HeadObjectOutput::default() }))
    }
}

/// The status with which s3s answers: 501 where it understands the request.
pub async fn status(request: HttpRequest) -> u16 {
    S3ServiceBuilder::new(Bare).build().call(request).await.expect("an answer").status().as_u16()
}
