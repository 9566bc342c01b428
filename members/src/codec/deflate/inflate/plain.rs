//! A sink that gives the plain bytes: what inflating means.

use super::block::{Header, Sink};

/// The plain bytes decoded so far. The caller may drop all but the last 32 KiB between blocks.
pub struct Plain {
    pub bytes: Vec<u8>,
    /// What would make `bytes` longer than this is left out, and [`Plain::is_full`] from then on.
    pub limit: usize,
    full: bool,
}

impl Default for Plain {
    /// Without a limit.
    fn default() -> Self {
        Self { bytes: Vec::new(), limit: usize::MAX, full: false }
    }
}

impl Plain {
    /// Whether something was left out.
    pub fn is_full(&self) -> bool {
        self.full
    }

    #[inline(always)]
    fn has_room(&mut self, more: usize) -> bool {
        let fits = self.bytes.len() + more <= self.limit;
        self.full |= !fits;
        fits
    }
}

impl Sink for Plain {
    fn begin(&mut self, _: &[u8], _: &Header) {}

    fn stored(&mut self, bytes: &[u8]) {
        if self.has_room(bytes.len()) {
            self.bytes.extend_from_slice(bytes);
        }
    }

    #[inline(always)]
    fn literal(&mut self, byte: u8) {
        if self.has_room(1) {
            self.bytes.push(byte);
        }
    }

    /// Distances beyond the bytes kept are the caller's mistake in dropping them; they copy zeros.
    #[inline(always)]
    fn copy(&mut self, length: u32, distance: u32) {
        let length = length as usize + 3;
        let distance = distance as usize + 1;
        let end = self.bytes.len();
        if !self.has_room(length) {
            return;
        }
        let Some(start) = end.checked_sub(distance) else {
            self.bytes.resize(end + length, 0);
            return;
        };
        if distance >= length {
            self.bytes.extend_from_within(start..start + length);
            return;
        }
        // The source overlaps what it makes: each pass doubles the period that can be copied at once.
        let mut left = length;
        while left > 0 {
            let step = left.min(self.bytes.len() - start);
            self.bytes.extend_from_within(start..start + step);
            left -= step;
        }
    }

    fn end(&mut self) {}
}
