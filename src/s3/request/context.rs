//! What is known about a request while it runs, for its answer and the log.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Instant;

use hyper::body::Incoming;
use hyper::{Method, StatusCode, Uri};
use parking_lot::Mutex;

use super::error_page::ErrorPage;
use super::ids::RequestId;
use crate::iam::Principal;

/// Bucket and key that a request names.
#[derive(Clone)]
pub struct Resource {
    pub bucket: String,
    pub key: String,
}

/// Why a body ended early. Kept beside the error that passes through s3s, which reports some of them as its own fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    Stalled = 1,
    Broken = 2,
    Sha256Mismatch = 3,
    ChunkSignature = 4,
    ChunkSize = 5,
    Trailers = 6,
}

impl Fault {
    /// What the client is told.
    pub fn page(self) -> ErrorPage {
        let (code, message) = match self {
            Fault::Stalled => (
                "RequestTimeout",
                "Your socket connection to the server was not read from or written to within the timeout period.",
            ),
            Fault::Broken => (
                "IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length HTTP header.",
            ),
            Fault::Sha256Mismatch => (
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            ),
            Fault::ChunkSignature => (
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your key and \
                 signing method.",
            ),
            Fault::ChunkSize => {
                ("InvalidChunkSizeError", "Only the last chunk is allowed to have a size less than 8192 bytes")
            }
            Fault::Trailers => (
                "MalformedTrailerError",
                "The request contained trailing data that was not well-formed or did not conform to our published \
                 schema.",
            ),
        };
        let status = match self {
            Fault::ChunkSignature | Fault::ChunkSize => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        };
        ErrorPage::new(status, code, message)
    }
}

/// One request.
pub struct RequestContext {
    id: RequestId,
    started: Instant,
    method: Method,
    uri: Uri,
    operation: OnceLock<String>,
    resource: OnceLock<Resource>,
    principal: OnceLock<Principal>,
    received: AtomicU64,
    fault: AtomicU8,
    unread: Mutex<Option<Incoming>>,
}

impl RequestContext {
    pub fn new(id: RequestId, method: Method, uri: Uri) -> Self {
        RequestContext {
            id,
            started: Instant::now(),
            method,
            uri,
            operation: OnceLock::new(),
            resource: OnceLock::new(),
            principal: OnceLock::new(),
            received: AtomicU64::new(0),
            fault: AtomicU8::new(0),
            unread: Mutex::new(None),
        }
    }

    pub fn id(&self) -> RequestId {
        self.id
    }

    pub fn started(&self) -> Instant {
        self.started
    }

    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path as sent, percent-encoded, so that no control character gets into a log or page. Never the query: it may
    /// hold a signature.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// The S3 operation, once it is known.
    pub fn operation(&self) -> Option<&str> {
        self.operation.get().map(String::as_str)
    }

    pub fn resource(&self) -> Option<&Resource> {
        self.resource.get()
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes());
        pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    }

    /// Remembers what the path names; only the first call counts.
    pub fn name(&self, resource: Option<Resource>) {
        if let Some(resource) = resource {
            let _ = self.resource.set(resource);
        }
    }

    /// Remembers what the request turned out to be; only the first call counts.
    pub fn resolve(&self, operation: String, resource: Option<Resource>) {
        let _ = self.operation.set(operation);
        self.name(resource);
    }

    /// Who sent the request, once its signature was verified.
    pub fn principal(&self) -> Option<&Principal> {
        self.principal.get()
    }

    /// Only the first call counts.
    pub fn set_principal(&self, principal: Principal) {
        let _ = self.principal.set(principal);
    }

    /// Body bytes received so far, transfer framing included.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    pub fn add_received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn fault(&self) -> Option<Fault> {
        match self.fault.load(Ordering::Relaxed) {
            1 => Some(Fault::Stalled),
            2 => Some(Fault::Broken),
            3 => Some(Fault::Sha256Mismatch),
            4 => Some(Fault::ChunkSignature),
            5 => Some(Fault::ChunkSize),
            6 => Some(Fault::Trailers),
            _ => None,
        }
    }

    pub fn set_fault(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::Relaxed);
    }

    /// Keeps a body that was dropped before its end.
    pub fn keep_unread(&self, body: Incoming) {
        *self.unread.lock() = Some(body);
    }

    pub fn take_unread(&self) -> Option<Incoming> {
        self.unread.lock().take()
    }
}
