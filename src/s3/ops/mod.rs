//! S3 operations over the object layer, a file for each operation or family. Each takes s3s's request apart, calls
//! [`crate::object::Objects`] and writes the answer; what an operation means is decided below.

mod attributes;
mod buckets;
mod conditions;
pub mod constants;
pub mod convert;
mod copy;
mod copy_source;
mod delete;
mod get;
mod list;
mod multipart;
mod parts;
mod put;
mod range;
mod read;
mod upload_body;

use s3s::{S3Request, S3Response, S3Result};

use crate::object::Objects;

/// What every operation gets.
#[derive(Clone)]
pub struct Operations {
    objects: Objects,
    owner: convert::OwnerId,
    region: Option<String>,
}

impl Operations {
    pub fn new(objects: Objects, access_key: &str, region: Option<String>) -> Self {
        Operations { objects, owner: convert::OwnerId::new(access_key), region }
    }
}

/// How an operation is called and answers.
type Request<T> = S3Request<T>;
type Answer<T> = S3Result<S3Response<T>>;
