//! What the fast levels' matchers share: hashes and where they last occurred (`fast_encoder.go`).

use crate::codec::deflate::encoder::matchers::joined;

/// The farthest match of most levels is one byte nearer than this.
pub(super) const REACH: usize = 32768;
/// Bytes at a section's end in which no match begins.
pub(super) const MARGIN: usize = 11;

/// One more than a position in the buffer, 0 for none.
pub(super) type Entry = u32;

#[inline(always)]
pub(super) fn entry(at: usize) -> Entry {
    (at as u32).wrapping_add(1)
}

/// How far before `at` the entry is, `usize::MAX` for none.
#[inline(always)]
pub(super) fn back(at: usize, entry: Entry) -> usize {
    match entry {
        0 => usize::MAX,
        _ => at.wrapping_add(1).wrapping_sub(entry as usize),
    }
}

/// Positions by hash.
pub(super) struct Table<const BITS: u32, T> {
    slots: Box<[T]>,
}

impl<const BITS: u32, T: Copy + Default> Table<BITS, T> {
    pub(super) fn new() -> Self {
        Self { slots: vec![T::default(); 1 << BITS].into_boxed_slice() }
    }

    #[inline(always)]
    pub(super) fn at(&mut self, hash: usize) -> &mut T {
        let mask = self.slots.len() - 1;
        &mut self.slots[hash & mask]
    }
}

/// The two latest positions.
#[derive(Clone, Copy, Default)]
pub(super) struct Two {
    pub(super) latest: Entry,
    pub(super) earlier: Entry,
}

impl Two {
    #[inline(always)]
    pub(super) fn push(&mut self, entry: Entry) {
        *self = Self { latest: entry, earlier: self.latest };
    }
}

/// Hash of the four lowest bytes.
#[inline(always)]
pub(super) fn hash4<const BITS: u32>(bytes: u64) -> usize {
    ((bytes as u32).wrapping_mul(2_654_435_761) >> (32 - BITS)) as usize
}

/// Hash of the five lowest bytes.
#[inline(always)]
pub(super) fn hash5<const BITS: u32>(bytes: u64) -> usize {
    ((bytes << 24).wrapping_mul(889_523_592_379) >> (64 - BITS)) as usize
}

/// Hash of the seven lowest bytes.
#[inline(always)]
pub(super) fn hash7<const BITS: u32>(bytes: u64) -> usize {
    ((bytes << 8).wrapping_mul(58_295_818_150_454_627) >> (64 - BITS)) as usize
}

/// The eight bytes at `at`, the first lowest; 0 beyond the end.
#[inline(always)]
pub(super) fn eight(buf: &[u8], at: usize) -> u64 {
    buf.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Whether the four bytes `bytes` are also `back` bytes before `at`, and that is less than `reach`.
#[inline(always)]
pub(super) fn same4(buf: &[u8], bytes: u64, at: usize, back: usize, reach: usize) -> bool {
    back.wrapping_sub(1) < reach - 1 && four(buf, at.wrapping_sub(back)) == bytes as u32
}

#[inline(always)]
pub(super) fn four(buf: &[u8], at: usize) -> u32 {
    buf.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

/// How long what is at `at` agrees with what is `back` bytes before, up to `end`.
#[inline(always)]
pub(super) fn common(buf: &[u8], at: usize, back: usize, end: usize) -> usize {
    let there = at.wrapping_sub(back);
    match (buf.get(at..end), buf.get(there..end.wrapping_sub(back))) {
        (Some(here), Some(there)) => joined::common(here, there),
        _ => 0,
    }
}

/// Symbols of a section as its matcher finds them.
pub(super) struct Found<'a> {
    pub(super) buf: &'a [u8],
    /// Matches begin here or later.
    pub(super) floor: usize,
    /// Where the encoder's buffer begins.
    pub(super) held: usize,
    /// What is before is written.
    pub(super) done: usize,
    pub(super) symbols: &'a mut Vec<u32>,
}

impl Found<'_> {
    /// Writes a match at `at` of `len` bytes or, if bytes before it agree too and are not written, more. Returns where
    /// it begins and how long it is.
    #[inline(always)]
    pub(super) fn take(&mut self, mut at: usize, back: usize, mut len: usize) -> (usize, usize) {
        while at > self.done && at - back > self.floor && self.buf[at - 1] == self.buf[at - 1 - back] {
            (at, len) = (at - 1, len + 1);
        }
        self.literals(at);
        self.done = at + len;
        let mut rest = len;
        while rest > 0 {
            let part = match rest {
                0..=258 => rest,
                259..=261 => 255,
                _ => 258,
            };
            self.symbols.push((back as u32) << 16 | (part as u32).wrapping_sub(3) & 255);
            rest -= part;
        }
        (at, len)
    }

    /// Writes all before `to` as literals.
    pub(super) fn literals(&mut self, to: usize) {
        if let Some(bytes) = self.buf.get(self.done..to) {
            self.symbols.extend(bytes.iter().map(|&byte| u32::from(byte)));
        }
    }

    /// Writes what is left. Without any match there is nothing to write: the section is stored.
    pub(super) fn finish(&mut self) {
        if !self.symbols.is_empty() {
            self.literals(self.buf.len());
        }
    }
}
