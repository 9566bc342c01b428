//! What the encoders of Go programs share: history and plain bytes in one piece, and how far two places of it agree.

use crate::codec::deflate::encoder::types::{Input, Start};

/// Bytes behind the end, so that any position may be read as eight.
const BEHIND: usize = 8;

/// Up to `keep` bytes of history, the plain bytes, and eight more.
pub(crate) struct Joined {
    pub(crate) buf: Vec<u8>,
    /// Where the plain bytes begin.
    pub(crate) begin: usize,
    /// Where they end.
    pub(crate) end: usize,
}

impl Joined {
    pub(crate) fn new(start: &Start, keep: usize, input: &Input) -> Self {
        let history = &start.history[start.history.len().saturating_sub(keep)..];
        let (begin, end) = (history.len(), history.len() + input.plain.len());
        let mut buf = Vec::with_capacity(end + BEHIND);
        buf.extend_from_slice(history);
        buf.extend_from_slice(input.plain);
        buf.resize(end + BEHIND, 0);
        Self { buf, begin, end }
    }
}

/// Length of the common prefix of two slices of the same length.
#[inline(always)]
pub(crate) fn common(a: &[u8], b: &[u8]) -> usize {
    let mut len = 0;
    for (p, q) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        let p = u64::from_le_bytes(p.try_into().expect("chunks of eight"));
        let q = u64::from_le_bytes(q.try_into().expect("chunks of eight"));
        if p != q {
            return len + ((p ^ q).trailing_zeros() >> 3) as usize;
        }
        len += 8;
    }
    len + a[len..].iter().zip(&b[len..]).take_while(|(p, q)| p == q).count()
}
