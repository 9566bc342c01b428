//! A request's body: counted, timed, and told apart when it breaks.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::context::RequestContext;
use super::fault::Fault;
use crate::s3::peers::pressure::PeerClock;

/// Why reading a body failed.
#[derive(Debug, thiserror::Error)]
pub enum BodyFault {
    #[error("the client sends too little for too long")]
    Stalled,
    #[error("the body broke off: {0}")]
    Broken(#[source] hyper::Error),
}

/// hyper's body with a [`PeerClock`]. Dropped before its end, it leaves the rest to the context.
pub struct IncomingBody {
    inner: Option<Incoming>,
    context: Arc<RequestContext>,
    clock: PeerClock,
}

impl IncomingBody {
    pub fn new(inner: Incoming, context: Arc<RequestContext>, clock: PeerClock) -> Self {
        IncomingBody { inner: Some(inner), context, clock }
    }

    /// Counts what came.
    fn received(&mut self, data: &Bytes) {
        self.context.add_received(data.len());
        self.clock.progress(data.len());
    }
}

impl Body for IncomingBody {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = &mut *self;
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        match Pin::new(&mut *inner).poll_frame(cx) {
            Poll::Pending => this.clock.poll_stalled(cx).map(|()| {
                this.inner = None;
                this.context.set_fault(Fault::Stalled);
                Some(Err(BodyFault::Stalled))
            }),
            Poll::Ready(None) => {
                this.inner = None;
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => {
                this.inner = None;
                this.context.set_fault(Fault::Broken);
                Poll::Ready(Some(Err(BodyFault::Broken(error))))
            }
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    this.received(data);
                }
                Poll::Ready(Some(Ok(frame)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for IncomingBody {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take()
            && !inner.is_end_stream()
        {
            self.context.keep_unread(inner);
        }
    }
}
