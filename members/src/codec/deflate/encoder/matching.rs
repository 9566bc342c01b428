//! How far an encoder reproduces a stream.

use super::encode;
use super::params::Params;
use super::state::State;
use super::types::{Block, Input, Start};
use std::ops::ControlFlow;

/// The blocks from a start on that an encoder reproduces exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prefix {
    /// How many blocks, a flush's marker counted as one.
    pub blocks: usize,
    /// Their plain bytes.
    pub plain: usize,
    /// Where they end, in bits of the stream given, those before its first bit included.
    pub bit_end: u64,
    /// What the encoder carries on.
    pub state: State,
    /// Whether the last one ends the stream.
    pub complete: bool,
}

/// Encodes `input` from `start` and compares with `actual`, whose first `start.first_bit` bits are ignored. Stops at
/// the first block that differs or reaches beyond `actual`. All or nothing if [`Params::is_whole`].
#[must_use]
pub fn matching(params: &Params, start: Start, input: Input, actual: &[u8]) -> Prefix {
    let nothing = Prefix { bit_end: u64::from(start.first_bit & 7), state: start.state, ..Prefix::default() };
    let mut found = nothing;
    encode(params, start, input, &mut |block: Block| {
        if !same_bits(block.bytes, actual, found.bit_end, block.bit_end) {
            return ControlFlow::Break(());
        }
        let Block { plain_end, bit_end, state, last, .. } = block;
        found = Prefix { blocks: found.blocks + 1, plain: plain_end, bit_end, state, complete: last };
        ControlFlow::Continue(())
    });
    if params.is_whole() && !found.complete { nothing } else { found }
}

/// Whether `a` and `b` hold the same bits from bit `from` to bit `to`.
pub(crate) fn same_bits(a: &[u8], b: &[u8], from: u64, to: u64) -> bool {
    let (first, last) = ((from / 8) as usize, (to / 8) as usize);
    let (Some(a), Some(b)) = (a.get(first..), b.get(first..)) else { return false };
    let whole = last - first;
    let (Some(a_whole), Some(b_whole)) = (a.get(..whole), b.get(..whole)) else { return false };
    let head = 0xffu8 << (from % 8);
    let tail = !(0xffu8 << (to % 8));
    let last_differs = |mask: u8| match (a.get(whole), b.get(whole)) {
        (Some(x), Some(y)) => (x ^ y) & mask != 0,
        _ => mask != 0,
    };
    match (a_whole.split_first(), b_whole.split_first()) {
        (Some((x, a_rest)), Some((y, b_rest))) => (x ^ y) & head == 0 && a_rest == b_rest && !last_differs(tail),
        _ => !last_differs(head & tail),
    }
}

#[cfg(test)]
mod tests {
    use super::same_bits;

    #[test]
    fn bits_outside_the_range_do_not_matter() {
        assert!(same_bits(&[0xf0, 1, 0x0f], &[0xf3, 1, 0xff], 4, 20));
        assert!(!same_bits(&[0xf0, 1, 0x0f], &[0xe0, 1, 0x0f], 4, 20));
        assert!(!same_bits(&[0xf0, 1, 0x0f], &[0xf0, 1, 0x07], 4, 20));
        assert!(same_bits(&[0b0011_0000], &[0b1011_0001], 4, 6));
        assert!(same_bits(&[1], &[1], 0, 8));
        assert!(!same_bits(&[1, 2], &[1], 0, 16));
        assert!(!same_bits(&[1, 2], &[1], 0, 9));
    }
}
