//! From tokens back to the bits of a block.
//!
//! Total: any bytes give a block or an error, and nothing is allocated but the tables of [`TokenEncoder`].

use std::sync::LazyLock;

use super::bits::{Cursor, SliceWriter};
use super::{DYNAMIC, END, FIXED, LAST, LONG_MATCH, MANY, NO_MATCH, PADDED, STORED};
use crate::codec::deflate::inflate::{
    BitReader, DISTANCE_SLOTS, DISTANCES, LENGTHS, Lengths, codes, distance_slot, fixed_lengths,
};
use crate::error::RecreateError;
use crate::varint::take_varint;

/// A block's codes, ready to be written.
pub(crate) struct TokenEncoder {
    dynamic: Box<Codes>,
}

/// Those of fixed blocks. Made once, as there is an encoder for each object, however small.
static FIXED_CODES: LazyLock<Codes> = LazyLock::new(|| {
    let mut codes = Codes::empty();
    codes.fill(&fixed_lengths());
    codes
});

impl Default for TokenEncoder {
    fn default() -> Self {
        Self { dynamic: Box::new(Codes::empty()) }
    }
}

/// Entries hold the number of bits in 0 to 7 and the bits from 8 up; [`MISSING`] alone means that there is no code.
struct Codes {
    /// By byte, behind as many zeros, which are the entries of literals that a token does not have.
    literals: [u32; 512],
    /// By length minus 3, with the extra bits; those beyond 255 are missing.
    lengths: [u32; 512],
    /// By [`distance_slot`]: in 0 to 7 the number of bits with the extra ones, in 8 to 15 without, in 16 to 31 the code
    /// alone, and in 32 to 47 the first distance of the symbol; the missing have [`MISSING`] in the upper half.
    distances: [u64; DISTANCE_SLOTS],
    end: u32,
}

const MISSING: u32 = 1 << 31;

impl Codes {
    fn empty() -> Self {
        let mut literals = [0; 512];
        literals[256..].fill(MISSING);
        let distances = [u64::from(MISSING) << 32; DISTANCE_SLOTS];
        Self { literals, lengths: [MISSING; 512], distances, end: MISSING }
    }

    fn fill(&mut self, lengths: &Lengths) {
        let mut set = [0u16; 320];
        let widths = lengths.literals();
        codes(widths, &mut set);
        let entry = |symbol: usize| match widths.get(symbol) {
            Some(&width) if width != 0 => u32::from(set[symbol]) << 8 | u32::from(width),
            _ => MISSING,
        };
        for (symbol, slot) in self.literals[256..].iter_mut().enumerate() {
            *slot = entry(symbol);
        }
        self.end = entry(256);
        for (index, span) in LENGTHS.iter().enumerate() {
            let code = entry(257 + index);
            let base = usize::from(span.base);
            let reach = if base == 255 { 256 } else { (base + (1 << span.extra)).min(255) };
            for (extra, slot) in self.lengths[base..reach].iter_mut().enumerate() {
                let with_extra = code + u32::from(span.extra) + ((extra as u32) << (8 + (code & 15)));
                *slot = if code == MISSING { MISSING } else { with_extra };
            }
        }
        let widths = lengths.distances();
        let mut set = [0u16; 32];
        codes(widths, &mut set);
        for (symbol, span) in DISTANCES.iter().enumerate() {
            let entry = match widths.get(symbol) {
                Some(&width) if width != 0 => {
                    let (width, total) = (u64::from(width), u64::from(width + span.extra));
                    u64::from(span.base) << 32 | u64::from(set[symbol]) << 16 | width << 8 | total
                }
                _ => u64::from(MISSING) << 32,
            };
            let (first, last) = (u32::from(span.base), u32::from(span.base) + (1 << span.extra) - 1);
            self.distances[distance_slot(first)..=distance_slot(last)].fill(entry);
        }
    }
}

/// Writes the block whose tokens begin at `*at` of `view`, moving `*at` behind it; true if it is a stream's last.
pub(crate) fn encode_block(
    encoder: &mut TokenEncoder,
    view: &[u8],
    at: &mut usize,
    writer: &mut SliceWriter<'_>,
) -> Result<bool, RecreateError> {
    let first = byte(view, at)?;
    let last = first & LAST != 0;
    let header = u32::from(first & 7);
    if !writer.put(header, 3) {
        return Err(RecreateError::Length);
    }
    let codes = match first & !LAST {
        STORED => return stored(view, at, 0, writer).map(|()| last),
        kind if kind == STORED | PADDED => {
            let padding = byte(view, at)?;
            return stored(view, at, padding, writer).map(|()| last);
        }
        FIXED => &*FIXED_CODES,
        DYNAMIC => {
            let mut reader = BitReader::at(view, *at * 8);
            let start = reader.position();
            let lengths = Lengths::read(&mut reader).ok_or(RecreateError::View)?;
            if reader.overrun() {
                return Err(RecreateError::View);
            }
            let end = reader.position();
            let mut bits = BitReader::at(view, start);
            let mut left = end - start;
            while left > 0 {
                let width = left.min(32) as u32;
                if !writer.put(bits.take(width), width) {
                    return Err(RecreateError::Length);
                }
                left -= width as usize;
            }
            *at = end.div_ceil(8);
            encoder.dynamic.fill(&lengths);
            &encoder.dynamic
        }
        _ => return Err(RecreateError::View),
    };
    *at = tokens(codes, view, *at, &mut writer.cursor, writer.out)?;
    Ok(last)
}

fn byte(view: &[u8], at: &mut usize) -> Result<u8, RecreateError> {
    let byte = *view.get(*at).ok_or(RecreateError::View)?;
    *at += 1;
    Ok(byte)
}

