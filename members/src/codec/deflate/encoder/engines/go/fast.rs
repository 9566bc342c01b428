//! Go's level 1 (`deflatefast.go`, after Snappy) and its Huffman-only mode: both encode a buffer of 65535 bytes at a
//! time, and each buffer becomes a block.
//!
//! Level 1 remembers one position for each hash across blocks. Which ones are remembered depends on what was found
//! before, so a restart runs over whole blocks of the history first.

use super::source::{Matcher, Source};
use crate::codec::deflate::encoder::matchers::fill::MAX_MATCH;
use crate::codec::deflate::encoder::matchers::window::Flow;
use crate::codec::deflate::encoder::output::block::Blocks;
use crate::codec::deflate::encoder::state::State;
use std::ops::ControlFlow;

/// Length of the buffer.
const BUFFER: usize = 65535;
/// The farthest match.
const MAX_DISTANCE: usize = 32768;
/// Bytes at a block's end in which no match begins.
const MARGIN: usize = 15;
/// Level 1 forgets everything at a flush that leaves fewer bytes than this.
const SMALL: usize = 128;
/// Up to so many are stored then.
const TINY: usize = 16;
const TABLE_BITS: u32 = 14;

/// Huffman only.
pub(super) struct Literals {
    source: Source,
    at: usize,
}

impl Literals {
    pub(super) fn new(source: Source) -> Self {
        Self { at: source.begin, source }
    }
}

impl Matcher for Literals {
    fn run(&mut self, b: &mut Blocks, to: usize, sync: bool) -> Flow {
        while to - self.at >= if sync { 1 } else { BUFFER } {
            let end = to.min(self.at + BUFFER);
            literals(b, &self.source.buf[self.at..end])?;
            self.at = end;
        }
        ControlFlow::Continue(())
    }
}

fn literals(b: &mut Blocks, plain: &[u8]) -> Flow {
    for &byte in plain {
        if b.literal(byte, 0) {
            break;
        }
    }
    b.flush(plain, true, false, State::default())
}

/// Level 1.
pub(super) struct Fast {
    source: Source,
    /// By hash: the four bytes there and one more than where; 0 for none.
    table: Vec<(u32, u32)>,
    /// The current block begins here.
    at: usize,
    /// Bytes before are not compared: the block before began here.
    known: usize,
    /// Positions before are forgotten.
    floor: usize,
    /// The current block in the form that [`Blocks`] keeps.
    symbols: Vec<u32>,
}

impl Fast {
    pub(super) fn new(source: Source) -> Self {
        let first = source.begin % BUFFER;
        let mut made = Self {
            table: vec![(0, 0); 1 << TABLE_BITS],
            at: first,
            known: first,
            floor: 0,
            symbols: Vec::with_capacity(BUFFER),
            source,
        };
        while made.at < made.source.begin {
            made.search(made.at + BUFFER);
        }
        made
    }

    fn four(&self, at: usize) -> u32 {
        self.source.buf.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u32::from_le_bytes(*b))
    }

    /// Enters what is at `at` under its hash; returns where the same four bytes were last, if they are near enough.
    #[inline(always)]
    fn enter(&mut self, at: usize, bytes: u32) -> Option<usize> {
        let slot = &mut self.table[(bytes.wrapping_mul(0x1e35_a7bd) >> (32 - TABLE_BITS)) as usize];
        let (there, before) = std::mem::replace(slot, (bytes, (at as u32).wrapping_add(1)));
        let before = (before as usize).checked_sub(1)?;
        (there == bytes && before >= self.floor && at.wrapping_sub(before) <= MAX_DISTANCE).then_some(before)
    }

    /// The symbols of the block that ends at `end`, which has room for a match.
    fn search(&mut self, end: usize) {
        self.symbols.clear();
        let limit = end - MARGIN;
        let (mut at, mut done) = (self.at, self.at);
        'scan: loop {
            // The longer nothing is found, the fewer positions are looked at.
            let mut skip = 32;
            let mut found = loop {
                let step = skip >> 5;
                skip += step;
                if at + step > limit {
                    break 'scan;
                }
                if let Some(found) = self.enter(at, self.four(at)) {
                    break found;
                }
                at += step;
            };
            self.symbols.extend(self.source.buf[done..at].iter().map(|&byte| u32::from(byte)));
            loop {
                let len = 4 + self.extend(at + 4, found + 4, end);
                self.symbols.push(((at - found) as u32) << 16 | (len - 3) as u32);
                at += len;
                done = at;
                if at >= limit {
                    break 'scan;
                }
                self.enter(at - 1, self.four(at - 1));
                match self.enter(at, self.four(at)) {
                    Some(next) => found = next,
                    None => break,
                }
            }
            at += 1;
        }
        self.symbols.extend(self.source.buf[done..end].iter().map(|&byte| u32::from(byte)));
        (self.known, self.at) = (self.at, end);
    }

    /// How far a match whose first four bytes are behind it goes on.
    #[inline(always)]
    fn extend(&self, at: usize, found: usize, end: usize) -> usize {
        if found < self.known {
            return 0;
        }
        let end = end.min(at + MAX_MATCH - 4);
        let buf = &self.source.buf;
        buf[at..end].iter().zip(&buf[found..]).take_while(|(a, b)| a == b).count()
    }
}

impl Matcher for Fast {
    fn run(&mut self, b: &mut Blocks, to: usize, sync: bool) -> Flow {
        while to - self.at >= if sync { 1 } else { BUFFER } {
            let (from, end) = (self.at, to.min(self.at + BUFFER));
            let len = end - from;
            if len < SMALL {
                let plain = &self.source.buf[from..end];
                if len <= TINY {
                    b.stored(plain, false)?
                } else {
                    literals(b, plain)?
                }
                (self.at, self.known, self.floor) = (end, end, end);
                continue;
            }
            self.search(end);
            let plain = &self.source.buf[from..end];
            if self.symbols.len() > len - (len >> 4) {
                literals(b, plain)?;
                continue;
            }
            for &symbol in &self.symbols {
                let (dist, low) = ((symbol >> 16) as usize, symbol as u8);
                let astray = if dist == 0 { b.literal(low, 0) } else { b.matched(dist, usize::from(low) + 3, 0) };
                if astray {
                    break;
                }
            }
            b.flush(plain, true, false, State::default())?;
        }
        ControlFlow::Continue(())
    }
}
