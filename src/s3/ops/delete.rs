//! DeleteObject and DeleteObjects.

use s3s::dto::{
    self, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    ObjectIdentifier,
};
use s3s::{S3Response, S3Result, s3_error};

use super::{Answer, Operations, Request, conditions};
use crate::object::{DeleteInput, DeleteKey, EtagPattern, MAX_PAGE};
use crate::s3::error::to_s3_error;
use crate::s3::quirks::references;

impl Operations {
    pub async fn delete_object(&self, request: Request<DeleteObjectInput>) -> Answer<DeleteObjectOutput> {
        let Request { input, headers, .. } = request;
        if input.if_match_size.is_some() || input.if_match_last_modified_time.is_some() {
            return Err(unknown_condition());
        }
        let if_match = conditions::write(&headers)?.if_match;
        let key = DeleteKey { key: input.key, version_id: input.version_id, if_match };
        self.objects.delete_object(DeleteInput { bucket: input.bucket, key }).await.map_err(to_s3_error)?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    pub async fn delete_objects(&self, request: Request<DeleteObjectsInput>) -> Answer<DeleteObjectsOutput> {
        let input = request.input;
        if input.delete.objects.is_empty() || input.delete.objects.len() > MAX_PAGE {
            return Err(s3_error!(MalformedXML, "DeleteObjects takes 1 to {MAX_PAGE} keys."));
        }
        let keys = input.delete.objects.into_iter().map(key).collect::<S3Result<Vec<_>>>()?;
        let written = |key: &DeleteKey| (references::text(&key.key), key.version_id.as_deref().map(references::text));
        let named: Vec<_> = keys.iter().map(written).collect();
        let results = self.objects.delete_objects(&input.bucket, keys).await.map_err(to_s3_error)?;

        let quiet = input.delete.quiet.unwrap_or(false);
        let mut deleted = Vec::new();
        let mut errors = Vec::new();
        for ((key, version_id), result) in named.into_iter().zip(results) {
            match result {
                Ok(()) if quiet => {}
                Ok(()) => deleted.push(DeletedObject { key: Some(key), version_id, ..DeletedObject::default() }),
                Err(error) => {
                    let error = to_s3_error(error);
                    errors.push(dto::Error {
                        code: Some(error.code().as_str().to_owned()),
                        key: Some(key),
                        message: error.message().map(str::to_owned),
                        version_id,
                    });
                }
            }
        }
        let output =
            DeleteObjectsOutput { deleted: Some(deleted), errors: Some(errors), ..DeleteObjectsOutput::default() };
        Ok(S3Response::new(output))
    }
}

fn key(object: ObjectIdentifier) -> S3Result<DeleteKey> {
    if object.size.is_some() || object.last_modified_time.is_some() {
        return Err(unknown_condition());
    }
    let if_match = object.e_tag.map(|etag| EtagPattern::parse(etag.value()));
    Ok(DeleteKey { key: object.key, version_id: object.version_id, if_match })
}

fn unknown_condition() -> s3s::S3Error {
    s3_error!(NotImplemented, "Deleting on condition of size or time is not implemented.")
}
