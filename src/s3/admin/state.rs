//! What the answers to administrators share.

use hyper::header::{CONTENT_TYPE, HeaderValue};
use s3s::{Body, HttpResponse};
use tokio::sync::Semaphore;

use crate::object::Objects;

pub const PREFIX: &str = "/_deltastore/";

/// Answers administrators.
pub struct Admin {
    pub(super) objects: Objects,
    /// One inspection at a time: its report is held in memory.
    pub(super) inspecting: Semaphore,
}

impl Admin {
    pub fn new(objects: Objects) -> Self {
        Self { objects, inspecting: Semaphore::new(1) }
    }
}

/// An answer in JSON.
pub(super) fn answer(body: Body) -> HttpResponse {
    let mut answer = HttpResponse::new(body);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
