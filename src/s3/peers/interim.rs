//! `100 Continue` for an empty body, which hyper does not say.
//!
//! A client that sends `Expect: 100-continue` waits for it, also when it has nothing to send. botocore takes an answer
//! without it for a refusal, and the next answer on the connection for a part of this one.
//!
//! Invariant: it is written between two answers, never within one. hyper writes all of an answer before it hands on the
//! next request; what the socket did not take of it is known here.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What one connection has to say before its next answer.
#[derive(Default)]
pub struct Interim {
    owed: AtomicBool,
    /// The socket did not take all of the last write.
    behind: AtomicBool,
}

impl Interim {
    /// Has it written before the answer to the request that is under way; false where a part of another answer is still
    /// to go.
    pub fn say_continue(&self) -> bool {
        let may = !self.behind.load(Ordering::Relaxed);
        self.owed.store(may, Ordering::Relaxed);
        may
    }
}

/// The writing end: how much of it has gone.
#[derive(Default)]
pub struct InterimWriter {
    written: usize,
}

impl InterimWriter {
    /// Writes what is owed; ready when nothing is.
    pub fn poll(
        &mut self,
        interim: &Interim,
        mut write: impl FnMut(&[u8]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<()>> {
        while interim.owed.load(Ordering::Relaxed) {
            match write(&CONTINUE[self.written..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(bytes)) => self.written += bytes,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
            if self.written == CONTINUE.len() {
                self.written = 0;
                interim.owed.store(false, Ordering::Relaxed);
            }
        }
        Poll::Ready(Ok(()))
    }

    /// A write of `given` bytes of an answer ended so.
    pub fn note(&self, interim: &Interim, given: usize, written: &Poll<io::Result<usize>>) {
        let all = matches!(written, Poll::Ready(Ok(bytes)) if *bytes == given);
        interim.behind.store(!all, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_in_pieces_and_once() {
        let (interim, mut writer) = (Interim::default(), InterimWriter::default());
        let mut sent = Vec::new();
        let mut room = [10, 0, 7, 100].into_iter();
        let mut write = |bytes: &[u8]| match room.next() {
            Some(0) => Poll::Pending,
            Some(most) => {
                sent.extend_from_slice(&bytes[..bytes.len().min(most)]);
                Poll::Ready(Ok(bytes.len().min(most)))
            }
            None => panic!("written once more"),
        };
        assert!(writer.poll(&interim, &mut write).is_ready(), "nothing is owed");
        assert!(interim.say_continue());
        assert!(writer.poll(&interim, &mut write).is_pending());
        assert!(matches!(writer.poll(&interim, &mut write), Poll::Ready(Ok(()))));
        assert!(matches!(writer.poll(&interim, &mut write), Poll::Ready(Ok(()))));
        assert_eq!(sent, CONTINUE);
    }

    #[test]
    fn it_is_not_said_within_another_answer() {
        let (interim, writer) = (Interim::default(), InterimWriter::default());
        writer.note(&interim, 10, &Poll::Ready(Ok(9)));
        assert!(!interim.say_continue());
        writer.note(&interim, 1, &Poll::Pending);
        assert!(!interim.say_continue());
        writer.note(&interim, 1, &Poll::Ready(Ok(1)));
        assert!(interim.say_continue());
    }
}
