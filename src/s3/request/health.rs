//! Health, for those who poll without credentials.

use bytes::Bytes;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Response, StatusCode};

use crate::object::Objects;
use crate::store::Health;

/// The answer if the request asks for health: live while the server answers at all, ready while the store takes writes
/// and has memory for them.
pub fn answer(method: &Method, path: &str, objects: &Objects) -> Option<Response<Bytes>> {
    let ready = match path {
        "/health/live" | "/minio/health/live" => false,
        "/health/ready" | "/minio/health/ready" => true,
        _ => return None,
    };
    if !matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let (status, text) = if !ready { (StatusCode::OK, Bytes::from_static(b"live\n")) } else { readiness(objects) };
    let mut answer = Response::new(text);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    let length = answer.body().len();
    answer.headers_mut().insert(CONTENT_LENGTH, length.into());
    if *method == Method::HEAD {
        *answer.body_mut() = Bytes::new();
    }
    Some(answer)
}

fn readiness(objects: &Objects) -> (StatusCode, Bytes) {
    match objects.store().health() {
        Health::Ready if objects.uploads_are_stuck() => {
            (StatusCode::SERVICE_UNAVAILABLE, Bytes::from_static(b"busy: uploads wait for memory\n"))
        }
        Health::Ready => (StatusCode::OK, Bytes::from_static(b"ready\n")),
        Health::Full => (StatusCode::SERVICE_UNAVAILABLE, Bytes::from_static(b"the disk is full\n")),
        // The reason names files: it is for the log.
        Health::Stalled { .. } => (StatusCode::SERVICE_UNAVAILABLE, Bytes::from_static(b"writes wait for the index\n")),
        Health::Degraded { damage, lost, index } => {
            let index = if index { ", the index is rebuilt at the next start" } else { "" };
            let text = format!("degraded: {damage} damaged places, {lost} segments lost{index}\n");
            (StatusCode::OK, text.into())
        }
        // The reason names paths, which are nobody's business; the log has it.
        Health::ReadOnly { .. } => (StatusCode::SERVICE_UNAVAILABLE, Bytes::from_static(b"read-only: see the log\n")),
    }
}
