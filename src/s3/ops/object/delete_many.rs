//! DeleteObjects.

use s3s::dto::{self, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ObjectIdentifier};
use s3s::{S3Error, S3Response, S3Result, s3_error};

use super::delete::unknown_condition;
use crate::object::{DeleteKey, EtagPattern, MAX_PAGE};
use crate::s3::authorize;
use crate::s3::error::to_s3_error;
use crate::s3::ops::{Answer, Operation, Operations, Request};
use crate::s3::quirks::references;

pub struct DeleteObjects;

impl Operation for DeleteObjects {
    type Input = DeleteObjectsInput;
    type Output = DeleteObjectsOutput;

    /// Each key is authorized, and those that are not stay as they are.
    async fn run(operations: &Operations, request: Request<DeleteObjectsInput>) -> Answer<DeleteObjectsOutput> {
        let Request { input, extensions, .. } = request;
        let (bucket, delete) = (input.bucket, input.delete);
        if delete.objects.is_empty() || delete.objects.len() > MAX_PAGE {
            return Err(s3_error!(MalformedXML, "DeleteObjects takes 1 to {MAX_PAGE} keys."));
        }
        let keys = delete.objects.into_iter().map(key).collect::<S3Result<Vec<_>>>()?;
        let authorized = keys.into_iter().map(|key| {
            let allowed = authorize::each(&extensions, &bucket, &key.key, key.version_id.as_deref());
            (Named::of(&key), allowed.map(|()| key))
        });
        let (mut answered, mut named, mut allowed) = (Answered::new(delete.quiet), Vec::new(), Vec::new());
        for (name, key) in authorized {
            match key {
                Ok(key) => {
                    named.push(name);
                    allowed.push(key);
                }
                Err(error) => answered.failed(name, error),
            }
        }
        if !allowed.is_empty() {
            let results = operations.objects.delete_objects(&bucket, allowed).await.map_err(to_s3_error)?;
            for (name, result) in named.into_iter().zip(results) {
                match result {
                    Ok(()) => answered.deleted(name),
                    Err(error) => answered.failed(name, to_s3_error(error)),
                }
            }
        }
        Ok(S3Response::new(answered.output()))
    }
}

/// A key as the answer names it.
struct Named {
    key: String,
    version_id: Option<String>,
}

impl Named {
    fn of(key: &DeleteKey) -> Self {
        Named { key: references::text(&key.key), version_id: key.version_id.as_deref().map(references::text) }
    }
}

struct Answered {
    quiet: bool,
    deleted: Vec<DeletedObject>,
    errors: Vec<dto::Error>,
}

impl Answered {
    fn new(quiet: Option<bool>) -> Self {
        Answered { quiet: quiet.unwrap_or(false), deleted: Vec::new(), errors: Vec::new() }
    }

    fn deleted(&mut self, Named { key, version_id }: Named) {
        if !self.quiet {
            self.deleted.push(DeletedObject { key: Some(key), version_id, ..DeletedObject::default() });
        }
    }

    fn failed(&mut self, Named { key, version_id }: Named, error: S3Error) {
        self.errors.push(dto::Error {
            code: Some(error.code().as_str().to_owned()),
            key: Some(key),
            message: error.message().map(str::to_owned),
            version_id,
        });
    }

    fn output(self) -> DeleteObjectsOutput {
        DeleteObjectsOutput { deleted: Some(self.deleted), errors: Some(self.errors), ..DeleteObjectsOutput::default() }
    }
}

fn key(object: ObjectIdentifier) -> S3Result<DeleteKey> {
    if object.size.is_some() || object.last_modified_time.is_some() {
        return Err(unknown_condition());
    }
    let if_match = object.e_tag.map(|etag| EtagPattern::parse(etag.value()));
    Ok(DeleteKey { key: object.key, version_id: object.version_id, if_match })
}
