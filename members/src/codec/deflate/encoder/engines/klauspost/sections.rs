//! How klauspost's encoder writes what its matchers find (`huffman_bit_writer.go`, `token.go`).
//!
//! Matchers hand over a section at a time. Unlike in most encoders, a section is not a block: it goes on with the codes
//! of the one before if new ones are not expected to pay off. So where a block ends is known only when the next section
//! is, and what a restart at a block's end needs to know of the codes before it is in [`Carried`].

use super::codes::{Codes, extra_bits, fixed_bits};
use super::estimate::estimated_bits;
use super::state::{Before, Carried};
use crate::codec::deflate::encoder::matchers::window::Flow;
use crate::codec::deflate::encoder::output::bits::BitWriter;
use crate::codec::deflate::encoder::output::expected::Expected;
use crate::codec::deflate::encoder::output::symbols::{fixed_codes, put_end, put_stored, put_symbols};
use crate::codec::deflate::encoder::output::tables::{D_CODES, END_BLOCK, L_CODES, LENGTH_CODE, dist_code};
use crate::codec::deflate::encoder::state::State;
use crate::codec::deflate::encoder::types::Block;
use std::ops::ControlFlow;

/// The most bytes in a stored block.
const MOST_STORED: usize = 65535;
/// Sections of fewer symbols may use the fixed codes.
const FEW: usize = 250;
/// What a description of literals is taken to need.
const LITERALS_HEADER: usize = 70 * 8;
/// Symbols between two looks at whether they are those expected, less one.
const COMPARE_EVERY: usize = 1023;

/// What the levels and versions differ in.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// New codes are taken to need a part of their bits more: the 2^-nth.
    pub(super) penalty: u32,
    /// A section after which the block may go on has all symbols in its description (before 1.18.2).
    pub(super) full: bool,
}

pub(super) struct Sections<'s, 'e> {
    style: Style,
    /// The current section in the form of `Blocks`.
    symbols: Vec<u32>,
    /// Where it begins in the buffer.
    pub(super) start: usize,
    /// Where a block ends although the next section is not known.
    pub(super) cut: Option<usize>,
    /// The block that may go on.
    open: Option<Codes>,
    /// Instead of it, what is known about the block before a restart.
    before: Option<Before>,
    /// What the matcher carries over the start of the current section.
    carried: Carried,
    /// Symbols of the open block, counted for `expected`.
    done: usize,
    out: &'s mut BitWriter,
    expected: &'s mut Option<Expected<'e>>,
    sink: &'s mut dyn FnMut(Block) -> ControlFlow<()>,
}

impl<'s, 'e> Sections<'s, 'e> {
    pub(super) fn new(
        style: Style,
        start: usize,
        before: Option<Before>,
        out: &'s mut BitWriter,
        expected: &'s mut Option<Expected<'e>>,
        sink: &'s mut dyn FnMut(Block) -> ControlFlow<()>,
    ) -> Self {
        let (cut, open, carried) = (None, None, Carried::default());
        Self { style, symbols: Vec::new(), start, cut, open, before, carried, done: 0, out, expected, sink }
    }

    #[inline(always)]
    pub(super) fn literal(&mut self, byte: u8) {
        self.symbols.push(u32::from(byte));
    }

    /// Adds a match of 3 to 258 bytes from 1 to 32768 bytes back.
    #[inline(always)]
    pub(super) fn matched(&mut self, len: usize, dist: usize) {
        self.symbols.push((dist as u32) << 16 | (len as u32).wrapping_sub(3) & 255);
    }

    /// Symbols of the current section.
    #[inline(always)]
    pub(super) fn count(&self) -> usize {
        self.symbols.len()
    }

    /// The current section, for a matcher to fill.
    pub(super) fn symbols(&mut self) -> &mut Vec<u32> {
        &mut self.symbols
    }

    /// Now and then, whether the symbols are those expected.
    #[inline(always)]
    pub(super) fn look(&mut self) -> Flow {
        if self.symbols.len() & COMPARE_EVERY == COMPARE_EVERY { self.compare() } else { ControlFlow::Continue(()) }
    }

