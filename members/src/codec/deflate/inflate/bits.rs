//! Reading bits, least significant first, through a 64-bit buffer.
//!
//! Invariant: bits beyond the input read as zero, and [`BitReader::overrun`] tells afterwards that they were consumed.

/// A position within `input`, with up to 63 bits read ahead.
#[derive(Clone, Copy)]
pub(crate) struct BitReader<'a> {
    input: &'a [u8],
    /// The next byte to load; it runs past the input once that is exhausted.
    next: usize,
    buffer: u64,
    /// How many bits of `buffer` count; those above are what the next load will bring, or zero.
    count: u32,
}

impl<'a> BitReader<'a> {
    /// Starts at bit `bit` of `input`, which holds that bit or ends right before it.
    pub(crate) fn at(input: &'a [u8], bit: usize) -> Self {
        let mut reader = Self { input, next: bit / 8, buffer: 0, count: 0 };
        reader.refill();
        reader.consume((bit % 8) as u32);
        reader
    }

    /// Makes at least 56 bits available.
    #[inline(always)]
    pub(crate) fn refill(&mut self) {
        if let Some(word) = self.input.get(self.next..).and_then(|rest| rest.first_chunk::<8>()) {
            self.buffer |= u64::from_le_bytes(*word) << (self.count & 63);
            self.next = self.next.wrapping_add(((63 - self.count) >> 3) as usize);
            self.count |= 56;
        } else {
            *self = self.refilled_slowly();
        }
    }

    /// By value, so that a loop's reader need not have an address and stays in registers.
    #[cold]
    #[inline(never)]
    fn refilled_slowly(mut self) -> Self {
        while self.count < 56 {
            let byte = self.input.get(self.next).copied().unwrap_or(0);
            self.buffer |= u64::from(byte) << self.count;
            self.next += 1;
            self.count += 8;
        }
        self
    }

    /// The bits ahead, at least 56 of them after [`refill`](Self::refill).
    #[inline(always)]
    pub(crate) fn peek(&self) -> u64 {
        self.buffer
    }

    /// How many bits are ahead.
    #[inline(always)]
    pub(crate) fn available(&self) -> u32 {
        self.count
    }

    /// Drops `bits` bits, which are available and fewer than 64.
    #[inline(always)]
    pub(crate) fn consume(&mut self, bits: u32) {
        self.buffer >>= bits & 63;
        self.count = self.count.wrapping_sub(bits);
    }

    /// Reads `bits` (at most 32) bits, loading what is needed.
    pub(crate) fn take(&mut self, bits: u32) -> u32 {
        if self.count < bits {
            self.refill();
        }
        let value = (self.buffer & ((1 << bits) - 1)) as u32;
        self.consume(bits);
        value
    }

    /// The position, in bits from the input's start.
    #[inline(always)]
    pub(crate) fn position(&self) -> usize {
        self.next.wrapping_mul(8).wrapping_sub(self.count as usize)
    }

    /// Whether bits beyond the input were consumed.
    pub(crate) fn overrun(&self) -> bool {
        self.position() > self.input.len() * 8
    }

    /// Whether a loop must stop: every bit of the input was consumed, and more.
    #[inline(always)]
    pub(crate) fn exhausted(&self) -> bool {
        self.next >= self.input.len().wrapping_add(8)
    }

    pub(crate) fn input(&self) -> &'a [u8] {
        self.input
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_was_laid_out_from_any_bit() {
        let bytes: Vec<u8> = (0..40u8).map(|i| i.wrapping_mul(97).wrapping_add(13)).collect();
        let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| (byte >> (at % 8)) & 1);
        for start in 0..=bytes.len() * 8 {
            let mut reader = BitReader::at(&bytes, start);
            let mut at = start;
            for width in [1u32, 7, 15, 3, 32, 13, 9] {
                let expected = (0..width).map(|i| u32::from(bit(at + i as usize)) << i).sum::<u32>();
                assert_eq!(reader.take(width), expected);
                at += width as usize;
                assert_eq!(reader.position(), at);
                assert_eq!(reader.overrun(), at > bytes.len() * 8);
            }
        }
    }
}
