//! Writing DEFLATE's bits: least significant first (RFC 1951, section 3.1.1).

/// A growing bit string. Its first byte may begin with bits that belong to what came before; they are left zero.
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    held: u64,
    count: u32,
}

impl BitWriter {
    /// Begins after `first_bit` (0 to 7) bits of the first byte.
    pub(crate) fn new(first_bit: u8) -> Self {
        Self { bytes: Vec::with_capacity(1 << 16), held: 0, count: u32::from(first_bit & 7) }
    }

    /// Appends the low `count` bits of `value`; `count` is at most 32 and higher bits of `value` are zero.
    #[inline(always)]
    pub(crate) fn put(&mut self, value: u64, count: u32) {
        self.held |= value << (self.count & 63);
        self.count = self.count.wrapping_add(count);
        if self.count >= 32 {
            self.bytes.extend_from_slice(&(self.held as u32).to_le_bytes());
            self.held >>= 32;
            self.count = self.count.wrapping_sub(32);
        }
    }

    /// Fills up the current byte with zero bits and moves everything into the bytes.
    pub(crate) fn align(&mut self) {
        self.spill();
        if self.count > 0 {
            self.bytes.push(self.held as u8);
        }
        (self.held, self.count) = (0, 0);
    }

    /// Appends whole bytes; the position must be aligned.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        debug_assert_eq!(self.count, 0, "aligned first");
        self.bytes.extend_from_slice(bytes);
    }

    fn spill(&mut self) {
        while self.count >= 8 {
            self.bytes.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    /// Bits so far, those before the start included.
    pub(crate) fn bit_len(&self) -> u64 {
        self.bytes.len() as u64 * 8 + u64::from(self.count)
    }

    /// Everything so far, the last byte filled up with zero bits, shown to `show`.
    pub(crate) fn peek<R>(&mut self, show: impl FnOnce(&[u8]) -> R) -> R {
        self.spill();
        let partial = self.count > 0;
        if partial {
            self.bytes.push(self.held as u8);
        }
        let shown = show(&self.bytes);
        if partial {
            self.bytes.pop();
        }
        shown
    }

    /// Everything, the last byte filled up with zero bits.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.align();
        self.bytes
    }
}
