//! The encoder's view of its input: what zlib's `fill_window` has let it see so far.
//!
//! zlib keeps two windows of input and moves the upper one down when the cursor nears the end. Its tables hold
//! positions relative to the lower edge, and relative position zero stands for "none". Here the plain bytes stay where
//! they are and only the edge moves, at the same moments, so that every comparison of relative positions has the same
//! result.

use super::fill::{Fill, MAX_MATCH, MIN_LOOKAHEAD};
use crate::codec::deflate::encoder::params::Params;
use std::ops::ControlFlow;

/// Bytes after the end that comparisons may read.
const STALE: usize = 2 * MAX_MATCH + 16;
/// The double window and what comparisons from its last position may read, so that a relative position needs no bounds
/// check.
pub(crate) type View = [u8; 65536 + 512];
/// A position's bytes, as many as comparisons read.
pub(crate) type Near = [u8; 264];

/// Where a matcher looks positions up.
pub(crate) trait Table {
    /// Lends an empty one.
    fn lend<T>(work: impl FnOnce(&mut Self) -> T) -> T;

    /// Follows the window, which moves up by its size, `mask` + 1.
    fn slide(&mut self, mask: usize);
}

/// Input, its visible part, and where positions are looked up. Indices named `at` count from the start of `buf`.
pub(crate) struct Window<'a, T> {
    /// History, plain bytes, and what a comparison past the end reads.
    pub(crate) buf: Vec<u8>,
    /// Where the plain bytes begin, after the history.
    pub(crate) begin: usize,
    history: usize,
    /// End of the plain bytes.
    pub(crate) end: usize,
    /// Whether the stream (or a flushed part of it) ends at `end`.
    pub(crate) ends: bool,
    /// Stream position of `buf`'s first byte.
    origin: u64,
    fill: Fill,
    /// Index of relative position zero.
    pub(crate) edge: usize,
    /// Bytes from this index on are not yet visible.
    pub(crate) avail: usize,
    /// From this index on the cursor needs `refill`.
    pub(crate) check_at: usize,
    /// Cursor at which input was last asked for.
    asked_at: usize,
    pub(crate) max_dist: usize,
    pub(crate) prev_mask: usize,
    pub(crate) table: &'a mut T,
}

/// What follows from asking for more input.
pub(crate) enum Refill {
    /// Go on; the edge moved down by so many positions.
    Go,
    /// Everything is encoded.
    End,
    /// The caller's bytes do not reach far enough to go on.
    Stop,
}

impl<'a, T: Table> Window<'a, T> {
    /// Stream position `position` is where `plain` begins; the cursor begins `back` bytes before it, in `history`.
    pub(crate) fn new(
        history: &[u8],
        plain: &[u8],
        position: u64,
        back: usize,
        ends: bool,
        params: &Params,
        table: &'a mut T,
    ) -> Self {
        let window = 1usize << params.window_bits;
        let cursor = position.saturating_sub(back as u64);
        let origin = position.saturating_sub(history.len() as u64);
        let total = if ends { position + plain.len() as u64 } else { u64::MAX };
        let fill = Fill::at(cursor, window, params.input_chunk, total);
        // What lies before the history and in the window is never compared; it only has to be there.
        let lead = origin.saturating_sub(fill.base).min(2 * window as u64) as usize;
        let origin = origin - lead as u64;
        let begin = lead + history.len();
        let end = begin + plain.len();
        let mut buf = Vec::with_capacity(end + size_of::<View>());
        buf.resize(lead, 0);
        buf.extend_from_slice(history);
        buf.extend_from_slice(plain);
        tail(&mut buf, origin, window);
        buf.resize(end + size_of::<View>(), 0);
        let mut made = Self {
            buf,
            begin,
            history: history.len(),
            end,
            ends,
            origin,
            fill,
            edge: 0,
            avail: 0,
            check_at: 0,
            asked_at: usize::MAX,
            max_dist: window - MIN_LOOKAHEAD,
            prev_mask: window - 1,
            table,
        };
        made.place();
        made
    }

    fn place(&mut self) {
        self.edge = self.fill.base.saturating_sub(self.origin) as usize;
        self.avail = self.fill.avail.saturating_sub(self.origin) as usize;
        self.check_at = self.avail.saturating_sub(MIN_LOOKAHEAD - 1);
        if !self.ends {
            self.check_at =
                self.check_at.min(self.end.saturating_sub(crate::codec::deflate::encoder::types::LOOKAHEAD));
        }
    }

    /// The stream position of `buf`'s first byte.
    pub(crate) fn origin(&self) -> u64 {
        self.origin
    }

    /// The double window. Not there only if the edge is beyond the input, which no cursor reaches.
    #[inline(always)]
    pub(crate) fn view(&self) -> Option<&View> {
        self.buf.get(self.edge..)?.first_chunk()
    }

    /// What is at an index. Not there only if that is beyond the input.
    #[inline(always)]
    pub(crate) fn near(&self, at: usize) -> Option<&Near> {
        self.buf.get(at..)?.first_chunk()
    }

