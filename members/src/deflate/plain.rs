//! A sink that gives the plain bytes: what inflating means.

use super::block::{Header, Sink};

/// The plain bytes decoded so far. The caller may drop all but the last 32 KiB between blocks.
#[derive(Default)]
pub struct Plain {
    pub bytes: Vec<u8>,
}

impl Sink for Plain {
    fn begin(&mut self, _: &[u8], _: &Header) {}

    fn stored(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    #[inline(always)]
    fn literal(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Distances beyond the bytes kept are the caller's mistake in dropping them; they copy zeros.
    #[inline(always)]
    fn copy(&mut self, length: u32, distance: u32) {
        let length = length as usize + 3;
        let distance = distance as usize + 1;
        let end = self.bytes.len();
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