fn stored(view: &[u8], at: &mut usize, padding: u8, writer: &mut SliceWriter<'_>) -> Result<(), RecreateError> {
    let skipped = (8 - writer.cursor.count) % 8;
    if u32::from(padding) >> skipped != 0 {
        return Err(RecreateError::View);
    }
    let length = u16::from_le_bytes([byte(view, at)?, byte(view, at)?]);
    let bytes = view.get(*at..*at + usize::from(length)).ok_or(RecreateError::View)?;
    *at += bytes.len();
    let prefix = u32::from(length) | u32::from(!length) << 16;
    let written = writer.put(u32::from(padding), skipped) && writer.put(prefix, 32) && writer.copy(bytes);
    written.then_some(()).ok_or(RecreateError::Length)
}

/// Literals that a token has at most for all of it to fit a word.
const FEW: usize = 3;

/// Writes tokens up to the end of the block; gives where they end.
#[inline(never)]
fn tokens(codes: &Codes, view: &[u8], mut at: usize, to: &mut Cursor, out: &mut [u8]) -> Result<usize, RecreateError> {
    // A copy, so that it stays in registers.
    let mut cursor = *to;
    // Symbols without a code, and bytes read beyond the view, are found out later: what they wrote meanwhile is bounded
    // by `out`.
    let mut seen = 0;
    loop {
        let mut word = word_at(view, at);
        let run = (word as usize >> 4) & 15;
        let nibble = word as u32 & 15;
        at = at.wrapping_add(1);
        word >>= 8;
        if run > FEW {
            let mut before = cursor;
            let entries;
            (at, entries) = many(codes, view, at, run, &mut before, out)?;
            cursor = before;
            seen |= entries;
            word = word_at(view, at);
        } else {
            // Without branches on how many there are, which is hard to guess: those that are not there have no bits.
            let there = |index: usize| run.wrapping_add(255).wrapping_sub(index) & 256;
            let literal = |index: usize| codes.literals[(word >> (8 * index)) as usize & 255 | there(index)];
            let (first, second, third) = (literal(0), literal(1), literal(2));
            seen |= first | second | third;
            let two = (first & 255).wrapping_add(second & 255);
            let bits =
                u64::from(first >> 8) | u64::from(second >> 8) << (first & 63) | u64::from(third >> 8) << (two & 63);
            cursor.add(bits, two.wrapping_add(third & 255));
            if !cursor.flush(out) {
                return Err(RecreateError::Length);
            }
            word >>= (run << 3) & 63;
            at = at.wrapping_add(run);
        }
        if nibble == u32::from(NO_MATCH) {
            if at > view.len() {
                return Err(RecreateError::View);
            }
            continue;
        }
        // Without branches on the kind of match, which is hard to guess.
        let long = u32::from(nibble == u32::from(LONG_MATCH));
        let more = word as u32 & 0xff & long.wrapping_neg();
        if more == u32::from(END) {
            at = at.wrapping_add(1);
            break;
        }
        let length = nibble.wrapping_sub(1).wrapping_add(more);
        let distance = (word >> (long * 8)) as u32 & 0xffff;
        at = at.wrapping_add(2).wrapping_add(long as usize);
        let entry = codes.lengths[length as usize & 511];
        seen |= entry;
        cursor.add(u64::from(entry >> 8), entry & 255);
        let entry = codes.distances[distance_slot(distance) & (DISTANCE_SLOTS - 1)];
        seen |= (entry >> 32) as u32;
        let extra = u64::from(distance.wrapping_sub((entry >> 32) as u32));
        cursor.add((entry >> 16) & 0xffff | extra << ((entry >> 8) & 63), entry as u32 & 255);
        // Fewer than 8 bits waited: 20 for the length and 28 for the distance leave the buffer with room.
        if !cursor.flush(out) {
            return Err(RecreateError::Length);
        }
    }
    seen |= codes.end;
    cursor.add(u64::from(codes.end >> 8), codes.end & 255);
    if seen & MISSING != 0 || at > view.len() {
        return Err(RecreateError::View);
    }
    if !cursor.flush(out) {
        return Err(RecreateError::Length);
    }
    *to = cursor;
    Ok(at)
}

/// The next 8 bytes; zeros follow the view's end.
#[inline(always)]
fn word_at(view: &[u8], at: usize) -> u64 {
    match view.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(word) => u64::from_le_bytes(*word),
        None => last_word(view, at),
    }
}

#[cold]
#[inline(never)]
fn last_word(view: &[u8], at: usize) -> u64 {
    let rest = view.get(at..).unwrap_or_default();
    rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

/// Writes a token's literals, however many; gives where they end, and the entries, all in one.
#[inline(never)]
fn many(
    codes: &Codes,
    view: &[u8],
    mut at: usize,
    mut run: usize,
    to: &mut Cursor,
    out: &mut [u8],
) -> Result<(usize, u32), RecreateError> {
    let mut cursor = *to;
    if run == MANY {
        let more = take_varint(view, &mut at).ok_or(RecreateError::View)?;
        run = usize::try_from(more).ok().and_then(|more| more.checked_add(MANY)).ok_or(RecreateError::View)?;
    }
    let literals = view.get(at..).and_then(|rest| rest.get(..run)).ok_or(RecreateError::View)?;
    let mut seen = 0;
    for three in literals.chunks(3) {
        for &literal in three {
            let entry = codes.literals[256 | usize::from(literal)];
            seen |= entry;
            cursor.add(u64::from(entry >> 8), entry & 255);
        }
        if !cursor.flush(out) {
            return Err(RecreateError::Length);
        }
    }
    *to = cursor;
    Ok((at + run, seen))
}
