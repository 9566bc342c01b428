//! Decoding one DEFLATE block.
//!
//! Invariants: the result depends on nothing but the bits from the block's start on, the history's length and where the
//! input ends; a block found in a short input is found, unchanged, in a longer one.

use std::ops::Range;
use std::sync::LazyLock;

use super::bits::BitReader;
use super::header::{Lengths, fixed_lengths};
use super::huffman::{Alphabet, DistanceTable, END, LITERAL, LiteralTable, SECOND, SPECIAL};

/// What a block's first bits say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether it is the stream's last block.
    pub last: bool,
    pub kind: Kind,
}

/// The three kinds of block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes as they are; `padding` holds the bits skipped to reach a byte boundary, zero in all usual streams.
    Stored {
        padding: u8,
    },
    Fixed,
    /// `lengths` is where the code lengths stand, in bits of the input.
    Dynamic {
        lengths: Range<usize>,
    },
}

/// Where a decoded block ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The first bit behind it, from the input's start.
    pub end: usize,
    /// Plain bytes it stands for.
    pub plain: u64,
    pub last: bool,
}

/// Why there is no block here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The input ends within the block.
    #[error("the input ends within a block")]
    Incomplete,
    /// `at` is about where decoding gave up, in bits from the input's start.
    #[error("no DEFLATE block: invalid data before bit {at}")]
    Invalid { at: usize },
}

/// Takes a block's content. `Default` is an empty sink: the loop works on a copy of its own, which stays in registers
/// as long as `literal` and `copy` are inlined and hand no reference to it to anything that is not.
pub trait Sink: Default {
    fn begin(&mut self, input: &[u8], header: &Header);
    /// A stored block's bytes, at most 65535.
    fn stored(&mut self, bytes: &[u8]);
    /// Called before at most three literals and a match, so that these need not ask for room.
    fn reserve(&mut self) {}
    fn literal(&mut self, byte: u8);
    /// A match: its length minus 3 (at most 255) and its distance minus 1 (at most 32767).
    fn copy(&mut self, length: u32, distance: u32);
    /// The end of a block that is not stored.
    fn end(&mut self);
}

/// Takes nothing: for those who only ask where blocks end.
impl Sink for () {
    fn begin(&mut self, _: &[u8], _: &Header) {}
    fn stored(&mut self, _: &[u8]) {}
    fn literal(&mut self, _: u8) {}
    fn copy(&mut self, _: u32, _: u32) {}
    fn end(&mut self) {}
}

/// The tables of a decoder, kept between blocks.
pub struct Tables {
    dynamic: (LiteralTable, DistanceTable),
}

/// Those of fixed blocks. Made once, as there is a decoder for each object, however small.
static FIXED_TABLES: LazyLock<(LiteralTable, DistanceTable)> = LazyLock::new(|| {
    let lengths = fixed_lengths();
    let mut tables = (LiteralTable::new(), DistanceTable::new());
    tables.0.fill(lengths.literals(), Alphabet::Literals);
    tables.1.fill(lengths.distances(), Alphabet::Distances);
    tables
});

impl Default for Tables {
    fn default() -> Self {
        Self { dynamic: (LiteralTable::new(), DistanceTable::new()) }
    }
}

/// Decodes the block that starts at bit `start` of `input` into `sink`, which holds part of a block after an error.
/// `history` is how many plain bytes of the stream precede it, the limit of its distances.
/// A length of 258 coded as symbol 284 is refused, as no sink could tell it from the usual symbol 285.
pub fn decode_block<S: Sink>(
    tables: &mut Tables,
    input: &[u8],
    start: usize,
    history: u64,
    sink: &mut S,
) -> Result<Block, Fault> {
    let mut reader = BitReader::at(input, start);
    let found = decode(tables, &mut reader, history, sink);
    if reader.overrun() {
        return Err(Fault::Incomplete);
    }
    match found {
        Some((last, plain)) => Ok(Block { end: reader.position(), plain, last }),
        // What made it invalid may be bits looked at beyond the input: at most one code of either kind.
        None if reader.position() + 64 > input.len() * 8 => Err(Fault::Incomplete),
        None => Err(Fault::Invalid { at: reader.position() }),
    }
}

