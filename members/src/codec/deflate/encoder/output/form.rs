//! How a block is written: stored, with the fixed codes or with codes of its own.

use super::header::Header;
use super::tables::{D_CODES, DIST_EXTRA, L_CODES, LENGTH_EXTRA, STATIC_L_LEN};
use super::tree::{self, Code, Shape};

const STATIC_D_LEN: [u8; D_CODES] = [5; D_CODES];
pub(crate) const LITERALS: Shape =
    Shape { elems: L_CODES, extra: &LENGTH_EXTRA, extra_base: 257, max_length: 15, fixed: Some(&STATIC_L_LEN) };
pub(crate) const DISTANCES: Shape =
    Shape { elems: D_CODES, extra: &DIST_EXTRA, extra_base: 0, max_length: 15, fixed: Some(&STATIC_D_LEN) };

/// How a block is written.
pub(crate) enum Form {
    Stored,
    Fixed,
    /// With codes of its own.
    Own(Box<Own>),
}

/// A block's own codes and their description.
pub(crate) struct Own {
    pub(crate) literals: Code,
    pub(crate) distances: Code,
    pub(crate) header: Header,
}

/// How often symbols occur in a block.
#[derive(Clone, Copy)]
pub(crate) struct Counts<'a> {
    pub(crate) literals: &'a [u16; L_CODES],
    pub(crate) distances: &'a [u16; D_CODES],
}

/// An encoder's way of choosing the form of a block of so many plain bytes, which may be stored only if the last is
/// true.
pub(crate) type Choice = fn(Counts, usize, bool) -> Form;

/// zlib's choice, and that of all that come from it.
pub(crate) fn of_zlib(counts: Counts, plain: usize, storable: bool) -> Form {
    choice(counts, plain, storable, false)
}

/// zlib's choice with `Z_FIXED`: no codes of its own.
pub(crate) fn of_zlib_fixed(counts: Counts, plain: usize, storable: bool) -> Form {
    choice(counts, plain, storable, true)
}

fn choice(counts: Counts, plain: usize, storable: bool, fixed_only: bool) -> Form {
    let literals = tree::build(counts.literals, &LITERALS);
    let distances = tree::build(counts.distances, &DISTANCES);
    let header = Header::new(&literals, &distances);
    let fixed_bytes = (literals.fixed_bits + distances.fixed_bits + 10) >> 3;
    let own_bytes = (literals.bits + distances.bits + header.bits + 10) >> 3;
    let fixed = fixed_bytes <= own_bytes || fixed_only;
    let best = if fixed { fixed_bytes } else { own_bytes };
    if plain as u64 + 4 <= best && storable && plain <= 0xffff {
        Form::Stored
    } else if fixed {
        Form::Fixed
    } else {
        Form::Own(Box::new(Own { literals, distances, header }))
    }
}
