//! How miniz's blocks end and which form they take (`flush_block` and what calls it in `core.rs`).
//!
//! Symbols are kept in a buffer of 64 KiB, a literal in one byte, a match in three, and one byte more for every eight
//! of them. A block ends when this is nearly full or, but at level 1, when more than 31 KiB of plain bytes have not
//! become less in it. A block of fewer than 48 plain bytes has the fixed codes, any other codes of its own; either is
//! stored instead if it is no shorter so, which is reckoned in whole bytes.

use super::code;
use super::limits::{OUTPUT_BUFFER, WINDOW};
use crate::codec::deflate::encoder::engines::go;
use crate::codec::deflate::encoder::matchers::window::Flow;
use crate::codec::deflate::encoder::output::bits::BitWriter;
use crate::codec::deflate::encoder::output::expected::Expected;
use crate::codec::deflate::encoder::output::form::{DISTANCES, LITERALS, Own};
use crate::codec::deflate::encoder::output::symbols::{fixed_codes, put_end, put_stored, put_symbols};
use crate::codec::deflate::encoder::output::tables::{D_CODES, END_BLOCK, L_CODES, LENGTH_CODE, dist_code};
use crate::codec::deflate::encoder::output::tree::Code;
use crate::codec::deflate::encoder::params::Params;
use crate::codec::deflate::encoder::state::State;
use crate::codec::deflate::encoder::types::Block;
use std::ops::ControlFlow;

/// Bytes of the buffer beyond which a block ends.
const FULL: usize = 65536 - 8;
/// Plain bytes beyond which a block ends early if it does badly.
const EARLY: usize = 31 * 1024;
/// Blocks of fewer plain bytes have the fixed codes.
const FIXED: usize = 48;
/// Blocks of so many plain bytes are never stored.
const NEVER_STORED: usize = 32;
/// Symbols between two looks at whether they are those expected, less one.
const COMPARE_EVERY: usize = 63;

/// What of the buffer symbols take, of which so many are matches.
pub(super) fn taken(symbols: usize, matches: usize) -> usize {
    1 + symbols + 2 * matches + symbols / 8
}

/// Whether a block ends that takes so much of the buffer.
pub(super) fn is_full(taken: usize) -> bool {
    taken > FULL
}

/// Whether a block of `plain` bytes that takes so much of the buffer ends for doing badly.
pub(super) fn is_bad(taken: usize, plain: usize) -> bool {
    plain > EARLY && (taken * 115) >> 7 >= plain
}

/// Whether blocks of so many plain bytes have the fixed codes.
pub(super) fn is_fixed(plain: usize) -> bool {
    plain < FIXED
}

/// The symbols of the current block, and everything written before it.
pub(super) struct Blocks<'s, 'e> {
    /// Distance in the high half (zero for a literal), literal or length minus three in the low one.
    symbols: Vec<u32>,
    matches: usize,
    /// Where the current block begins in the buffer.
    start: usize,
    /// Plain bytes that the symbols stand for.
    plain: usize,
    /// A block may end early.
    early: bool,
    output_buffer: u64,
    /// Each call of the encoder finds the output buffer empty.
    each: bool,
    /// Bytes of the stream before those written here.
    written: u64,
    out: &'s mut BitWriter,
    expected: &'s mut Option<Expected<'e>>,
    compared: usize,
    /// A symbol was not the one expected.
    astray: bool,
    sink: &'s mut dyn FnMut(Block) -> ControlFlow<()>,
}

impl<'s, 'e> Blocks<'s, 'e> {
    pub(super) fn new(
        params: &Params,
        written: u64,
        start: usize,
        out: &'s mut BitWriter,
        expected: &'s mut Option<Expected<'e>>,
        sink: &'s mut dyn FnMut(Block) -> ControlFlow<()>,
    ) -> Self {
        Self {
            symbols: Vec::new(),
            matches: 0,
            start,
            plain: 0,
            early: params.level > 1,
            output_buffer: u64::from(params.output_buffer.min(OUTPUT_BUFFER)),
            each: params.input_chunk > 0,
            written,
            out,
            expected,
            compared: 0,
            astray: false,
            sink,
        }
    }

    /// Adds a literal.
    #[inline(always)]
    pub(super) fn literal(&mut self, byte: u8) {
        self.symbols.push(u32::from(byte));
        self.plain += 1;
    }

    /// Adds a match of 3 to 258 bytes from 1 to 32768 bytes back.
    #[inline(always)]
    pub(super) fn matched(&mut self, len: usize, dist: usize) {
        self.symbols.push((dist as u32) << 16 | (len as u32).wrapping_sub(3) & 255);
        self.matches += 1;
        self.plain += len;
    }

    /// Whether the block ends here, or goes astray.
    #[inline(always)]
    pub(super) fn is_end(&mut self) -> bool {
        let taken = taken(self.symbols.len(), self.matches);
        is_full(taken)
            || self.early && is_bad(taken, self.plain)
            || self.symbols.len() - self.compared > COMPARE_EVERY && self.strays()
    }