/// `None` is an invalid block, or one that overran the input.
fn decode<S: Sink>(tables: &mut Tables, reader: &mut BitReader<'_>, history: u64, sink: &mut S) -> Option<(bool, u64)> {
    let input = reader.input();
    let last = reader.take(1) == 1;
    let (literals, distances) = match reader.take(2) {
        0 => return Some((last, stored(reader, last, sink)?)),
        1 => {
            sink.begin(input, &Header { last, kind: Kind::Fixed });
            &*FIXED_TABLES
        }
        2 => {
            let start = reader.position();
            let lengths = Lengths::read(reader)?;
            let tables = &mut tables.dynamic;
            let complete = tables.0.fill(lengths.literals(), Alphabet::Literals)
                && tables.1.fill(lengths.distances(), Alphabet::Distances);
            if !complete || reader.overrun() {
                return None;
            }
            sink.begin(input, &Header { last, kind: Kind::Dynamic { lengths: start..reader.position() } });
            &*tables
        }
        _ => return None,
    };
    let plain = symbols(reader, literals, distances, history, sink)?;
    sink.end();
    Some((last, plain))
}

fn stored<S: Sink>(reader: &mut BitReader<'_>, last: bool, sink: &mut S) -> Option<u64> {
    let padding = reader.take((reader.position().wrapping_neg() & 7) as u32) as u8;
    let length = reader.take(16);
    let check = reader.take(16);
    if length ^ check != 0xffff {
        return None;
    }
    let input = reader.input();
    let start = reader.position() / 8;
    let end = start + length as usize;
    let Some(bytes) = input.get(start..end) else {
        // What is missing is an input that ends too early: the reader is left beyond it.
        *reader = BitReader::at(input, end * 8);
        return None;
    };
    sink.begin(input, &Header { last, kind: Kind::Stored { padding } });
    sink.stored(bytes);
    *reader = BitReader::at(input, end * 8);
    Some(u64::from(length))
}

/// Decodes up to the end of the block; gives the number of plain bytes unless the block is invalid.
#[inline(never)]
fn symbols<S: Sink>(
    from: &mut BitReader<'_>,
    literals: &LiteralTable,
    distances: &DistanceTable,
    history: u64,
    to: &mut S,
) -> Option<u64> {
    // Copies, so that they stay in registers.
    let mut reader = *from;
    let mut sink = std::mem::take(to);
    let mut plain = history;
    let valid = loop {
        reader.refill();
        if reader.exhausted() {
            break false;
        }
        sink.reserve();
        // At least 56 bits: three codes of 15, or two and a length of 20.
        let mut entry = literals.first(reader.peek());
        if entry.is(LITERAL) {
            reader.consume(entry.width());
            sink.literal(entry.value() as u8);
            plain = plain.wrapping_add(1);
            entry = literals.first(reader.peek());
            if entry.is(LITERAL) {
                reader.consume(entry.width());
                sink.literal(entry.value() as u8);
                plain = plain.wrapping_add(1);
                entry = literals.first(reader.peek());
                if entry.is(LITERAL) {
                    reader.consume(entry.width());
                    sink.literal(entry.value() as u8);
                    plain = plain.wrapping_add(1);
                    continue;
                }
            }
        }
        if entry.is(SPECIAL) {
            if entry.is(SECOND) {
                entry = literals.second(entry, reader.peek());
                if entry.is(LITERAL) {
                    reader.consume(entry.width());
                    sink.literal(entry.value() as u8);
                    plain = plain.wrapping_add(1);
                    continue;
                }
            }
            if entry.is(SPECIAL) {
                let end = entry.is(END);
                reader.consume(entry.width());
                break end;
            }
        }
        let length = entry.with_extra(reader.peek());
        if length == 255 && entry.value() != 255 {
            break false;
        }
        reader.consume(entry.width());
        // A distance takes at most 28; behind fewer than three literals they are nearly always there.
        if reader.available() < 28 {
            reader.refill();
        }
        let mut entry = distances.first(reader.peek());
        if entry.is(SPECIAL) {
            if entry.is(SECOND) {
                entry = distances.second(entry, reader.peek());
            }
            if entry.is(SPECIAL) {
                break false;
            }
        }
        let distance = entry.with_extra(reader.peek());
        reader.consume(entry.width());
        if u64::from(distance) >= plain {
            break false;
        }
        sink.copy(length, distance);
        plain = plain.wrapping_add(u64::from(length) + 3);
    };
    (*from, *to) = (reader, sink);
    valid.then(|| plain.wrapping_sub(history))
}