    fn compare(&mut self) -> Flow {
        match &*self.expected {
            Some(expected) if !expected.allows(self.done, &self.symbols) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }

    /// Writes the section, of `len` plain bytes, which are `plain` if they may be stored; `sync` if a flush follows.
    pub(super) fn write(&mut self, len: usize, plain: Option<&[u8]>, sync: bool, after: Carried) -> Flow {
        self.compare()?;
        let (mut l_freq, mut d_freq) = self.frequencies();
        let count = self.symbols.len() + usize::from(sync);
        let before = match &self.open {
            Some(codes) if codes.literals || !codes.has(&l_freq, &d_freq) => {
                self.end_block(None)?;
                None
            }
            Some(codes) => Some(codes.before()),
            None => self.before.take().filter(|before| !before.literals),
        };
        let extra = extra_bits(&l_freq, &d_freq);
        let full = self.style.full && !sync;
        // What new codes are expected to need.
        let renewed = before.map(|before| {
            let bits = before.header + estimated_bits(&l_freq, &d_freq, count);
            bits + before.end + (bits >> self.style.penalty)
        });
        l_freq[END_BLOCK] = u16::from(!full);
        if !full && d_freq.iter().all(|&f| f == 0) {
            d_freq[0] = 1;
        }
        let stored = plain.filter(|plain| plain.len() <= MOST_STORED);
        let stores = |bits: usize| stored.is_some_and(|plain| (plain.len() + 5) * 8 <= bits);
        if let Some(renewed) = renewed {
            let again = self.open.as_ref().map(|codes| codes.bits(&l_freq, &d_freq) + extra);
            let bits = again.filter(|&bits| bits <= renewed).unwrap_or(renewed);
            let fixed = count < FEW && fixed_bits(&l_freq, &d_freq) + extra + 7 < bits;
            if renewed == bits && again != Some(bits) || fixed || stores(bits) {
                self.end_block(before)?;
            }
            match stored {
                Some(plain) if stores(bits) => return self.store(plain, after),
                _ if fixed => return self.fixed(len, after),
                _ => {}
            }
        }
        if self.open.is_none() {
            l_freq[END_BLOCK] = 1;
            let codes = Codes::of(&l_freq, &d_freq, full);
            let bits = codes.header_bits() + codes.bits(&l_freq, &d_freq) + extra;
            let fixed = fixed_bits(&l_freq, &d_freq) + extra;
            let fixed = (count < FEW && fixed <= bits).then_some(fixed);
            match stored {
                Some(plain) if stores(fixed.unwrap_or(bits)) => return self.store(plain, after),
                _ if fixed.is_some() => return self.fixed(len, after),
                _ => {}
            }
            codes.write_header(self.out);
            self.open = Some(codes);
        }
        if let Some(Codes { own, .. }) = &self.open {
            put_symbols(self.out, &self.symbols, &own.literals, &own.distances);
        }
        self.advance(len, sync, after)
    }

    /// Writes a section as literals, whatever its symbols are.
    pub(super) fn write_literals(&mut self, plain: &[u8], sync: bool, after: Carried) -> Flow {
        self.symbols.clear();
        self.symbols.extend(plain.iter().map(|&byte| u32::from(byte)));
        let mut freq = [0u16; END_BLOCK + 1];
        plain.iter().for_each(|&byte| freq[usize::from(byte)] = freq[usize::from(byte)].wrapping_add(1));
        if plain.len() > 1024 && is_noise(&freq[..END_BLOCK], plain.len()) {
            return self.store(plain, after);
        }
        freq[END_BLOCK] = 1;
        let codes = Codes::of_literals(&freq);
        let before = self.open.as_ref().map(Codes::before).or(self.before.take());
        let mut bits = codes.bits(&freq, &[]) + before.map_or(LITERALS_HEADER, |before| before.header);
        bits += bits >> self.style.penalty;
        if (plain.len() + 5) * 8 <= bits {
            return self.store(plain, after);
        }
        let freq = &freq[..END_BLOCK];
        if self.open.as_ref().is_some_and(|open| !open.has(freq, &[]) || bits < open.bits(freq, &[])) {
            self.end_block(before)?;
        }
        self.compare()?;
        if self.open.is_none() {
            codes.write_header(self.out);
            self.open = Some(codes);
        }
        if let Some(Codes { own, .. }) = &self.open {
            put_symbols(self.out, &self.symbols, &own.literals, &own.distances);
        }
        self.advance(plain.len(), sync, after)
    }

    /// Writes a section as it is.
    pub(super) fn store(&mut self, plain: &[u8], after: Carried) -> Flow {
        let before = self.open.as_ref().map(Codes::before);
        self.end_block(before)?;
        put_stored(self.out, plain, false);
        self.next(plain.len(), after);
        self.report(false, None)
    }

    /// Writes what a flush leaves. If a section just ended, its block does: it carries `before`.
    pub(super) fn marker(&mut self, before: Carried, after: Carried) -> Flow {
        self.carried = before;
        self.end_block(None)?;
        put_stored(self.out, &[], false);
        self.next(0, after);
        self.report(false, None)
    }

    /// Ends the stream.
    pub(super) fn finish(&mut self) -> Flow {
        self.end_block(None)?;
        self.out.put(3, 10);
        self.report(true, None)
    }

    fn fixed(&mut self, len: usize, after: Carried) -> Flow {
        let (literals, distances) = fixed_codes();
        self.out.put(2, 3);
        put_symbols(self.out, &self.symbols, &literals, &distances);
        put_end(self.out, &literals);
        self.done = self.symbols.len();
        self.next(len, after);
        self.report(false, None)
    }

    fn frequencies(&self) -> ([u16; L_CODES], [u16; D_CODES]) {
        let (mut l_freq, mut d_freq) = ([0u16; L_CODES], [0u16; D_CODES]);
        for &symbol in &self.symbols {
            let (low, dist) = ((symbol & 255) as usize, symbol >> 16);
            if dist == 0 {
                l_freq[low] = l_freq[low].wrapping_add(1);
            } else {
                let code = usize::from(LENGTH_CODE[low]) + END_BLOCK + 1;
                l_freq[code] = l_freq[code].wrapping_add(1);
                let code = dist_code((dist as u16).wrapping_sub(1));
                d_freq[code] = d_freq[code].wrapping_add(1);
            }
        }
        (l_freq, d_freq)
    }

    /// Goes on behind a section whose symbols were added to the open block.
    fn advance(&mut self, len: usize, sync: bool, after: Carried) -> Flow {
        self.done += self.symbols.len();
        self.next(len, after);
        if sync {
            self.end_block(None)
        } else if self.cut == Some(self.start) {
            let before = self.open.as_ref().map(Codes::before);
            self.end_block(before)
        } else {
            ControlFlow::Continue(())
        }
    }

    fn next(&mut self, len: usize, after: Carried) {
        self.symbols.clear();
        (self.start, self.carried, self.before) = (self.start + len, after, None);
    }

    /// Ends the block that is open, if one is; a restart is to know `before`.
    fn end_block(&mut self, before: Option<Before>) -> Flow {
        match self.open.take() {
            Some(codes) => {
                put_end(self.out, &codes.own.literals);
                self.report(false, before)
            }
            None => ControlFlow::Continue(()),
        }
    }

    fn report(&mut self, last: bool, before: Option<Before>) -> Flow {
        let done = std::mem::take(&mut self.done);
        if self.expected.as_mut().is_some_and(|expected| !expected.ends_after(done)) {
            return ControlFlow::Break(());
        }
        let state = if last { State::default() } else { Carried { before, ..self.carried }.pack() };
        let Self { out, sink, start, .. } = self;
        let bit_end = out.bit_len();
        out.peek(|bytes| sink(Block { plain_end: *start, bit_end, last, state, bytes }))
    }
}

/// Whether all bytes occur about as often.
fn is_noise(freq: &[u16], len: usize) -> bool {
    let (mean, most) = (len as f64 / 256.0, (len * 2) as f64);
    let mut sum = 0.0;
    for &count in freq {
        let off = f64::from(count) - mean;
        sum += off * off;
        if sum > most {
            break;
        }
    }
    sum < most
}