    /// Whether the symbols are not those expected.
    #[cold]
    fn strays(&mut self) -> bool {
        let compared = std::mem::replace(&mut self.compared, self.symbols.len());
        self.astray |= self.expected.as_ref().is_some_and(|expected| !expected.agrees(&self.symbols, compared, false));
        self.astray
    }

    /// Writes the block, with the cursor at `at` and the window reaching `size` before it. The result says whether to
    /// go on, and if so, whether the encoder had to be called again because the output buffer was full.
    pub(super) fn flush(
        &mut self,
        buf: &[u8],
        at: usize,
        size: usize,
        state: impl FnOnce(bool) -> State,
    ) -> ControlFlow<(), bool> {
        let called = self.write(buf, at.saturating_sub(self.start) <= size, false)?;
        self.report(false, state(called))?;
        ControlFlow::Continue(called)
    }

    /// Ends the stream.
    pub(super) fn finish(&mut self, buf: &[u8]) -> Flow {
        self.write(buf, self.plain <= WINDOW, true).map_continue(drop)?;
        self.report(true, State::default())
    }

    /// Ends what is before a flush, and writes the flush's empty stored block.
    pub(super) fn marker(&mut self, buf: &[u8]) -> Flow {
        if self.plain > 0 {
            self.write(buf, self.plain <= WINDOW, false).map_continue(drop)?;
            self.report(false, State::default())?;
        }
        self.expects(0)?;
        put_stored(self.out, &[], false);
        self.report(false, State::default())
    }

    /// Whether the block has that many symbols.
    fn expects(&mut self, count: usize) -> Flow {
        match self.expected.as_mut().is_none_or(|expected| expected.ends_after(count)) {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    }

    fn write(&mut self, buf: &[u8], storable: bool, last: bool) -> ControlFlow<(), bool> {
        if self.strays() {
            return ControlFlow::Break(());
        }
        self.expects(self.symbols.len())?;
        let (l_freq, d_freq) = self.frequencies();
        let literals = code::build(&l_freq, &LITERALS);
        let distances = code::build(&d_freq, &DISTANCES);
        let own = go::described(literals, distances, code::build);
        let Own { literals, distances, header } = &own;
        let fixed = is_fixed(self.plain);
        let bits = match fixed {
            true => literals.fixed_bits + distances.fixed_bits,
            false => header.bits + literals.bits + distances.bits,
        };
        let begin = self.out.bit_len();
        let bytes = (begin + 3 + bits) / 8 - (begin + 1) / 8 + 1;
        let plain = buf.get(self.start..self.start + self.plain).unwrap_or_default();
        if self.plain > NEVER_STORED && bytes >= self.plain as u64 && storable {
            put_stored(self.out, plain, last);
        } else if fixed {
            self.out.put(2 | u64::from(last), 3);
            let (l, d) = fixed_codes();
            self.put(&l, &d);
        } else {
            self.out.put(4 | u64::from(last), 3);
            header.write(self.out, literals, distances);
            self.put(literals, distances);
        }
        self.symbols.clear();
        self.start += self.plain;
        (self.matches, self.plain, self.compared) = (0, 0, 0);
        ControlFlow::Continue(self.is_called_again(begin))
    }

    fn frequencies(&self) -> ([u16; L_CODES], [u16; D_CODES]) {
        let (mut l_freq, mut d_freq) = ([0u16; L_CODES], [0u16; D_CODES]);
        l_freq[END_BLOCK] = 1;
        for &symbol in &self.symbols {
            let low = (symbol & 255) as usize;
            match (symbol >> 16) as u16 {
                0 => l_freq[low] += 1,
                dist => {
                    l_freq[usize::from(LENGTH_CODE[low]) + 257] += 1;
                    d_freq[dist_code(dist - 1)] += 1;
                }
            }
        }
        (l_freq, d_freq)
    }

    /// Whether the block that began at bit `begin` filled the output buffer.
    fn is_called_again(&self, begin: u64) -> bool {
        let (begin, end) = (begin / 8, self.out.bit_len() / 8);
        let buffers_filled =
            |bytes: u64| self.written.saturating_add(bytes).saturating_sub(1).checked_div(self.output_buffer);
        if self.each {
            self.output_buffer > 0 && end - begin > self.output_buffer
        } else {
            buffers_filled(end) > buffers_filled(begin)
        }
    }

    fn put(&mut self, l: &Code, d: &Code) {
        put_symbols(self.out, &self.symbols, l, d);
        put_end(self.out, l);
    }

    fn report(&mut self, last: bool, state: State) -> Flow {
        let Self { out, sink, start, .. } = self;
        let bit_end = out.bit_len();
        out.peek(|bytes| sink(Block { plain_end: *start, bit_end, last, state, bytes }))
    }
}
