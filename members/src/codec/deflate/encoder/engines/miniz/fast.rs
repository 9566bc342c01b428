//! Level 1 (`compress_fast` in `core.rs`): the last position of each hash is the only candidate, positions within
//! matches are skipped.
//!
//! It takes in 4096 bytes at a time and ends its matches there. If a block fills the output buffer, it is
//! called again and fills up what it looks ahead first, so that later chunks begin elsewhere.

use super::blocks::Blocks;
use super::limits::{CHUNK, MAX_MATCH, TOO_FAR, WINDOW};
use super::source::{Matcher, Source};
use crate::codec::deflate::encoder::matchers::joined::common;
use crate::codec::deflate::encoder::matchers::window::{Flow, four};
use crate::codec::deflate::encoder::state::State;
use std::ops::ControlFlow;

const HASHES: usize = 4096;
/// Chunks' last bytes, if fewer than this, are literals.
const MIN_LOOKAHEAD: usize = 4;

pub(super) struct Fast {
    /// Positions in the stream, modulo 65536.
    table: Box<[u16; HASHES]>,
    at: usize,
    /// Where the chunk ends that has been taken in.
    chunk_end: usize,
}

impl Fast {
    /// Begins in the chunk that `state` tells of, but not beyond `end`, having run over the history.
    pub(super) fn new(source: &Source, state: State, end: usize) -> Self {
        let table = vec![0; HASHES].into_boxed_slice().try_into().expect("the length is the array's");
        let chunk_end = (source.begin + state.left_of_chunk()).min(end);
        let mut made = Self { table, at: 0, chunk_end: chunk_end % CHUNK };
        while made.at < source.begin {
            if made.at >= made.chunk_end {
                made.chunk_end = made.at + CHUNK;
            }
            let step = made.step(source).map_or(1, |(len, _)| len);
            made.at = (made.at + step).min(source.begin);
        }
        made.chunk_end = chunk_end;
        made
    }

    /// The match to take at the cursor, if any: length and distance.
    #[inline(always)]
    fn step(&mut self, source: &Source) -> Option<(usize, usize)> {
        let left = self.chunk_end - self.at;
        if left < MIN_LOOKAHEAD {
            return None;
        }
        let string = four(&source.buf, self.at) & 0xff_ffff;
        let position = source.origin + self.at as u64;
        let slot = &mut self.table[((string ^ string >> 17) & (HASHES as u32 - 1)) as usize];
        let dist = usize::from((position as u16).wrapping_sub(std::mem::replace(slot, position as u16)));
        let size = (WINDOW - left) as u64;
        let found = self.at.checked_sub(dist).filter(|_| dist > 0 && dist as u64 <= size.min(position))?;
        if four(&source.buf, found) & 0xff_ffff != string {
            return None;
        }
        let len = common(&source.buf[self.at..][..MAX_MATCH], &source.buf[found..][..MAX_MATCH]);
        (len > 3 || len == 3 && dist < TOO_FAR).then_some((len.min(left), dist))
    }
}

impl Matcher for Fast {
    fn run(&mut self, source: &Source, b: &mut Blocks, to: usize, sync: bool) -> Flow {
        loop {
            if self.at >= self.chunk_end {
                if self.at >= to || !sync && to - self.at < CHUNK {
                    return ControlFlow::Continue(());
                }
                self.chunk_end = (self.at + CHUNK).min(to);
            }
            match self.step(source) {
                Some((len, dist)) => {
                    b.matched(len, dist);
                    self.at += len;
                }
                None => {
                    b.literal(source.buf[self.at]);
                    self.at += 1;
                }
            }
            if b.is_end() {
                let left = self.chunk_end - self.at;
                let state = |called| State::in_chunk(if called { 0 } else { left });
                if b.flush(&source.buf, self.at, WINDOW - left, state)? {
                    // What is looked ahead is filled up.
                    self.chunk_end = self.at;
                }
            }
        }
    }
}
