//! Whether a stream's first blocks can come from miniz: their sizes and codes nearly always tell.

use super::blocks::{is_bad, is_fixed, is_full, taken};
use super::limits::{OUTPUT_BUFFER, SHORT_CHUNK, WINDOW};
use crate::codec::deflate::encoder::engine::{Candidates, Rank};
use crate::codec::deflate::encoder::fingerprint::{Fingerprint, Seen, SeenForm};
use crate::codec::deflate::encoder::params::Params;

/// How far beyond the limit a block comes that ends there: a literal and a match more.
const BEYOND: usize = 8;
/// The same for plain bytes.
const BEYOND_PLAIN: usize = 260;

/// Adds what is worth a try, the most frequent in the wild first: before all others if it is certain, else behind the
/// most frequent of them.
pub(super) fn detect(seen: &Fingerprint, candidates: &mut Candidates) {
    // One has ended just where its buffer was full, or where it did badly.
    let mut sure = false;
    for (block, symbols) in seen.blocks.iter().zip(&seen.symbols) {
        match judge(block, symbols) {
            Some(block_sure) => sure |= block_sure,
            None => return,
        }
    }
    let rank = if sure { Rank::Certain(0) } else { Rank::Unusual(0) };
    for level in [6, 9, 5, 1, 4, 7, 8, 3, 2, 10] {
        let usual = candidates.level(level);
        if level == 1 {
            candidates.add(rank, Params { output_buffer: OUTPUT_BUFFER, ..usual });
            candidates.add(rank, Params { output_buffer: OUTPUT_BUFFER, input_chunk: SHORT_CHUNK, ..usual });
        }
        candidates.add(rank, usual);
    }
}

/// None if miniz makes no such block; else whether only miniz ends one so.
fn judge(block: &Seen, symbols: &[u32]) -> Option<bool> {
    let plain = block.plain;
    let matches = symbols.iter().filter(|&&symbol| symbol >> 16 != 0).count();
    let taken = taken(symbols.len(), matches);
    let brimful = is_full(taken) && !is_full(taken - BEYOND.min(taken));
    // More plain bytes than the limit only now, or bad only now.
    let early = !is_bad(usize::MAX >> 8, plain - BEYOND_PLAIN.min(plain));
    let bad = is_bad(taken, plain) && (early || !is_bad(taken - BEYOND.min(taken), plain));
    // Of a stored block's symbols it is known only that they were nearly all literals.
    let stored = is_bad(usize::MAX >> 8, plain);
    let (fits, ends, sure) = match block.form {
        SeenForm::Stored => (plain <= WINDOW, stored, stored && early),
        SeenForm::Fixed => (is_fixed(plain), false, false),
        SeenForm::Own { ordered } => (ordered && !is_fixed(plain), brimful || bad, true),
    };
    (fits && (ends || block.cut)).then_some(ends && !block.cut && sure)
}
