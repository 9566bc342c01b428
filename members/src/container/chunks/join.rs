//! From an object's bytes to those without the boundaries between chunks, as they arrive.
//!
//! Invariants: the boundaries taken out depend on the object's bytes alone, not on how they arrive; no more bytes are
//! held back than a dump's longest chunk and its boundaries; each byte is looked at a bounded number of times.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::ops::Range;

use super::boundary::Boundary;
use super::chunk::Chunk;
use super::find::{Head, find};
use crate::container::png::{HEAD, WindowSize};

/// Takes boundaries out; one per object.
#[derive(Default)]
pub(crate) struct Joiner {
    /// Bytes that arrived and are not decided on.
    held: Vec<u8>,
    chunk: Option<Chunk>,
    /// Boundaries whose places are still in the expander's buffer, in order.
    boundaries: VecDeque<Boundary>,
    /// Where in that buffer zlib streams with a window of less than 32 KiB begin, in order. Their headers are too
    /// frequent elsewhere to be signatures.
    pub(super) small: VecDeque<usize>,
}

/// What a search came to.
enum Found {
    /// Nothing up to where it went.
    Nothing,
    Head(usize, Head),
    /// A head there, perhaps: more bytes are needed to tell.
    Perhaps(usize),
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
            let found = self.search(&input, at..end, ended);
            let to = match found {
                Found::Nothing => end,
                Found::Head(head, kind) => head + kind.len(),
                Found::Perhaps(head) => head,
            };
            buffer.extend_from_slice(&input[at..to]);
            match (&found, &mut self.chunk) {
                (Found::Head(_, kind), _) => self.begin(*kind, buffer.len()),
                (_, Some(chunk)) => chunk.pass(&input[at..to]),
                (_, None) => {}
            }
            at = to;
            if matches!(found, Found::Perhaps(_)) {
                break;
            }
        }
        input.drain(..at);
        self.held = input;
    }

    /// Looks for a first chunk. There is none within a dump's: what looks so is what the stream has as it was, such as
    /// an image.
    fn search(&self, input: &[u8], range: Range<usize>, ended: bool) -> Found {
        let mut from = range.start;
        if self.chunk.as_ref().is_some_and(Chunk::is_of_dump) {
            return Found::Nothing;
        }
        while let Some((at, head)) = find(input, from..range.end) {
            match head.is_sound(&input[at..], ended) {
                Some(true) => return Found::Head(at, head),
                Some(false) => from = at + 1,
                None => return Found::Perhaps(at),
            }
        }
        Found::Nothing
    }

    /// Where a chunk has ended: the bytes to take out, or `None` if more are needed to tell. `at`: where that is in the
    /// buffer.
    fn at_end(&mut self, rest: &[u8], ended: bool, at: usize) -> Option<usize> {
        let Some(chunk) = self.chunk.take() else { return Some(0) };
        let size = chunk.boundary_len();
        // With a byte behind it, so that a boundary is never the last of an object.
        let Some((bytes, [_, ..])) = rest.split_at_checked(size) else {
            self.chunk = Some(chunk).filter(|_| !ended);
            return ended.then_some(0);
        };
        let Some((mark, next)) = chunk.followed_by(bytes) else { return Some(0) };
        self.boundaries.push_back(Boundary { at, mark, length: next.left as u32 });
        self.chunk = Some(next);
        Some(size)
    }

    /// Takes note of a first chunk, whose data begins at `at` of the buffer.
    fn begin(&mut self, head: Head, at: usize) {
        self.chunk = Some(Chunk::first(head));
        if matches!(head, Head::Image { window: WindowSize::Small, .. }) {
            self.small.push_back(at);
        }
    }

    /// The boundaries whose places are in `range` of the buffer.
    pub(crate) fn within(&self, range: Range<usize>) -> impl Iterator<Item = &Boundary> {
        let first = self.boundaries.partition_point(|boundary| boundary.at < range.start);
        self.boundaries.range(first..).take_while(move |boundary| boundary.at < range.end)
    }

    /// The first place from `at` on where a zlib stream with a small window begins. Those before are forgotten.
    pub(crate) fn small_window_from(&mut self, at: usize) -> Option<usize> {
        while self.small.pop_front_if(|small| *small < at).is_some() {}
        self.small.front().copied()
    }

    /// The object's bytes that `range` of the buffer stands for.
    pub(crate) fn object<'a>(&self, buffer: &'a [u8], range: Range<usize>) -> Cow<'a, [u8]> {
        let (mut at, mut bytes) = (range.start, Vec::new());
        for boundary in self.within(range.clone()) {
            bytes.extend_from_slice(&buffer[at..boundary.at]);
            boundary.put(&mut bytes);
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
