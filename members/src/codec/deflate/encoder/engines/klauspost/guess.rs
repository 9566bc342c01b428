//! Which of these encoders a stream's first blocks can come from: nearly always none, which their sizes tell at once.

use crate::codec::deflate::encoder::params::{Family, Params, Strategy};

/// What the first blocks show.
#[derive(Clone, Copy)]
pub(crate) struct Signs {
    /// Symbols and plain bytes of the first block that ends neither the stream nor what is before a flush.
    pub(crate) first: Option<(usize, usize)>,
    /// Bytes of the stream's first block, if it is stored.
    pub(crate) stored: usize,
    /// Whether the description of its codes names symbols without need, if it can be told.
    pub(crate) named: Option<bool>,
    /// The stream ends with an empty block with the fixed codes.
    pub(crate) closed: bool,
    /// Stream position of the first flush.
    pub(crate) flush: Option<u64>,
    /// Stream positions between which there are no other flushes.
    pub(crate) span: (u64, u64),
    /// The stream ends there.
    pub(crate) ends: bool,
}

/// pgzip's usual size of blocks.
const PIECE: u64 = 1 << 20;
const SECTION: usize = 65535;
const LITERALS: usize = 32768;
/// Symbols in a section of levels 7 to 9.
const FULL: usize = 32768;

/// What is worth a try, the most frequent in the wild first.
pub(crate) fn plausible(signs: &Signs) -> Vec<Params> {
    let sizes = sizes(signs);
    let families: &[Family] = match signs.named {
        Some(true) => &[Family::KlauspostEarliest],
        // Where a flush is near, a block of the earliest may be like the others'.
        Some(false) => &[Family::Klauspost, Family::KlauspostEarlier, Family::KlauspostEarliest],
        None => &[Family::Klauspost, Family::KlauspostEarliest, Family::KlauspostEarlier],
    };
    let is = |levels: &[u8]| levels.to_vec();
    // Level 0 here stands for literals.
    let levels = match signs.first {
        Some((symbols, plain)) => {
            let lazy = symbols > 0 && symbols.is_multiple_of(FULL);
            let fast = plain > 0 && plain.is_multiple_of(SECTION);
            let literals = symbols == plain && plain.is_multiple_of(LITERALS);
            let all = [(lazy, is(&[9, 7, 8])), (fast, is(&[5, 6, 1, 4, 3, 2])), (literals, is(&[0]))];
            all.into_iter().filter(|(fits, _)| *fits).flat_map(|(_, levels)| levels).collect()
        }
        None if signs.closed || signs.flush.is_some() && sizes[0] > 0 => is(&[9, 5, 6, 1, 7, 8, 4, 3, 2, 0]),
        // Other encoders' stored blocks are shorter, or as long as those of the fast levels.
        None => match signs.stored {
            SECTION => is(&[5, 6, 1, 4, 3, 2]),
            FULL..33000 => is(&[9, 7, 8, 0]),
            33000..SECTION => is(&[9, 7, 8]),
            _ => Vec::new(),
        },
    };
    let params = |family: Family, level: u8, writes: u32| {
        let (strategy, level) = if level == 0 { (Strategy::Huffman, 6) } else { (Strategy::Default, level) };
        // Other releases differ in this alone.
        let other = family != Family::KlauspostEarlier || writes > 0 && level >= 7;
        other.then_some(Params { strategy, writes, ..Params::new(family, level) }).filter(Params::is_valid)
    };
    let every = levels.into_iter().flat_map(|level| families.iter().map(move |&family| (family, level)));
    every.flat_map(|(family, level)| sizes.iter().filter_map(move |&writes| params(family, level, writes))).collect()
}

/// Sizes of pgzip's blocks, 0 for no pgzip.
fn sizes(signs: &Signs) -> Vec<u32> {
    let usual = PIECE as u32;
    let (from, to) = signs.span;
    match signs.flush {
        // The one where the span ends may not be seen yet.
        None if signs.ends || from / PIECE < to.saturating_sub(1) / PIECE => vec![0],
        None => vec![usual, 0],
        Some(flush) if flush % PIECE == 0 || signs.ends && flush == to => vec![usual, 0],
        Some(flush) => match u32::try_from(flush) {
            Ok(size) if Params { writes: size, ..Params::new(Family::Klauspost, 9) }.is_valid() => vec![size, 0],
            _ => vec![0],
        },
    }
}
