//! From tokens back to the bits of a block.
//!
//! Total: any bytes give a block or an error, and nothing is allocated but the fixed tables of [`Encoder`].

use super::bits::{BitWriter, Cursor};
use super::{DYNAMIC, END, FIXED, LAST, LONG, LONG_MATCH, MANY, NO_MATCH, PADDED, STORED};
use crate::deflate::{BitReader, DISTANCES, LENGTHS, Lengths, codes, distance_symbol, fixed_lengths};
use crate::program::take_varint;
use crate::recreate::RecreateError;

/// A block's codes, ready to be written.
pub(crate) struct Encoder {
    fixed: Box<Codes>,
    dynamic: Box<Codes>,
}

impl Default for Encoder {
    fn default() -> Self {
        let mut fixed = Box::new(Codes::empty());
        fixed.fill(&fixed_lengths());
        Self { fixed, dynamic: Box::new(Codes::empty()) }
    }
}

/// Entries hold the bits in 0 to 23 and their number from 24 up; 0 means that there is no code.
struct Codes {
    literals: [u32; 256],
    /// By length minus 3, with the extra bits.
    lengths: [u32; 256],
    /// By symbol, without the extra bits but counting them; bits 16 to 19 hold the width of the code alone.
    distances: [u32; 32],
    end: u32,
}

impl Codes {
    fn empty() -> Self {
        Self { literals: [0; 256], lengths: [0; 256], distances: [0; 32], end: 0 }
    }

    fn fill(&mut self, lengths: &Lengths) {
        let mut set = [0u16; 320];
        let widths = lengths.literals();
        codes(widths, &mut set);
        let entry = |symbol: usize| match widths.get(symbol) {
            Some(&width) if width != 0 => u32::from(set[symbol]) | u32::from(width) << 24,
            _ => 0,
        };
        for (symbol, slot) in self.literals.iter_mut().enumerate() {
            *slot = entry(symbol);
        }
        self.end = entry(256);
        for (index, span) in LENGTHS.iter().enumerate() {
            let code = entry(257 + index);
            let base = usize::from(span.base);
            let reach = if base == 255 { 256 } else { (base + (1 << span.extra)).min(255) };
            for (extra, slot) in self.lengths[base..reach].iter_mut().enumerate() {
                let width = code >> 24;
                let bits = (code & 0xff_ffff) | (extra as u32) << width;
                *slot = if code == 0 { 0 } else { bits | (width + u32::from(span.extra)) << 24 };
            }
        }
        let widths = lengths.distances();
        let mut set = [0u16; 32];
        codes(widths, &mut set);
        self.distances = [0; 32];
        for ((slot, span), (&width, &code)) in self.distances.iter_mut().zip(&DISTANCES).zip(widths.iter().zip(&set)) {
            if width != 0 {
                *slot = u32::from(code) | u32::from(width) << 16 | (u32::from(width) + u32::from(span.extra)) << 24;
            }
        }
    }
}

/// Writes the block whose tokens begin at `*at` of `view`, moving `*at` behind it; true if it is a stream's last.
pub(crate) fn encode_block(
    encoder: &mut Encoder,
    view: &[u8],
    at: &mut usize,
    writer: &mut BitWriter<'_>,
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
        FIXED => &encoder.fixed,
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
    let (after, cursor) = tokens(codes, view, *at, writer.cursor, writer.out)?;
    *at = after;
    writer.cursor = cursor;
    Ok(last)
}

fn byte(view: &[u8], at: &mut usize) -> Result<u8, RecreateError> {
    let byte = *view.get(*at).ok_or(RecreateError::View)?;
    *at += 1;
    Ok(byte)
}

fn stored(view: &[u8], at: &mut usize, padding: u8, writer: &mut BitWriter<'_>) -> Result<(), RecreateError> {
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

/// Writes tokens up to the end of the block; gives where they end, and the cursor.
#[inline(never)]
fn tokens(
    codes: &Codes,
    view: &[u8],
    mut at: usize,
    mut cursor: Cursor,
    out: &mut [u8],
) -> Result<(usize, Cursor), RecreateError> {
    // Symbols without a code are found out at the end: what they wrote meanwhile is bounded by `out`.
    let mut missing = false;
    loop {
        let &token = view.get(at).ok_or(RecreateError::View)?;
        at += 1;
        let mut run = usize::from(token >> 4);
        if run == MANY {
            let more = take_varint(view, &mut at).ok_or(RecreateError::View)?;
            run = usize::try_from(more).ok().and_then(|more| more.checked_add(MANY)).ok_or(RecreateError::View)?;
        }
        let literals = view.get(at..).and_then(|rest| rest.get(..run)).ok_or(RecreateError::View)?;
        at = at.wrapping_add(run);
        let mut threes = literals.chunks_exact(3);
        for three in &mut threes {
            for &literal in three {
                let entry = codes.literals[usize::from(literal)];
                missing |= entry == 0;
                cursor.add(u64::from(entry & 0xff_ffff), entry >> 24);
            }
            if !cursor.flush(out) {
                return Err(RecreateError::Length);
            }
        }
        // 7 bits wait, two literals and a length make it 57 at most.
        for &literal in threes.remainder() {
            let entry = codes.literals[usize::from(literal)];
            missing |= entry == 0;
            cursor.add(u64::from(entry & 0xff_ffff), entry >> 24);
        }
        let nibble = token & 15;
        let length = match nibble {
            NO_MATCH => {
                if !cursor.flush(out) {
                    return Err(RecreateError::Length);
                }
                continue;
            }
            LONG_MATCH => {
                let &more = view.get(at).ok_or(RecreateError::View)?;
                at += 1;
                if more == END {
                    break;
                }
                LONG as usize + usize::from(more)
            }
            _ => usize::from(nibble) - 1,
        };
        let distance = view.get(at..).and_then(|rest| rest.first_chunk::<2>()).ok_or(RecreateError::View)?;
        let distance = u32::from(u16::from_le_bytes(*distance));
        at = at.wrapping_add(2);
        let entry = *codes.lengths.get(length).ok_or(RecreateError::View)?;
        missing |= entry == 0;
        cursor.add(u64::from(entry & 0xff_ffff), entry >> 24);
        if !cursor.flush(out) {
            return Err(RecreateError::Length);
        }
        let symbol = distance_symbol(distance);
        let span = DISTANCES.get(symbol).ok_or(RecreateError::View)?;
        let entry = codes.distances[symbol & 31];
        missing |= entry == 0;
        let extra = u64::from(distance - u32::from(span.base));
        cursor.add(u64::from(entry & 0xffff) | extra << ((entry >> 16) & 15), entry >> 24);
        if !cursor.flush(out) {
            return Err(RecreateError::Length);
        }
    }
    missing |= codes.end == 0;
    cursor.add(u64::from(codes.end & 0xff_ffff), codes.end >> 24);
    if missing {
        return Err(RecreateError::View);
    }
    if cursor.flush(out) { Ok((at, cursor)) } else { Err(RecreateError::Length) }
}
