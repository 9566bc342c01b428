//! What is known about a request while it runs, for its answer and the log.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Instant;

use hyper::body::Incoming;
use hyper::{Method, Uri};
use parking_lot::Mutex;

use super::fault::Fault;
use super::ids::RequestId;
use crate::s3::operation::Row;
use deltastore_iam::{Action, Denied, Principal, Resource};

/// Bucket and key that a request names; the key is empty where it names a bucket.
#[derive(Clone)]
pub struct BucketAndKey {
    pub bucket: String,
    pub key: String,
}

/// One request.
pub struct RequestContext {
    id: RequestId,
    started: Instant,
    method: Method,
    uri: Uri,
    operation: OnceLock<Cow<'static, str>>,
    row: OnceLock<&'static Row>,
    named: OnceLock<BucketAndKey>,
    principal: OnceLock<Principal>,
    authorized: AtomicBool,
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
            row: OnceLock::new(),
            named: OnceLock::new(),
            principal: OnceLock::new(),
            authorized: AtomicBool::new(false),
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

    /// The operation's name, once it is known.
    pub fn operation(&self) -> Option<&str> {
        self.row().map(|row| row.name).or_else(|| self.operation.get().map(AsRef::as_ref))
    }

    /// The row of the S3 operation, once it is known.
    pub fn row(&self) -> Option<&'static Row> {
        self.row.get().copied()
    }

    pub fn named(&self) -> Option<&BucketAndKey> {
        self.named.get()
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes());
        pairs.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
    }

    /// Remembers what the path names; only the first call counts.
    pub fn name(&self, named: Option<BucketAndKey>) {
        if let Some(named) = named {
            let _ = self.named.set(named);
        }
    }

    /// Remembers which operation of S3 it is; only the first call counts.
    pub fn resolve(&self, row: &'static Row) {
        let _ = self.row.set(row);
    }

    /// Remembers what the request turned out to be that is none of S3; only the first call counts.
    pub fn resolve_administration(&self, operation: Cow<'static, str>, named: Option<BucketAndKey>) {
        let _ = self.operation.set(operation);
        self.name(named);
    }

    /// Who sent the request, once that was found out.
    pub fn principal(&self) -> Option<&Principal> {
        self.principal.get()
    }

    /// Only the first call counts.
    pub fn set_principal(&self, principal: Principal) {
        let _ = self.principal.set(principal);
    }

    /// Whether who sent the request may do this to that. Asked through [`crate::s3::authorize`].
    ///
    /// # Errors
    /// [`Denied`], also while it is not known who sent it.
    pub fn authorize(&self, action: Action, resource: Resource<'_>) -> Result<(), Denied> {
        deltastore_iam::authorize(self.principal().unwrap_or(&Principal::Anonymous), action, resource)
    }

    /// What the request asks for is allowed.
    pub fn set_authorized(&self) {
        self.authorized.store(true, Ordering::Relaxed);
    }

    pub fn is_authorized(&self) -> bool {
        self.authorized.load(Ordering::Relaxed)
    }

    /// Body bytes received so far, transfer framing included.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    pub fn add_received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub fn fault(&self) -> Option<Fault> {
        Fault::of(self.fault.load(Ordering::Relaxed))
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
