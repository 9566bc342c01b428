//! How Go chooses a block's form (`huffman_bit_writer.go`).

use super::code;
use crate::codec::deflate::encoder::output::form::{Counts, DISTANCES, Form, LITERALS, Own};
use crate::codec::deflate::encoder::output::header::{Header, LENGTHS};
use crate::codec::deflate::encoder::output::tree::{Code, Shape};

/// The most bytes in a stored block.
const MAX_STORED: usize = 65535;

/// The smallest form of a block of `plain` bytes, levels 2 to 9. It may be stored only if `storable`.
pub(super) fn smallest(counts: Counts, plain: usize, storable: bool) -> Form {
    let own = own(counts, &LITERALS, &DISTANCES);
    let own_bits = 3 + own.header.bits + own.literals.bits + own.distances.bits;
    let fixed_bits = 3 + own.literals.fixed_bits + own.distances.fixed_bits;
    if storable && plain <= MAX_STORED && stored_bits(plain) < own_bits.min(fixed_bits) {
        Form::Stored
    } else if own_bits < fixed_bits {
        Form::Own(Box::new(own))
    } else {
        Form::Fixed
    }
}

/// Level 1 and Huffman only: stored, whatever the window holds, unless codes of its own save a sixteenth. Extra bits
/// are not reckoned with.
pub(super) fn worthwhile(counts: Counts, plain: usize, _storable: bool) -> Form {
    let bare = |shape| Shape { extra_base: usize::MAX, ..shape };
    let own = own(counts, &bare(LITERALS), &bare(DISTANCES));
    let bits = 3 + own.header.bits + own.literals.bits + own.distances.bits;
    if plain <= MAX_STORED && stored_bits(plain) < bits + (bits >> 4) { Form::Stored } else { Form::Own(Box::new(own)) }
}

fn stored_bits(plain: usize) -> u64 {
    (plain as u64 + 5) * 8
}

fn own(counts: Counts, l_shape: &Shape, d_shape: &Shape) -> Own {
    // Without matches, one distance is counted so that there is a code for it.
    let mut d_freq = *counts.distances;
    if d_freq.iter().all(|&f| f == 0) {
        d_freq[0] = 1;
    }
    let literals = code::build(counts.literals, l_shape);
    let distances = code::build(&d_freq, d_shape);
    described(literals, distances, code::build)
}

/// A block's own codes with their description, for which `build` makes one more code.
pub(crate) fn described(literals: Code, distances: Code, build: impl FnOnce(&[u16], &Shape) -> Code) -> Own {
    let lens = [&literals.len[..=literals.max_code], &distances.len[..=distances.max_code]].concat();
    let header = Header::of(run_lengths(&lens), |freq| build(freq, &LENGTHS));
    Own { literals, distances, header }
}

/// Run-length codes the lengths of both codes as one sequence: a run is taken whole and cut into the longest repeats
/// there are, what is left over sent as it is.
fn run_lengths(lens: &[u8]) -> Vec<(u8, u8)> {
    let mut symbols = Vec::with_capacity(lens.len());
    for run in lens.chunk_by(|a, b| a == b) {
        let (len, mut left) = (run[0], run.len());
        if len == 0 {
            while left >= 11 {
                let repeat = left.min(138);
                symbols.push((18, (repeat - 11) as u8));
                left -= repeat;
            }
            if left >= 3 {
                symbols.push((17, (left - 3) as u8));
                left = 0;
            }
        } else {
            symbols.push((len, 0));
            left -= 1;
            while left >= 3 {
                let repeat = left.min(6);
                symbols.push((16, (repeat - 3) as u8));
                left -= repeat;
            }
        }
        symbols.extend(std::iter::repeat_n((len, 0), left));
    }
    symbols
}
