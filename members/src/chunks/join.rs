//! From an object's bytes to those without the boundaries between chunks, as they arrive.
//!
//! Invariants: what is taken out depends on the object's bytes alone, not on how they arrive; fewer bytes than [`HEAD`] and a
//! boundary are held back; each byte is looked at a bounded number of times.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

use libdeflater::Crc;

use super::find::{HEAD, find, is_length};
use super::{BOUNDARY, Boundary, IDAT, begun};

/// Data bytes of the shortest chunk that a boundary may end. It bounds how many bytes a byte of a stream stands for.
const LEAST: usize = 64;

/// Takes boundaries out; one per object.
#[derive(Default)]
pub(crate) struct Joiner {
    /// Bytes that arrived and are not decided on.
    held: Vec<u8>,
    chunk: Option<Chunk>,
    /// Boundaries whose places are still in the expander's buffer, in order.
    boundaries: VecDeque<Boundary>,
    /// Where in that buffer zlib streams with a window of less than 32 KiB begin, in order. Their headers are too frequent
    /// elsewhere to be signatures.
    pub(crate) small: VecDeque<usize>,
}

/// A chunk of image data that has begun.
struct Chunk {
    /// Its data bytes, and those of them that are still to come.
    length: usize,
    left: usize,
    /// Of its type and the data so far.
    crc: Crc,
    /// Whether it is the first of its stream.
    first: bool,
}

impl Joiner {
    /// Takes the object's next bytes, appending to `buffer` what is left of them; `ended`: there are no more.
    pub(crate) fn take(&mut self, bytes: &[u8], ended: bool, buffer: &mut Vec<u8>) {
        let mut input = std::mem::take(&mut self.held);
        input.extend_from_slice(bytes);
        let mut at = 0;
        // Up to where what may begin there can be told apart.
        let sure = if ended { input.len() } else { input.len().saturating_sub(HEAD - 1) };
        loop {
            if self.chunk.as_ref().is_some_and(|chunk| chunk.left == 0) {
                match self.at_end(&input[at..], ended, buffer.len()) {
                    Some(taken) => at += taken,
                    None => break,
                }
                continue;
            }
            let end = self.chunk.as_ref().map_or(sure, |chunk| sure.min(at.saturating_add(chunk.left)));
            if end <= at {
                break;
            }
            let head = find(&input, at..end);
            let to = head.map_or(end, |head| head + HEAD - 2);
            buffer.extend_from_slice(&input[at..to]);
            match (head, &mut self.chunk) {
                (Some(head), _) => self.begin(&input[head..], buffer.len()),
                (None, Some(chunk)) => {
                    chunk.crc.update(&input[at..to]);
                    chunk.left -= to - at;
                }
                (None, None) => {}
            }
            at = to;
        }
        input.drain(..at);
        self.held = input;
    }

    /// Where a chunk has ended: the bytes to take out, or `None` if more are needed to tell. `at`: where that is in the buffer.
    fn at_end(&mut self, rest: &[u8], ended: bool, at: usize) -> Option<usize> {
        // With a byte behind it, so that a boundary is never the last of an object.
        let Some(&[a, b, c, d, e, f, g, h, ref kind @ .., _]) = rest.first_chunk::<{ BOUNDARY + 1 }>() else {
            self.chunk = self.chunk.take().filter(|_| !ended);
            return ended.then_some(0);
        };
        let (crc, length) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
        let sound = |chunk: &Chunk| chunk.length >= LEAST && chunk.crc.sum() == crc && is_length(length);
        let Some(chunk) = self.chunk.take().filter(|chunk| kind == IDAT && sound(chunk)) else { return Some(0) };
        let first = chunk.first.then_some(chunk.length + IDAT.len());
        self.boundaries.push_back(Boundary { at, crc, first, length });
        let length = length as usize;
        self.chunk = Some(Chunk { length, left: length, crc: begun(), first: false });
        Some(BOUNDARY)
    }

    /// Takes note of a first chunk, whose data begins at `at` of the buffer.
    fn begin(&mut self, head: &[u8], at: usize) {
        let Some(&[a, b, c, d, .., method, _]) = head.first_chunk::<HEAD>() else { return };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        self.chunk = Some(Chunk { length, left: length, crc: begun(), first: true });
        if method != 0x78 {
            self.small.push_back(at);
        }
    }

    /// The boundaries whose places are in `range` of the buffer.
    pub(crate) fn within(&self, range: Range<usize>) -> impl Iterator<Item = &Boundary> {
        let first = self.boundaries.partition_point(|boundary| boundary.at < range.start);
        self.boundaries.range(first..).take_while(move |boundary| boundary.at < range.end)
    }

    /// The object's bytes that `range` of the buffer stands for.
    pub(crate) fn object<'a>(&self, buffer: &'a [u8], range: Range<usize>) -> Cow<'a, [u8]> {
        let (mut at, mut bytes) = (range.start, Vec::new());
        for boundary in self.within(range.clone()) {
            bytes.extend_from_slice(&buffer[at..boundary.at]);
            bytes.extend(boundary.bytes());
            at = boundary.at;
        }
        let rest = &buffer[at..range.end];
        if bytes.is_empty() {
            return Cow::Borrowed(rest);
        }
        bytes.extend_from_slice(rest);
        Cow::Owned(bytes)
    }

    /// Follows the buffer, of which the first `bytes` bytes were dropped.
    pub(crate) fn rebase(&mut self, bytes: usize) {
        while self.boundaries.pop_front_if(|boundary| boundary.at < bytes).is_some() {}
        self.boundaries.iter_mut().for_each(|boundary| boundary.at -= bytes);
        while self.small.pop_front_if(|at| *at < bytes).is_some() {}
        self.small.iter_mut().for_each(|at| *at -= bytes);
    }
}
