//! Which of these encoders a stream's first blocks can come from: nearly always none, which their sizes tell at once.

use super::place::{Version, is_piece};
use crate::codec::deflate::encoder::engine::{Candidates, Rank};
use crate::codec::deflate::encoder::fingerprint::Fingerprint;
use crate::codec::deflate::encoder::params::{Params, Strategy};

/// pgzip's usual size of blocks.
const PIECE: u64 = 1 << 20;
const SECTION: usize = 65535;
const LITERALS: usize = 32768;
/// Symbols in a section of levels 7 to 9.
const FULL: usize = 32768;
/// The first rank of these families.
const RANK: u16 = 3;

/// Adds what is worth a try, the most frequent in the wild first: level by level, in each the releases.
pub(super) fn detect(version: Version, seen: &Fingerprint, candidates: &mut Candidates) {
    let sizes = sizes(seen);
    let versions: &[Version] = match seen.named {
        Some(true) => &[Version::Earliest],
        // Where a flush is near, a block of the earliest may be like the others'.
        Some(false) => &[Version::Current, Version::Earlier, Version::Earliest],
        None => &[Version::Current, Version::Earliest, Version::Earlier],
    };
    let Some(turn) = versions.iter().position(|&other| other == version) else { return };
    for (number, level) in levels(seen, sizes[0]).into_iter().enumerate() {
        let rank = Rank::Certain(RANK + (number * versions.len() + turn) as u16);
        let usual = match level {
            0 => Params { strategy: Strategy::Huffman, ..candidates.level(6) },
            _ => candidates.level(level),
        };
        for &input_chunk in &sizes {
            // Other releases differ in this alone.
            if version != Version::Earlier || input_chunk > 0 && usual.level >= 7 {
                candidates.add(rank, Params { input_chunk, ..usual });
            }
        }
    }
}

/// Levels, 0 for literals, given the first size of pgzip's blocks.
fn levels(seen: &Fingerprint, size: u32) -> Vec<u8> {
    match seen.full.map(|symbols| (symbols, seen.buffer)) {
        Some((symbols, plain)) => {
            let lazy = symbols > 0 && symbols.is_multiple_of(FULL);
            let fast = plain > 0 && plain.is_multiple_of(SECTION);
            let literals = symbols == plain && plain.is_multiple_of(LITERALS);
            let all: [(bool, &[u8]); 3] = [(lazy, &[9, 7, 8]), (fast, &[5, 6, 1, 4, 3, 2]), (literals, &[0])];
            all.into_iter().filter(|(fits, _)| *fits).flat_map(|(_, levels)| levels).copied().collect()
        }
        None if seen.closed_fixed || !seen.input.flushes.is_empty() && size > 0 => vec![9, 5, 6, 1, 7, 8, 4, 3, 2, 0],
        // Other encoders' stored blocks are shorter, or as long as those of the fast levels.
        None => match seen.stored {
            SECTION => vec![5, 6, 1, 4, 3, 2],
            FULL..33000 => vec![9, 7, 8, 0],
            33000..SECTION => vec![9, 7, 8],
            _ => Vec::new(),
        },
    }
}

/// Sizes of pgzip's blocks, 0 for no pgzip. There is at least one.
fn sizes(seen: &Fingerprint) -> Vec<u32> {
    let (input, usual) = (&seen.input, PIECE as u32);
    // Stream positions between which there are no flushes before the first.
    let from = seen.start.position;
    let to = from.saturating_add(input.plain.len() as u64);
    match input.flushes.first().map(|&flush| from.saturating_add(flush as u64)) {
        // The one where the span ends may not be seen yet.
        None if input.ends || from / PIECE < to.saturating_sub(1) / PIECE => vec![0],
        None => vec![usual, 0],
        Some(flush) if flush % PIECE == 0 || input.ends && flush == to => vec![usual, 0],
        Some(flush) => match u32::try_from(flush) {
            Ok(size) if is_piece(size) => vec![size, 0],
            _ => vec![0],
        },
    }
}
