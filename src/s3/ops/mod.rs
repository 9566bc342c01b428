//! S3 operations over the object layer, a file for each. Each takes s3s's request apart, calls
//! [`crate::object::Objects`] and writes the answer; what an operation means is decided below. `table.rs` lists them.

mod answer_body;
mod bucket;
mod conditions;
mod convert;
mod copy_source;
mod list;
mod object;
mod range;
mod sent;
pub mod table;
#[cfg(test)]
mod tests;
mod upload;
mod upload_body;

use s3s::{S3Request, S3Response, S3Result};

use crate::object::Objects;

pub use self::sent::Sent;

/// An operation of S3.
pub trait Operation {
    type Input;
    type Output;

    /// Answers a request.
    fn run(operations: &Operations, request: Request<Self::Input>)
    -> impl Future<Output = Answer<Self::Output>> + Send;
}

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
