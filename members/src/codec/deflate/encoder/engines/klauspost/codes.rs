//! Codes of klauspost's encoder: Go's, which may stay in use for several sections of a stream.

use super::state::Before;
use crate::codec::deflate::encoder::engines::go;
use crate::codec::deflate::encoder::output::bits::BitWriter;
use crate::codec::deflate::encoder::output::form::{DISTANCES, LITERALS, Own};
use crate::codec::deflate::encoder::output::symbols::fixed_codes;
use crate::codec::deflate::encoder::output::tables::{D_CODES, DIST_EXTRA, END_BLOCK, L_CODES, LENGTH_EXTRA};
use crate::codec::deflate::encoder::output::tree::Code;

/// Codes of a block's own, and their description.
pub(super) struct Codes {
    pub(super) own: Own,
    /// They have literals only.
    pub(super) literals: bool,
}

impl Codes {
    /// For symbol counts. With `full`, the description names every symbol, whether it has a code or not.
    pub(super) fn of(l_freq: &[u16], d_freq: &[u16; D_CODES], full: bool) -> Self {
        let mut literals = go::build(l_freq, &LITERALS);
        let mut distances = go::build(d_freq, &DISTANCES);
        if full {
            (literals.max_code, distances.max_code) = (L_CODES - 1, D_CODES - 1);
        }
        Self { own: go::described(literals, distances, go::build), literals: false }
    }

    /// For literals only; there is a code for one distance that does not occur.
    pub(super) fn of_literals(freq: &[u16; END_BLOCK + 1]) -> Self {
        let mut d_freq = [0; D_CODES];
        d_freq[0] = 1;
        Self { literals: true, ..Self::of(freq, &d_freq, false) }
    }

    pub(super) fn before(&self) -> Before {
        Before { header: self.header_bits(), end: self.end_bits(), literals: self.literals }
    }

    /// Bits of the description, the block's first three with it.
    pub(super) fn header_bits(&self) -> usize {
        self.own.header.bits as usize + 3
    }

    pub(super) fn end_bits(&self) -> usize {
        usize::from(self.own.literals.len[END_BLOCK])
    }

    /// Whether there is a code for every symbol counted.
    pub(super) fn has(&self, l_freq: &[u16], d_freq: &[u16]) -> bool {
        let all = |freq: &[u16], code: &Code| freq.iter().zip(&code.len).all(|(&f, &len)| f == 0 || len > 0);
        all(l_freq, &self.own.literals) && all(d_freq, &self.own.distances)
    }

    /// Bits of the symbols counted, without extra bits.
    pub(super) fn bits(&self, l_freq: &[u16], d_freq: &[u16]) -> usize {
        bits(l_freq, &self.own.literals) + bits(d_freq, &self.own.distances)
    }

    /// Begins a block.
    pub(super) fn write_header(&self, out: &mut BitWriter) {
        out.put(4, 3);
        self.own.header.write(out, &self.own.literals, &self.own.distances);
    }
}

fn bits(freq: &[u16], code: &Code) -> usize {
    freq.iter().zip(&code.len).map(|(&f, &len)| usize::from(f) * usize::from(len)).sum()
}

/// Bits of a block with the fixed codes, without extra bits.
pub(super) fn fixed_bits(l_freq: &[u16], d_freq: &[u16]) -> usize {
    let (literals, distances) = fixed_codes();
    3 + bits(l_freq, &literals) + bits(d_freq, &distances)
}

/// Extra bits of the symbols counted.
pub(super) fn extra_bits(l_freq: &[u16; L_CODES], d_freq: &[u16; D_CODES]) -> usize {
    let sum = |freq: &[u16], extra: &[u8]| -> usize {
        freq.iter().zip(extra).map(|(&f, &bits)| usize::from(f) * usize::from(bits)).sum()
    };
    sum(&l_freq[END_BLOCK + 1..], &LENGTH_EXTRA) + sum(d_freq, &DIST_EXTRA)
}
