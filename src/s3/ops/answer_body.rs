//! Bytes on their way out.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use s3s::StdError;
use s3s::dto::StreamingBlob;
use s3s::stream::{ByteStream, RemainingLength};

use crate::object::content::BodyReader;

/// A reader as s3s wants it: with its length, and `Sync`.
struct Bounded {
    // s3s asks for `Sync`; only `get_mut` is used, so the lock is never taken.
    reader: Mutex<BodyReader>,
    remaining: u64,
}

/// The answer's body of `length` bytes.
pub fn blob(reader: BodyReader, length: u64) -> StreamingBlob {
    if length == 0 {
        return StreamingBlob::from_bytes(Bytes::new());
    }
    StreamingBlob::new(Bounded { reader: Mutex::new(reader), remaining: length })
}

impl Stream for Bounded {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let reader = this.reader.get_mut().unwrap_or_else(PoisonError::into_inner);
        Pin::new(reader).poll_next(cx).map(|next| match next? {
            Ok(bytes) => {
                this.remaining = this.remaining.saturating_sub(bytes.len() as u64);
                Some(Ok(bytes))
            }
            Err(error) => Some(Err(StdError::from(error.to_string()))),
        })
    }
}

impl ByteStream for Bounded {
    fn remaining_length(&self) -> RemainingLength {
        usize::try_from(self.remaining).map_or_else(|_| RemainingLength::unknown(), RemainingLength::new_exact)
    }
}
