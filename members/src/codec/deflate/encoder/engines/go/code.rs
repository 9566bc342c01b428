//! Huffman codes as Go builds them (`huffman_code.go`).
//!
//! The lengths are those of the package-merge algorithm, so a code is optimal within its longest length. Where several
//! are, the choice follows from two orders: leaves by frequency, then by symbol; a package before a leaf of the same
//! weight.

use crate::codec::deflate::encoder::output::tree::{Code, Shape};

/// Builds the code for symbol counts `freq`, of which not all are zero.
pub(crate) fn build(freq: &[u16], shape: &Shape) -> Code {
    Code::of(freq, shape, lengths)
}

/// Code lengths of at most `most` bits. One symbol alone gets one bit.
fn lengths(freq: &[u16], most: usize, made: &mut [u8; 288]) {
    let mut leaves: Vec<(u32, usize)> =
        freq.iter().enumerate().filter(|&(_, &f)| f != 0).map(|(n, &f)| (u32::from(f), n)).collect();
    if leaves.len() <= 2 {
        leaves.iter().for_each(|&(_, n)| made[n] = 1);
        return;
    }
    leaves.sort_unstable();
    // By level, the deepest first: which of the items, by weight, are leaves. A pair of a level's items is a package of
    // the next.
    let wanted = 2 * leaves.len() - 2;
    let mut levels: Vec<Vec<bool>> = Vec::new();
    let mut weights: Vec<u32> = Vec::new();
    for _ in 0..most.min(leaves.len() - 1) {
        let mut packages = weights.chunks_exact(2).map(|pair| pair[0] + pair[1]).peekable();
        let mut rest = leaves.iter().map(|leaf| leaf.0).peekable();
        let (mut merged, mut kinds) = (Vec::with_capacity(wanted), Vec::with_capacity(wanted));
        while merged.len() < wanted {
            let leaf = match (rest.peek(), packages.peek()) {
                (Some(leaf), Some(package)) => leaf < package,
                (leaf, _) => leaf.is_some(),
            };
            let Some(weight) = (if leaf { rest.next() } else { packages.next() }) else { break };
            merged.push(weight);
            kinds.push(leaf);
        }
        levels.push(kinds);
        weights = merged;
    }
    // What is taken of each level, the root's first: every leaf in it makes its symbol's code a bit longer.
    let mut taken = wanted;
    for kinds in levels.iter().rev() {
        let kinds = &kinds[..taken.min(kinds.len())];
        let count = kinds.iter().filter(|&&leaf| leaf).count();
        leaves[..count].iter().for_each(|&(_, n)| made[n] += 1);
        taken = 2 * (kinds.len() - count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_optimal_within_the_longest() {
        let lengths_of = |freq: &[u16], most| {
            let mut made = [0; 288];
            lengths(freq, most, &mut made);
            made[..freq.len()].to_vec()
        };
        assert_eq!(lengths_of(&[0, 7, 0], 15), [0, 1, 0]);
        assert_eq!(lengths_of(&[9, 0, 1], 15), [1, 0, 1]);
        assert_eq!(lengths_of(&[1, 1, 2, 4, 8], 15), [4, 4, 3, 2, 1]);
        assert_eq!(lengths_of(&[1, 1, 2, 4, 8], 3), [3, 3, 3, 3, 1]);
        let fibonacci = [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597, 2584, 4181];
        let made = lengths_of(&fibonacci, 7);
        assert!(made.iter().all(|&len| (1..=7).contains(&len)));
        assert_eq!(made.iter().map(|&len| 128 >> len).sum::<u32>(), 128);
    }
}