    /// The window's form of an index.
    #[inline(always)]
    pub(crate) fn rel(&self, at: usize) -> u16 {
        at.wrapping_sub(self.edge) as u16
    }

    /// Whether the block that began at `start` is still whole in the window.
    pub(crate) fn holds(&self, start: usize) -> bool {
        start as u64 + self.origin >= self.fill.base
    }

    /// Called when the cursor has come to `check_at`. `read` runs after each portion of input with the stream position
    /// of the edge.
    #[cold]
    pub(crate) fn refill(&mut self, at: usize, mut read: impl FnMut(&mut T, &[u8], usize)) -> Refill {
        if !self.ends && at >= self.end.saturating_sub(crate::codec::deflate::encoder::types::LOOKAHEAD) {
            return Refill::Stop;
        }
        if self.avail < at + MIN_LOOKAHEAD {
            let Self { fill, table, buf, origin, .. } = self;
            self.asked_at = at;
            let (mut edge, mask) = (fill.base, self.prev_mask);
            fill.fetch(at as u64 + *origin, |base| {
                while edge < base {
                    edge += mask as u64 + 1;
                    table.slide(mask);
                }
                read(table, buf, base.saturating_sub(*origin) as usize);
            });
            while edge < self.fill.base {
                edge += self.prev_mask as u64 + 1;
                self.table.slide(self.prev_mask);
            }
            self.place();
        }
        if self.avail <= at && self.ends { Refill::End } else { Refill::Go }
    }

    /// `len` if a match of that length at `at` stays within the input; else, and below `least`, one literal. Zero stays
    /// zero.
    pub(crate) fn fitting(&self, len: usize, at: usize, least: usize) -> usize {
        let left = self.end.saturating_sub(at);
        if len >= least && len <= left { len } else { len.min(1).min(left) }
    }

    /// Whether the encoder at `at` saw too little lookahead and asked for more.
    pub(crate) fn portion_read(&self, at: usize) -> bool {
        self.asked_at == at
    }

    /// The history before `start` that chains can reach.
    pub(crate) fn reachable(&self, start: usize) -> std::ops::Range<usize> {
        let lead = self.begin - self.history;
        start.saturating_sub(self.prev_mask + 1).max(self.edge).max(lead).min(start)..start
    }
}

/// What lies in zlib's window after the last byte: what was there one window length before, zeros in the first pass.
fn tail(buf: &mut Vec<u8>, origin: u64, window: usize) {
    for _ in 0..STALE {
        let position = origin + buf.len() as u64;
        let stale = if position < 2 * window as u64 { None } else { buf.len().checked_sub(window) };
        let byte = stale.map_or(0, |at| buf[at]);
        buf.push(byte);
    }
}

/// Length of the common prefix of what is `near` and what begins at `m` in the view, at most 258.
#[inline(always)]
pub(crate) fn common(near: &Near, view: &View, m: u16) -> usize {
    let m = usize::from(m);
    let mut len = 0usize;
    for (p, q) in near.chunks_exact(16).zip(view[m..m + 264].chunks_exact(16)) {
        let (low, high) = (eight(p, 0) ^ eight(q, 0), eight(p, 8) ^ eight(q, 8));
        if low | high != 0 {
            let (part, before) = if low != 0 { (low, 0) } else { (high, 8) };
            return len.wrapping_add(before).wrapping_add((part.trailing_zeros() >> 3) as usize).min(MAX_MATCH);
        }
        len = len.wrapping_add(16);
    }
    if near[256] != view[m + 256] {
        256
    } else if near[257] != view[m + 257] {
        257
    } else {
        MAX_MATCH
    }
}

/// The test that a candidate must pass to be longer than a match at hand: the bytes up to the first that would make it
/// longer, at most eight. Where zlib-ng ends a search early, it goes by just these.
#[derive(Clone, Copy)]
pub(crate) struct Filter {
    offset: usize,
    bytes: u64,
    mask: u64,
}

impl Filter {
    /// For matches of what is `near` that are longer than `best`.
    #[inline(always)]
    pub(crate) fn new(near: &Near, best: usize) -> Self {
        let offset = best.saturating_sub(7) & 255;
        let mask = u64::MAX >> (56usize.wrapping_sub(best.wrapping_mul(8).min(56)) & 63);
        Self { offset, bytes: eight(near, offset) & mask, mask }
    }

    /// Whether what begins at `m` passes.
    #[inline(always)]
    pub(crate) fn passes(self, view: &View, m: u16) -> bool {
        eight(view, usize::from(m) + (self.offset & 255)) & self.mask == self.bytes
    }
}

#[inline(always)]
fn eight(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// Four bytes at `at`, little-endian.
#[inline(always)]
pub(crate) fn four(buf: &[u8], at: usize) -> u32 {
    match buf.get(at..at.wrapping_add(4)) {
        Some(&[a, b, c, d]) => u32::from_le_bytes([a, b, c, d]),
        _ => 0,
    }
}

/// What the encoder does after a block, kept short.
pub(crate) type Flow = ControlFlow<()>;
