//! A request's body, compared with what the request promises of it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use sha2::{Digest, Sha256};

use super::chunked::{ChunkDecoder, ChunkError, Trailers};
use super::payload::Payload;
use crate::s3::request::context::RequestContext;
use crate::s3::request::fault::Fault;
use crate::s3::request::incoming::{BodyFault, IncomingBody};

/// Why a body is refused.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Body(#[from] BodyFault),
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    #[error("the body does not have the SHA-256 that the request names")]
    Sha256,
}

enum Check {
    Nothing,
    Digest { sha256: Sha256, expected: [u8; 32] },
    Chunks(Box<ChunkDecoder>),
}

/// The plain body; its last bytes come only if all of it is right.
pub struct VerifiedBody {
    /// None: ended.
    inner: Option<IncomingBody>,
    check: Check,
    /// What the decoder has not taken yet.
    input: Bytes,
    context: Arc<RequestContext>,
}

impl VerifiedBody {
    pub fn new(inner: IncomingBody, payload: Payload, trailers: Trailers, context: Arc<RequestContext>) -> Self {
        let check = match payload {
            Payload::Unsigned => Check::Nothing,
            Payload::Digest { sha256, .. } => Check::Digest { sha256: Sha256::new(), expected: sha256 },
            Payload::Chunked { decoded_length, trailers: announced, signed, .. } => {
                Check::Chunks(Box::new(ChunkDecoder::new(decoded_length, signed, announced, trailers)))
            }
        };
        VerifiedBody { inner: Some(inner), check, input: Bytes::new(), context }
    }

    fn refuse(&mut self, error: VerifyError) -> Poll<Option<Result<Frame<Bytes>, VerifyError>>> {
        match &error {
            // Told where it happened.
            VerifyError::Body(_) => {}
            VerifyError::Sha256 => self.context.set_fault(Fault::Sha256Mismatch),
            VerifyError::Chunk(error) => self.context.set_fault(match error {
                ChunkError::Malformed | ChunkError::Length => Fault::Broken,
                ChunkError::Signature => Fault::ChunkSignature,
                ChunkError::TooSmall => Fault::ChunkSize,
                ChunkError::Trailers => Fault::Trailers,
            }),
        }
        self.inner = None;
        Poll::Ready(Some(Err(error)))
    }

    /// Decoded data of a chunk that has arrived.
    fn decoded(&mut self) -> Result<Option<Bytes>, VerifyError> {
        match &mut self.check {
            Check::Chunks(decoder) => Ok(decoder.decode(&mut self.input)?),
            Check::Digest { .. } | Check::Nothing => Ok(None),
        }
    }

    /// Takes what arrived and gives what passes on as it is; `last` if nothing comes after it.
    fn arrived(&mut self, data: Bytes, last: bool) -> Result<Option<Bytes>, VerifyError> {
        match &mut self.check {
            Check::Chunks(_) => {
                self.input = data;
                return Ok(None);
            }
            Check::Digest { sha256, .. } => sha256.update(&data),
            Check::Nothing => {}
        }
        if last {
            self.finish()?;
        }
        Ok(Some(data))
    }

    /// Judges the whole body, once.
    fn finish(&mut self) -> Result<(), VerifyError> {
        match std::mem::replace(&mut self.check, Check::Nothing) {
            Check::Nothing => Ok(()),
            Check::Digest { sha256, expected } => {
                if <[u8; 32]>::from(sha256.finalize()) == expected {
                    Ok(())
                } else {
                    Err(VerifyError::Sha256)
                }
            }
            Check::Chunks(decoder) => Ok(decoder.finish()?),
        }
    }
}

impl Body for VerifiedBody {
    type Data = Bytes;
    type Error = VerifyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = &mut *self;
        loop {
            match this.decoded() {
                Ok(Some(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(None) => {}
                Err(error) => return this.refuse(error),
            }
            let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
            let frame = ready!(Pin::new(&mut *inner).poll_frame(cx)).transpose();
            let last = inner.is_end_stream();
            let taken = match frame {
                Err(error) => Err(error.into()),
                Ok(Some(frame)) => this.arrived(frame.into_data().unwrap_or_default(), last),
                Ok(None) => {
                    this.inner = None;
                    this.finish().map(|()| None)
                }
            };
            match taken {
                Ok(Some(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(None) => {}
                Err(error) => return this.refuse(error),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.check {
            // The framing after the data is judged, too.
            Check::Chunks(_) => self.inner.is_none(),
            Check::Digest { .. } | Check::Nothing => self.inner.as_ref().is_none_or(Body::is_end_stream),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.check, &self.inner) {
            (_, None) => SizeHint::with_exact(0),
            (Check::Chunks(decoder), _) => SizeHint::with_exact(decoder.left()),
            (_, Some(inner)) => inner.size_hint(),
        }
    }
}
