//! How zlib and Chromium's fork hash a position.

use super::sorted::Hash;

/// zlib's rolling hash, of which nothing is left after three bytes.
#[derive(Clone, Copy)]
pub(crate) struct Rolling {
    shift: u32,
    mask: u32,
}

impl Rolling {
    pub(crate) fn new(mem_level: u8) -> Self {
        let bits = u32::from(mem_level) + 7;
        Self { shift: bits.div_ceil(3), mask: (1 << bits) - 1 }
    }
}

impl Hash for Rolling {
    #[inline(always)]
    fn of(self, v: u32) -> u16 {
        let shift = self.shift & 7;
        ((((v & 255) << (2 * shift)) ^ ((v >> 8 & 255) << shift) ^ (v >> 16 & 255)) & self.mask) as u16
    }

    fn chains(self) -> usize {
        self.mask as usize + 1
    }
}

/// Chromium's hash of four bytes (its `contrib/optimizations/insert_string.h`), whose table never has fewer than 32 Ki
/// chains.
#[derive(Clone, Copy)]
pub(crate) struct Multiplied {
    mask: u32,
}

impl Multiplied {
    pub(crate) fn new(mem_level: u8) -> Self {
        Self { mask: (1 << (u32::from(mem_level) + 7).max(15)) - 1 }
    }
}

impl Hash for Multiplied {
    #[inline(always)]
    fn of(self, string: u32) -> u16 {
        ((string.wrapping_mul(66521).wrapping_add(66521) >> 16) & self.mask) as u16
    }

    fn chains(self) -> usize {
        self.mask as usize + 1
    }
}
