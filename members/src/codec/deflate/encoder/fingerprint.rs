//! What the first blocks of a stream look like: nearly always that tells which encoders cannot have made them.

use super::output::tables::{END_BLOCK, L_CODES, LENGTH_CODE};
use super::types::{Input, LOOKAHEAD, Start};
use crate::codec::deflate::inflate::{BitReader, Header, Kind, Lengths, Sink, Tables, decode_block};

/// Plain bytes after which no further block is looked at.
const MAX_PLAIN: usize = 256 * 1024;

/// A block, but for its symbols.
pub(super) struct Seen {
    pub(super) form: SeenForm,
    /// Its plain bytes.
    pub(super) plain: usize,
    /// Whether it ends the stream or what is before a flush, so that its size tells nothing.
    pub(super) cut: bool,
}

/// How a block is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SeenForm {
    Stored,
    Fixed,
    /// With codes of its own, the rarer symbols' the longer ones, or not.
    Own {
        ordered: bool,
    },
}

/// The decoded first blocks of a stream.
pub(super) struct Fingerprint<'a> {
    pub(super) start: Start<'a>,
    pub(super) input: Input<'a>,
    pub(super) blocks: Vec<Seen>,
    /// Symbols of each block; empty for stored ones.
    pub(super) symbols: Vec<Vec<u32>>,
    pub(super) plain: usize,
    /// Symbols of the first block that a full buffer can have ended.
    pub(super) full: Option<usize>,
    /// Plain bytes of that block.
    pub(super) buffer: usize,
    /// Plain bytes of the first block, if it is stored.
    pub(super) stored: usize,
    /// Plain bytes of the first block.
    pub(super) first: usize,
    /// The stream ends with an empty stored block.
    pub(super) closed: bool,
    /// The stream ends with an empty block with the fixed codes.
    pub(super) closed_fixed: bool,
    /// Whether the description of that block's codes names symbols without need, if it can be told.
    pub(super) named: Option<bool>,
    /// There are blocks with codes of their own, and in each the rarer of two symbols has the longer code, the lower
    /// one among equals. With libdeflate that is always so.
    pub(super) ordered: Option<bool>,
}

impl<'a> Fingerprint<'a> {
    /// None if the input ends within the first block.
    pub(super) fn decode(start: Start<'a>, input: Input<'a>, actual: &[u8]) -> Option<Self> {
        let mut tables = Tables::default();
        let mut made = Self {
            start,
            input,
            blocks: Vec::new(),
            symbols: Vec::new(),
            plain: 0,
            full: None,
            buffer: 0,
            stored: 0,
            first: 0,
            closed: false,
            closed_fixed: false,
            named: None,
            ordered: None,
        };
        let mut bit = usize::from(start.first_bit & 7);
        let known = start.position.min(32768);
        while made.plain < MAX_PLAIN {
            let mut symbols = Symbols::default();
            let history = known + made.plain as u64;
            let Ok(block) = decode_block(&mut tables, actual, bit, history, &mut symbols) else { break };
            let plain = made.plain + usize::try_from(block.plain).ok()?;
            if plain + if input.ends { 0 } else { LOOKAHEAD } > input.plain.len() {
                break;
            }
            (made.plain, bit) = (plain, block.end);
            let by_flush = input.flushes.binary_search(&plain).is_ok();
            if !symbols.symbols.is_empty() && !block.last && !by_flush && made.full.is_none() {
                (made.full, made.buffer) = (Some(symbols.symbols.len()), block.plain as usize);
                made.named = match symbols.lens.as_deref() {
                    Some([.., 0]) => Some(true),
                    Some(lens) if (END_BLOCK + 2..L_CODES).contains(&lens.len()) => Some(false),
                    _ => None,
                };
            }
            if made.symbols.is_empty() {
                made.first = plain;
                made.stored = if symbols.stored { plain } else { 0 };
            }
            let form = match &symbols.lens {
                Some(lens) => SeenForm::Own { ordered: is_ordered(&symbols.symbols, lens) },
                None if symbols.stored => SeenForm::Stored,
                None => SeenForm::Fixed,
            };
            if let SeenForm::Own { ordered } = form {
                made.ordered = Some(made.ordered != Some(false) && ordered);
            }
            made.blocks.push(Seen { form, plain: block.plain as usize, cut: block.last || by_flush });
            made.symbols.push(symbols.symbols);
            if block.last {
                made.closed = symbols.stored && block.plain == 0;
                made.closed_fixed = !symbols.stored && block.plain == 0 && symbols.lens.is_none();
                break;
            }
        }
        (!made.symbols.is_empty()).then_some(made)
    }

    /// Memory levels whose symbol buffers can have ended the blocks.
    pub(super) fn memory_levels(&self) -> Vec<u8> {
        match self.full {
            None => vec![8, 9],
            Some(n) => (1..=9).filter(|m| (1usize << (m + 6)) == n + 1).collect(),
        }
    }
}

/// See [`Fingerprint::ordered`].
fn is_ordered(symbols: &[u32], lens: &[u8]) -> bool {
    let mut counts = [0u32; 286];
    counts[END_BLOCK] = 1;
    for &symbol in symbols {
        let low = (symbol & 255) as usize;
        counts[if symbol >> 16 == 0 { low } else { usize::from(LENGTH_CODE[low]) + 257 }] += 1;
    }
    let mut used: Vec<_> = counts.iter().zip(lens).filter(|&(&count, _)| count > 0).collect();
    used.sort_by_key(|&(count, _)| count);
    used.is_sorted_by(|a, b| a.1 >= b.1)
}

/// The symbols of a block in the form that `Blocks` keeps.
#[derive(Default)]
struct Symbols {
    symbols: Vec<u32>,
    stored: bool,
    /// Code lengths of literals and lengths, if they are the block's own.
    lens: Option<Vec<u8>>,
}

impl Sink for Symbols {
    fn begin(&mut self, input: &[u8], header: &Header) {
        if let Kind::Dynamic { lengths } = &header.kind {
            self.lens = Lengths::read(&mut BitReader::at(input, lengths.start)).map(|read| read.literals().to_vec());
        }
    }

    fn stored(&mut self, _: &[u8]) {
        self.stored = true;
    }

    #[inline(always)]
    fn literal(&mut self, byte: u8) {
        self.symbols.push(u32::from(byte));
    }

    #[inline(always)]
    fn copy(&mut self, length: u32, distance: u32) {
        self.symbols.push(distance.wrapping_add(1) << 16 | length);
    }

    fn end(&mut self) {}
}
