//! A connection's bytes, with slow readers cut off and `100 Continue` put in.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::s3::peers::interim::{Interim, InterimWriter};
use crate::s3::peers::pressure::PeerClock;

/// Fails a write with `TimedOut` once the peer takes too little for too long. Reads are bounded elsewhere: hyper times
/// the headers, the request body times itself.
pub struct GuardedIo<T> {
    inner: T,
    writing: PeerClock,
    interim: Arc<Interim>,
    interim_writer: InterimWriter,
}

impl<T> GuardedIo<T> {
    pub fn new(inner: T, writing: PeerClock, interim: Arc<Interim>) -> Self {
        GuardedIo { inner, writing, interim, interim_writer: InterimWriter::default() }
    }

    fn guard(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.writing.progress(bytes);
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.writing.poll_stalled(cx).map(|()| {
                Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes too little of the answer for too long"))
            }),
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for GuardedIo<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> GuardedIo<T> {
    /// Writes what has to come before an answer, then `given` bytes of that.
    fn write(
        &mut self,
        cx: &mut Context<'_>,
        given: usize,
        answer: impl FnOnce(Pin<&mut T>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let Self { inner, interim, interim_writer, .. } = self;
        let before = interim_writer.poll(interim, |bytes| Pin::new(&mut *inner).poll_write(cx, bytes));
        if before.is_pending() {
            return self.guard(cx, Poll::Pending);
        }
        ready!(before)?;
        let written = answer(Pin::new(&mut self.inner), cx);
        self.interim_writer.note(&self.interim, given, &written);
        self.guard(cx, written)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for GuardedIo<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.write(cx, buf.len(), |inner, cx| inner.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let given = bufs.iter().map(|buf| buf.len()).sum();
        self.write(cx, given, |inner, cx| inner.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
