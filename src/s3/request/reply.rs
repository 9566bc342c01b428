//! An answer's body; when it is gone, the request is over and is logged.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::{Method, StatusCode};
use s3s::StdError;

use super::context::RequestContext;
use crate::s3::peers::pressure::Peer;

/// The body, and what the log needs to know.
pub struct Reply {
    inner: s3s::Body,
    peer: Peer,
    log: Option<LogLine>,
}

struct LogLine {
    context: Arc<RequestContext>,
    status: StatusCode,
    code: Option<String>,
    sent: u64,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Dropped before its end: the client went or took too long.
    Aborted,
    Failed,
    Complete,
}

impl Reply {
    pub fn new(
        inner: s3s::Body,
        context: Arc<RequestContext>,
        peer: Peer,
        status: StatusCode,
        code: Option<String>,
    ) -> Self {
        let bodyless = *context.method() == Method::HEAD || inner.is_end_stream();
        let outcome = if bodyless { Outcome::Complete } else { Outcome::Aborted };
        Reply { inner, peer, log: Some(LogLine { context, status, code, sent: 0, outcome }) }
    }

    /// An answer that is not worth a line.
    pub fn unlogged(inner: s3s::Body, peer: Peer) -> Self {
        Reply { inner, peer, log: None }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        // Where memory is short, the next piece is read once the socket has taken the last.
        if self.peer.spares_memory() && self.peer.slot.poll_unblocked(cx).is_pending() {
            return Poll::Pending;
        }
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        let ended = self.inner.is_end_stream();
        if let Some(log) = &mut self.log {
            match &polled {
                Poll::Pending => {}
                Poll::Ready(None) => log.outcome = Outcome::Complete,
                Poll::Ready(Some(Ok(frame))) => {
                    log.sent += frame.data_ref().map_or(0, |data| data.len() as u64);
                    if ended {
                        log.outcome = Outcome::Complete;
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    tracing::error!(request_id = %log.context.id(), %error, "an answer failed after its headers were sent");
                    log.outcome = Outcome::Failed;
                }
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.peer.slot.end_request();
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        let context = &self.context;
        let named = context.named();
        tracing::info!(
            target: "deltastore::request",
            id = %context.id(),
            method = %context.method(),
            path = context.path(),
            principal = context.principal().map(tracing::field::display),
            operation = context.operation(),
            bucket = named.map(|named| named.bucket.as_str()),
            key = named.map(|named| named.key.as_str()).filter(|key| !key.is_empty()),
            status = self.status.as_u16(),
            bytes_in = context.received(),
            bytes_out = self.sent,
            duration_ms = context.started().elapsed().as_secs_f64() * 1000.0,
            code = self.code.as_deref(),
            outcome = match self.outcome {
                Outcome::Complete => None,
                Outcome::Aborted => Some("aborted"),
                Outcome::Failed => Some("failed"),
            },
            "request"
        );
    }
}
