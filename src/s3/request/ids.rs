//! Request ids: unique per process, and unlikely to meet those of another.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;

/// `x-amz-request-id`: 16 upper-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(u64);

impl RequestId {
    pub fn header(self) -> HeaderValue {
        HeaderValue::try_from(self.to_string()).expect("hex digits are a valid header value")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

/// Gives out ids.
pub struct RequestIds {
    next: AtomicU64,
    host: [u8; 24],
}

impl RequestIds {
    pub fn new() -> Self {
        RequestIds { next: AtomicU64::new(rand::random()), host: rand::random() }
    }

    pub fn next(&self) -> RequestId {
        RequestId(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// `x-amz-id-2`: names this run of the server.
    pub fn host_id(&self) -> HeaderValue {
        HeaderValue::try_from(STANDARD.encode(self.host)).expect("base64 is a valid header value")
    }
}
