//! Writing tokens: a sink for DEFLATE blocks.
//!
//! Invariant: never more than the limit is held. A block that needs more is decoded to its end all the same, and then
//! counts as [`Tokens::overflowed`]; its bytes are of no use.

use super::{DYNAMIC, END, FIXED, LAST, LONG, LONG_MATCH, MANY, NO_MATCH, PADDED, STORED};
use crate::codec::deflate::inflate::{BitReader, Header, Kind, Sink};

/// The tokens of one block at a time.
#[derive(Default)]
pub(crate) struct Tokens {
    /// Grows as needed; the first `at` bytes count.
    bytes: Vec<u8>,
    at: usize,
    /// Where the token whose literals are being written began.
    token: usize,
    limit: usize,
    overflowed: bool,
}

impl Tokens {
    /// Starts over, for a block of at most about `limit` bytes.
    pub(crate) fn reset(&mut self, limit: usize) {
        (self.at, self.token, self.limit, self.overflowed) = (0, 0, limit.max(1024), false);
    }

    /// The block's bytes, unless there were too many.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        if self.overflowed { None } else { self.bytes.get(..self.at) }
    }

    #[inline(always)]
    fn make_room(&mut self, more: usize) {
        *self = std::mem::take(self).with_room(more);
    }

    /// Makes room for `more` bytes, dropping everything if the limit is reached. By value, as a sink must be in its
    /// loop.
    #[cold]
    #[inline(never)]
    fn with_room(mut self, more: usize) -> Self {
        if self.at + more > self.limit.max(more + 8) {
            self.overflowed = true;
            (self.at, self.token) = (1, 0);
        }
        let needed = self.at + more;
        if needed > self.bytes.len() {
            let size = (needed + needed / 2).max(64 * 1024);
            self.bytes.resize(size, 0);
        }
        self
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.bytes.len() < self.at + bytes.len() {
            self.make_room(bytes.len());
        }
        self.bytes[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    /// Opens a token; its first byte is written when it is closed.
    #[inline(always)]
    fn open(&mut self) {
        self.token = self.at;
        self.at = self.at.wrapping_add(1);
    }

    /// Writes the open token's first byte, whose literals are all there.
    #[inline(always)]
    fn close(&mut self, nibble: u8) {
        let run = self.at.wrapping_sub(self.token).wrapping_sub(1);
        if run < MANY {
            if let Some(first) = self.bytes.get_mut(self.token) {
                *first = (run as u8) << 4 | nibble;
            }
        } else {
            *self = std::mem::take(self).closed_long(run, nibble);
        }
    }

    #[inline(never)]
    fn closed_long(mut self, run: usize, nibble: u8) -> Self {
        let mut count = Vec::with_capacity(4);
        crate::varint::put_varint(&mut count, (run - MANY) as u64);
        if self.bytes.len() < self.at + count.len() {
            self.make_room(count.len());
            if self.overflowed {
                return self;
            }
        }
        let literals = self.token + 1;
        self.bytes.copy_within(literals..self.at, literals + count.len());
        self.bytes[literals..literals + count.len()].copy_from_slice(&count);
        self.bytes[self.token] = (MANY as u8) << 4 | nibble;
        self.at += count.len();
        self
    }
}

impl Sink for Tokens {
    fn begin(&mut self, input: &[u8], header: &Header) {
        let last = if header.last { LAST } else { 0 };
        match &header.kind {
            Kind::Stored { padding: 0 } => return self.put(&[STORED | last]),
            Kind::Stored { padding } => return self.put(&[STORED | PADDED | last, *padding]),
            Kind::Fixed => self.put(&[FIXED | last]),
            Kind::Dynamic { lengths } => {
                self.put(&[DYNAMIC | last]);
                let mut reader = BitReader::at(input, lengths.start);
                let mut left = lengths.len() as u32;
                while left > 0 {
                    let width = left.min(8);
                    self.put(&[reader.take(width) as u8]);
                    left -= width;
                }
            }
        }
        if self.bytes.len() < self.at + 1 {
            self.make_room(1);
        }
        self.open();
    }

    fn stored(&mut self, bytes: &[u8]) {
        self.put(&(bytes.len() as u16).to_le_bytes());
        self.put(bytes);
    }

    /// Three literals, the varint of how many there are, and the four bytes that a match stores.
    #[inline(always)]
    fn reserve(&mut self) {
        if self.bytes.len() < self.at.wrapping_add(16) {
            self.make_room(16);
        }
    }

    #[inline(always)]
    fn literal(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.at) {
            *slot = byte;
        }
        self.at = self.at.wrapping_add(1);
    }

    #[inline(always)]
    fn copy(&mut self, length: u32, distance: u32) {
        // Without branches: whether a match is long is hard to guess.
        let long = u32::from(length >= LONG);
        self.close(length.wrapping_add(1).min(u32::from(LONG_MATCH)) as u8);
        if let Some(slot) = self.bytes.get_mut(self.at..).and_then(|rest| rest.first_chunk_mut::<4>()) {
            let more = length.wrapping_sub(LONG) & long.wrapping_neg();
            *slot = (distance << (long * 8) | more).to_le_bytes();
        }
        self.at = self.at.wrapping_add(2).wrapping_add(long as usize);
        self.open();
    }

    fn end(&mut self) {
        debug_assert_eq!(NO_MATCH, 0);
        self.close(LONG_MATCH);
        self.put(&[END]);
    }
}
