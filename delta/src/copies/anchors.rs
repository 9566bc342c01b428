//! Where in the references a gram of the window lies: a hash table over sampled positions.

use super::GRAM;

/// Most positions that are indexed: 4 bytes each in the table, 4 more in the chains.
const MAX_POSITIONS: usize = 4 << 20;

/// Positions of the source by the hash of the [`GRAM`] bytes there. One per encoder: its allocations are used again.
#[derive(Default)]
pub(crate) struct Anchors {
    /// For each hash 1 + the number of the last sample that has it; 0: none.
    heads: Vec<u32>,
    /// For each sample the one before it with its hash, in the same way. Empty when only one is looked at.
    chain: Vec<u32>,
    /// Bytes from one sample to the next.
    step: usize,
    shift: u32,
}

impl Anchors {
    /// Indexes `source`: a sample every `step` bytes, or fewer where that would be more than [`MAX_POSITIONS`].
    pub(crate) fn build(&mut self, source: &[u8], step: usize, chained: bool) {
        self.step = step.max(source.len().div_ceil(MAX_POSITIONS)).max(1);
        let samples = source.len().saturating_sub(GRAM - 1).div_ceil(self.step);
        let bits = (samples + samples / 2).next_power_of_two().trailing_zeros().clamp(8, 23);
        self.shift = 64 - bits;
        self.heads.clear();
        self.heads.resize(1 << bits, 0);
        self.chain.clear();
        for (number, gram) in source.windows(GRAM).step_by(self.step).enumerate() {
            let Some(gram) = gram.first_chunk() else { return };
            let head = &mut self.heads[slot(gram, self.shift)];
            if chained {
                self.chain.push(*head);
            }
            *head = number as u32 + 1;
        }
    }

    /// Positions that may hold `gram`, the last in the source first; all but one only if the table was built chained.
    pub(crate) fn positions(&self, gram: &[u8; GRAM]) -> impl Iterator<Item = usize> {
        let mut link = self.heads.get(slot(gram, self.shift)).copied().unwrap_or(0);
        std::iter::from_fn(move || {
            let number = link.checked_sub(1)? as usize;
            link = self.chain.get(number).copied().unwrap_or(0);
            Some(number * self.step)
        })
    }
}

#[inline(always)]
fn slot(gram: &[u8; GRAM], shift: u32) -> usize {
    let (low, high) = halves(gram);
    let mixed = (low.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ high).wrapping_mul(0xd6e8_feb8_6659_fd93);
    (mixed >> shift) as usize
}

#[inline(always)]
fn halves(gram: &[u8; GRAM]) -> (u64, u64) {
    let whole = u128::from_le_bytes(*gram);
    (whole as u64, (whole >> 64) as u64)
}
