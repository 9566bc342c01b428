//! Writing bits, least significant first, into a slice of fixed size.

/// The slice is 8 bytes longer than what may be written, so that whole words can be stored anywhere.
pub(crate) struct SliceWriter<'a> {
    pub(crate) out: &'a mut [u8],
    pub(crate) cursor: Cursor,
}

/// Where the next bits go; between flushes up to 64 bits wait in `buffer`.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cursor {
    pub(crate) at: usize,
    pub(crate) buffer: u64,
    pub(crate) count: u32,
}

impl Cursor {
    /// Adds `width` bits, which with those waiting are at most 64; `bits` has no others.
    #[inline(always)]
    pub(crate) fn add(&mut self, bits: u64, width: u32) {
        self.buffer |= bits << (self.count & 63);
        self.count = self.count.wrapping_add(width);
    }

    /// Writes all whole bytes, leaving fewer than 8 bits; fewer than 64 bits wait. False if the slice is full.
    #[inline(always)]
    #[must_use]
    pub(crate) fn flush(&mut self, out: &mut [u8]) -> bool {
        let Some(slot) = out.get_mut(self.at..).and_then(|rest| rest.first_chunk_mut::<8>()) else { return false };
        *slot = self.buffer.to_le_bytes();
        self.at = self.at.wrapping_add((self.count >> 3) as usize);
        self.buffer >>= self.count & 56;
        self.count &= 7;
        true
    }
}

impl SliceWriter<'_> {
    /// Adds up to 32 bits. False if the slice is full.
    #[must_use]
    pub(crate) fn put(&mut self, bits: u32, width: u32) -> bool {
        self.cursor.add(u64::from(bits), width);
        self.cursor.flush(self.out)
    }

    /// Copies bytes; only at a byte boundary. False if the slice is full.
    #[must_use]
    pub(crate) fn copy(&mut self, bytes: &[u8]) -> bool {
        debug_assert_eq!(self.cursor.count, 0);
        let Some(slot) = self.out.get_mut(self.cursor.at..self.cursor.at + bytes.len()) else { return false };
        slot.copy_from_slice(bytes);
        self.cursor.at += bytes.len();
        true
    }
}
