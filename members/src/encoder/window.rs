//! The encoder's view of its input: what zlib's `fill_window` has let it see so far, and the hash chains.
//!
//! zlib keeps two windows of input and moves the upper one down when the cursor nears the end. Tables hold positions relative
//! to the lower edge, and relative position zero stands for "none". Here the plain bytes stay where they are and only the
//! edge moves, at the same moments, so that every comparison of relative positions has the same result.

use super::Params;
use std::ops::ControlFlow;

/// Longest match.
pub(super) const MAX_MATCH: usize = 258;
/// Lookahead below which zlib fetches more input.
pub(super) const MIN_LOOKAHEAD: usize = MAX_MATCH + 3 + 1;
/// Bytes after the end that comparisons may read.
const TAIL: usize = 2 * MAX_MATCH + 16;

/// How much of the stream the encoder has been given and has taken in, in stream positions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fill {
    /// Lower edge of the double window.
    pub(super) base: u64,
    /// End of what is in the window.
    pub(super) avail: u64,
    /// End of what the caller has passed.
    written: u64,
    window: u64,
    writes: u64,
    total: u64,
}

impl Fill {
    /// The state at stream position `at`, which the encoder reaches by calls of `writes` bytes (0: all at once). The stream ends at `total`.
    pub(super) fn at(at: u64, window: usize, writes: u32, total: u64) -> Self {
        let window = window as u64;
        let mut fill = Self { base: 0, avail: 0, written: 0, window, writes: u64::from(writes), total };
        if writes == 0 {
            fill.written = total;
            let first = 2 * window - MIN_LOOKAHEAD as u64 + 1;
            if at >= first {
                fill.base = ((at - first) / window + 1) * window;
            }
            fill.avail = (fill.base + 2 * window).min(total);
        } else {
            while fill.avail < at + MIN_LOOKAHEAD as u64 && fill.avail < total {
                fill.fetch(fill.avail.saturating_sub(MIN_LOOKAHEAD as u64 - 1), |_| {});
            }
        }
        fill
    }

    /// What happens when the encoder at `at` sees too little lookahead. `read` runs after each portion with the window's edge. Returns by how much the edge moved.
    pub(super) fn fetch(&mut self, at: u64, mut read: impl FnMut(u64)) -> u64 {
        let before = self.base;
        let enough = at + MIN_LOOKAHEAD as u64;
        loop {
            loop {
                if at - self.base >= 2 * self.window - MIN_LOOKAHEAD as u64 {
                    self.base += self.window;
                }
                if self.avail == self.written {
                    break;
                }
                self.avail = self.written.min(self.base + 2 * self.window);
                read(self.base);
                if self.avail >= enough || self.avail == self.written {
                    break;
                }
            }
            if self.avail >= enough || self.written >= self.total {
                return self.base - before;
            }
            self.written = self.total.min(self.written + self.writes);
        }
    }
}

/// Input, its visible part, and hash chains. Indices named `at` count from the start of `buf`.
pub(super) struct Window {
    /// History, plain bytes, and what a comparison past the end reads.
    pub(super) buf: Vec<u8>,
    /// End of the plain bytes.
    pub(super) end: usize,
    /// Whether the stream (or a flushed part of it) ends at `end`.
    pub(super) ends: bool,
    /// Stream position of `buf`'s first byte.
    origin: u64,
    fill: Fill,
    /// Index of relative position zero; wraps below zero.
    pub(super) edge: usize,
    /// Bytes from this index on are not yet visible.
    pub(super) avail: usize,
    /// From this index on the cursor needs `refill`.
    pub(super) check_at: usize,
    /// Cursor at which input was last asked for.
    asked_at: usize,
    pub(super) max_dist: usize,
    pub(super) prev_mask: usize,
    pub(super) chains: Chains,
}

/// zlib's `head` and `prev`.
pub(super) struct Chains {
    pub(super) head: Box<[u16; 65536]>,
    pub(super) prev: Box<[u16; 32768]>,
}

/// What follows from asking for more input.
pub(super) enum Refill {
    /// Go on; the edge moved down by so many positions.
    Go,
    /// Everything is encoded.
    End,
    /// The caller's bytes do not reach far enough to go on.
    Stop,
}

impl Window {
    /// Stream position `position` is where `plain` begins; the cursor begins `back` bytes before it, in `history`.
    pub(super) fn new(history: &[u8], plain: &[u8], position: u64, back: usize, ends: bool, params: &Params) -> Self {
        let window = 1usize << params.window_bits;
        let start = history.len();
        let end = start + plain.len();
        let origin = position.saturating_sub(start as u64);
        let mut buf = Vec::with_capacity(end + TAIL);
        buf.extend_from_slice(history);
        buf.extend_from_slice(plain);
        let total = if ends { origin + end as u64 } else { u64::MAX };
        let fill = Fill::at(position.saturating_sub(back as u64), window, params.writes, total);
        tail(&mut buf, origin, window);
        let mut made = Self {
            buf,
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
            chains: Chains {
                head: vec![0; 65536].into_boxed_slice().try_into().expect("the length is the array's"),
                prev: vec![0; 32768].into_boxed_slice().try_into().expect("the length is the array's"),
            },
        };
        made.place();
        made
    }

