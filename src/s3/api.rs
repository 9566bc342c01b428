//! The operations that are answered; s3s refuses all others with NotImplemented.

use s3s::{S3, S3Request, S3Response, S3Result, dto};

use super::ops::Operations;
use super::request::verified::Sent;
use crate::iam::Credentials;
use crate::object::Objects;

/// Forwards to [`Operations`], nothing else.
pub struct Api(Operations);

impl Api {
    pub fn new(objects: Objects, credentials: &Credentials, region: Option<String>) -> Self {
        Api(Operations::new(objects, &credentials.access_key, region))
    }
}

/// The region that the request's signature names.
#[derive(Clone)]
pub struct SignedRegion(pub String);

/// The request with what s3s was not shown.
fn as_sent<T>(mut request: S3Request<T>) -> S3Request<T> {
    if let Some(sent) = request.extensions.remove::<Sent>() {
        if let Some(headers) = sent.headers {
            request.headers = headers;
        }
        request.uri = sent.uri;
        request.extensions.insert(sent.trailers);
        request.extensions.insert(SignedRegion(sent.region));
    }
    request
}

/// An operation's method, which s3s names twice: as its function and as its types' prefix.
macro_rules! forward {
    ($($method:ident: $input:ident -> $output:ident;)*) => {
        /// The operations.
        #[cfg(test)]
        pub const FORWARDED: &[&str] = &[$(stringify!($method)),*];

        #[async_trait::async_trait]
        impl S3 for Api {
            $(async fn $method(&self, request: S3Request<dto::$input>) -> S3Result<S3Response<dto::$output>> {
                self.0.$method(as_sent(request)).await
            })*
        }
    };
}

forward! {
    create_bucket: CreateBucketInput -> CreateBucketOutput;
    head_bucket: HeadBucketInput -> HeadBucketOutput;
    delete_bucket: DeleteBucketInput -> DeleteBucketOutput;
    list_buckets: ListBucketsInput -> ListBucketsOutput;
    get_bucket_location: GetBucketLocationInput -> GetBucketLocationOutput;
    get_bucket_versioning: GetBucketVersioningInput -> GetBucketVersioningOutput;
    get_bucket_acl: GetBucketAclInput -> GetBucketAclOutput;
    get_object_acl: GetObjectAclInput -> GetObjectAclOutput;
    get_object_tagging: GetObjectTaggingInput -> GetObjectTaggingOutput;
    put_object: PutObjectInput -> PutObjectOutput;
    get_object: GetObjectInput -> GetObjectOutput;
    head_object: HeadObjectInput -> HeadObjectOutput;
    delete_object: DeleteObjectInput -> DeleteObjectOutput;
    delete_objects: DeleteObjectsInput -> DeleteObjectsOutput;
    copy_object: CopyObjectInput -> CopyObjectOutput;
    list_objects: ListObjectsInput -> ListObjectsOutput;
    list_objects_v2: ListObjectsV2Input -> ListObjectsV2Output;
    get_object_attributes: GetObjectAttributesInput -> GetObjectAttributesOutput;
    create_multipart_upload: CreateMultipartUploadInput -> CreateMultipartUploadOutput;
    upload_part: UploadPartInput -> UploadPartOutput;
    upload_part_copy: UploadPartCopyInput -> UploadPartCopyOutput;
    complete_multipart_upload: CompleteMultipartUploadInput -> CompleteMultipartUploadOutput;
    abort_multipart_upload: AbortMultipartUploadInput -> AbortMultipartUploadOutput;
    list_parts: ListPartsInput -> ListPartsOutput;
    list_multipart_uploads: ListMultipartUploadsInput -> ListMultipartUploadsOutput;
}
