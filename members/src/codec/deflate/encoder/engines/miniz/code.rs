//! Huffman codes as miniz builds them (`optimize_table` in `core.rs`).
//!
//! The two lightest nodes are joined, a leaf before an inner node of the same weight. Only how many codes of each
//! length come out is kept; they are dealt out by frequency, then by symbol, so that of two symbols the rarer one never
//! has the shorter code, nor the lower one of two that are as frequent.

use crate::codec::deflate::encoder::output::tree::{Code, Shape};

/// No code of at most 65535 counted symbols is this long before it is cut down.
const DEEPEST: usize = 32;

/// Builds the code for symbol counts `freq`.
pub(super) fn build(freq: &[u16], shape: &Shape) -> Code {
    Code::of(freq, shape, lengths)
}

/// Code lengths of at most `most` bits. One symbol alone gets one bit.
fn lengths(freq: &[u16], most: usize, made: &mut [u8; 288]) {
    let mut leaves: Vec<(u16, u16)> = freq.iter().copied().zip(0u16..).filter(|&(f, _)| f != 0).collect();
    leaves.sort_unstable();
    let mut counts = depths(&leaves);
    if leaves.len() > 1 {
        shorten(&mut counts, most);
    }
    let mut rest = leaves.iter().rev();
    for (len, &count) in counts.iter().enumerate().take(most + 1) {
        for &(_, n) in rest.by_ref().take(count as usize) {
            made[usize::from(n)] = len as u8;
        }
    }
}

/// How many leaves, given in ascending order, are how deep.
fn depths(leaves: &[(u16, u16)]) -> [u32; DEEPEST + 1] {
    let mut counts = [0; DEEPEST + 1];
    if leaves.len() < 2 {
        counts[1] = leaves.len() as u32;
        return counts;
    }
    let inner = leaves.len() - 1;
    let mut weights: Vec<u32> = Vec::with_capacity(inner);
    // The inner node above each leaf and each inner node but the last.
    let (mut above_leaf, mut above_inner) = (vec![0; leaves.len()], vec![0; inner]);
    let (mut leaf, mut root) = (0, 0);
    for made in 0..inner {
        let mut weight = 0;
        for _ in 0..2 {
            let light = leaves.get(leaf).map(|&(f, _)| u32::from(f));
            match (weights.get(root), light) {
                (Some(&inner), light) if light.is_none_or(|light| inner < light) => {
                    weight += inner;
                    above_inner[root] = made;
                    root += 1;
                }
                (_, light) => {
                    weight += light.unwrap_or(0);
                    above_leaf[leaf] = made;
                    leaf += 1;
                }
            }
        }
        weights.push(weight);
    }
    let mut depth = vec![0usize; inner];
    for n in (0..inner - 1).rev() {
        depth[n] = depth[above_inner[n]] + 1;
    }
    above_leaf.iter().for_each(|&above| counts[(depth[above] + 1).min(DEEPEST)] += 1);
    counts
}

/// Brings codes that are too long down to `most`: as long as there are too many, the deepest leaf that is not as deep
/// as that moves down and takes one with it.
fn shorten(counts: &mut [u32; DEEPEST + 1], most: usize) {
    counts[most] += counts[most + 1..].iter().sum::<u32>();
    let taken: u32 = (1..=most).map(|len| counts[len] << (most - len)).sum();
    for _ in 1 << most..taken {
        let Some(len) = (1..most).rev().find(|&len| counts[len] > 0) else { return };
        counts[most] -= 1;
        counts[len] -= 1;
        counts[len + 1] += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_dealt_out_by_frequency_then_symbol() {
        let lengths_of = |freq: &[u16], most| {
            let mut made = [0; 288];
            lengths(freq, most, &mut made);
            made[..freq.len()].to_vec()
        };
        assert_eq!(lengths_of(&[0, 0], 15), [0, 0]);
        assert_eq!(lengths_of(&[0, 7, 0], 15), [0, 1, 0]);
        assert_eq!(lengths_of(&[5, 5, 5], 15), [2, 2, 1]);
        assert_eq!(lengths_of(&[1, 1, 2, 4, 8], 15), [4, 4, 3, 2, 1]);
        let fibonacci = [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597, 2584, 4181];
        let made = lengths_of(&fibonacci, 7);
        assert!(made.iter().all(|&len| (1..=7).contains(&len)));
        assert_eq!(made.iter().map(|&len| 128 >> len).sum::<u32>(), 128);
    }
}