    fn place(&mut self) {
        self.edge = self.fill.base.wrapping_sub(self.origin) as usize;
        self.avail = self.fill.avail.saturating_sub(self.origin) as usize;
        self.check_at = self.avail.saturating_sub(MIN_LOOKAHEAD - 1);
        if !self.ends {
            self.check_at = self.check_at.min(self.end.saturating_sub(super::LOOKAHEAD));
        }
    }

    /// The window's form of an index.
    #[inline(always)]
    pub(super) fn rel(&self, at: usize) -> u16 {
        at.wrapping_sub(self.edge) as u16
    }

    /// Whether the block that began at `start` is still whole in the window.
    pub(super) fn holds(&self, start: usize) -> bool {
        start as u64 + self.origin >= self.fill.base
    }

    /// Called when the cursor has come to `check_at`. `read` runs after each portion of input with the stream position of
    /// the edge.
    #[cold]
    pub(super) fn refill(&mut self, at: usize, mut read: impl FnMut(&mut Chains, &[u8], usize)) -> Refill {
        if !self.ends && at >= self.end.saturating_sub(super::LOOKAHEAD) {
            return Refill::Stop;
        }
        if self.avail < at + MIN_LOOKAHEAD {
            let Self { fill, chains, buf, origin, .. } = self;
            self.asked_at = at;
            let (mut edge, mask) = (fill.base, self.prev_mask);
            fill.fetch(at as u64 + *origin, |base| {
                while edge < base {
                    edge += mask as u64 + 1;
                    chains.slide(mask);
                }
                read(chains, buf, base.wrapping_sub(*origin) as usize);
            });
            while edge < self.fill.base {
                edge += self.prev_mask as u64 + 1;
                self.chains.slide(self.prev_mask);
            }
            self.place();
        }
        if self.avail <= at && self.ends { Refill::End } else { Refill::Go }
    }

    /// Whether the encoder at `at` saw too little lookahead and asked for more.
    pub(super) fn portion_read(&self, at: usize) -> bool {
        self.asked_at == at
    }

    /// The history before `start` that chains can reach.
    pub(super) fn reachable(&self, start: usize) -> std::ops::Range<usize> {
        let edge = if (self.edge as isize) < 0 { 0 } else { self.edge };
        start.saturating_sub(self.prev_mask + 1).max(edge).min(start)..start
    }
}

impl Chains {
    fn slide(&mut self, mask: usize) {
        let by = mask as u16 + 1;
        for slot in self.head.iter_mut().chain(&mut self.prev[..=mask]) {
            *slot = slot.saturating_sub(by);
        }
    }

    /// Puts relative position `rel` at the head of chain `hash` and returns the head before it.
    #[inline(always)]
    pub(super) fn insert(&mut self, hash: u16, rel: u16, mask: usize) -> u16 {
        let slot = &mut self.head[usize::from(hash)];
        let before = *slot;
        *slot = rel;
        self.prev[usize::from(rel) & mask & 32767] = before;
        before
    }
}

/// What lies in zlib's window after the last byte: what was there one window length before, zeros in the first pass.
fn tail(buf: &mut Vec<u8>, origin: u64, window: usize) {
    for _ in 0..TAIL {
        let position = origin + buf.len() as u64;
        let stale = if position < 2 * window as u64 { None } else { buf.len().checked_sub(window) };
        let byte = stale.map_or(0, |at| buf[at]);
        buf.push(byte);
    }
}

/// Length of the common prefix of what begins at `a` and `b`, at most 258; two bytes are known to agree.
#[inline(always)]
pub(super) fn common(buf: &[u8], a: usize, b: usize) -> usize {
    let (Some(x), Some(y)) = (buf.get(a + 2..a + MAX_MATCH), buf.get(b + 2..b + MAX_MATCH)) else { return 0 };
    let mut len = 2;
    for (p, q) in x.chunks_exact(8).zip(y.chunks_exact(8)) {
        let p = u64::from_le_bytes(p.try_into().expect("chunks of eight"));
        let q = u64::from_le_bytes(q.try_into().expect("chunks of eight"));
        let differ = p ^ q;
        if differ != 0 {
            return len + (differ.trailing_zeros() >> 3) as usize;
        }
        len += 8;
    }
    len
}

/// Two bytes at `at` as a number, for comparing only.
#[inline(always)]
pub(super) fn pair(buf: &[u8], at: usize) -> u16 {
    match buf.get(at..at + 2) {
        Some(&[a, b]) => u16::from_le_bytes([a, b]),
        _ => 0,
    }
}

/// Four bytes at `at`, little-endian.
#[inline(always)]
pub(super) fn four(buf: &[u8], at: usize) -> u32 {
    match buf.get(at..at + 4) {
        Some(&[a, b, c, d]) => u32::from_le_bytes([a, b, c, d]),
        _ => 0,
    }
}

/// Eight bytes at `at`, for comparing only.
#[inline(always)]
pub(super) fn eight(buf: &[u8], at: usize) -> u64 {
    buf.get(at..at + 8).map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().expect("eight bytes")))
}

/// What the encoder does after a block, kept short.
pub(super) type Flow = ControlFlow<()>;
