//! One DEFLATE block: collecting its symbols, deciding how to write it, writing it (zlib's `trees.c`, gzip's
//! `trees.c`).
//!
//! With zlib's family a block ends when the symbol buffer is one short of full, in gzip also early where matches do
//! well. It is written in the form that takes the fewest bytes: stored if that saves at least the four bytes of its
//! lengths, else the fixed code unless a code of its own is shorter. Others choose the form by [`Rules::form`].

use super::bits::BitWriter;
use super::expected::Expected;
use super::form::{self, Choice, Counts, Form};
use super::symbols::{fixed_codes, put_end, put_stored, put_symbols};
use super::tables::{D_CODES, DIST_EXTRA, END_BLOCK, L_CODES, LENGTH_CODE, dist_code};
use super::tree::Code;
use crate::codec::deflate::encoder::params::{Params, Strategy};
use crate::codec::deflate::encoder::state::State;
use crate::codec::deflate::encoder::types::Block;
use std::ops::ControlFlow;

/// Symbols after which gzip looks whether to end the block.
const TRUNCATE_EVERY: usize = 0x1000;
/// The most symbols that any variant collects.
const MAX_SYMBOLS: usize = 65536;

/// How blocks of this encoder end and which form they take.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) form: Choice,
    /// Symbols in a full block.
    pub(crate) full: usize,
    /// Whether gzip's early end applies.
    pub(crate) truncate: bool,
    /// Output buffer in one call of the encoder, 0 for enough.
    pub(crate) output_buffer: u32,
    /// Output bytes before those counted here.
    pub(crate) written: u64,
}

impl Rules {
    /// zlib's; `written` bytes of the stream come before those counted.
    pub(crate) fn of_zlib(params: &Params, written: u64) -> Self {
        let form = if params.strategy == Strategy::Fixed { form::of_zlib_fixed } else { form::of_zlib };
        Self {
            form,
            full: (1 << (params.mem_level + 6)) - 1,
            truncate: false,
            output_buffer: params.output_buffer,
            written,
        }
    }
}

/// How many symbols are collected between comparisons with those expected.
const COMPARE_EVERY: usize = 64;

/// The symbols of the current block, and everything written before it.
pub(crate) struct Blocks<'s, 'e> {
    rules: Rules,
    /// Distance in the high half (zero for a literal), literal or length minus three in the low one.
    symbols: Box<[u32; MAX_SYMBOLS]>,
    count: usize,
    /// Count at which `is_end` has to look closer.
    look_at: usize,
    matches: usize,
    l_freq: [u16; L_CODES],
    d_freq: [u16; D_CODES],
    /// Where the current block begins in the window's buffer.
    pub(crate) start: usize,
    out: &'s mut BitWriter,
    sink: &'s mut dyn FnMut(Block) -> ControlFlow<()>,
    expected: &'s mut Option<Expected<'e>>,
    /// A symbol was not the one expected.
    astray: bool,
    /// The last block filled the output buffer: the encoder had to be called again.
    pub(crate) called_again: bool,
}

impl<'s, 'e> Blocks<'s, 'e> {
    pub(crate) fn new(
        rules: Rules,
        start: usize,
        out: &'s mut BitWriter,
        expected: &'s mut Option<Expected<'e>>,
        sink: &'s mut dyn FnMut(Block) -> ControlFlow<()>,
    ) -> Self {
        let symbols = vec![0; MAX_SYMBOLS].into_boxed_slice().try_into().expect("the length is the array's");
        let mut made = Self {
            rules,
            symbols,
            count: 0,
            look_at: 0,
            matches: 0,
            l_freq: [0; L_CODES],
            d_freq: [0; D_CODES],
            start,
            out,
            sink,
            expected,
            astray: false,
            called_again: false,
        };
        made.clear();
        made
    }

    fn clear(&mut self) {
        (self.count, self.matches) = (0, 0);
        self.l_freq = [0; L_CODES];
        self.d_freq = [0; D_CODES];
        self.l_freq[END_BLOCK] = 1;
        self.look_at = self.next_look();
    }

    fn next_look(&self) -> usize {
        let mut next = self.rules.full;
        if self.rules.truncate {
            next = next.min((self.count / TRUNCATE_EVERY + 1) * TRUNCATE_EVERY);
        }
        if self.expected.is_some() {
            next = next.min((self.count / COMPARE_EVERY + 1) * COMPARE_EVERY);
        }
        next
    }

    /// Symbols collected for the current block.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a literal. `at` is the encoder's cursor; the result says that the block ends here.
    #[inline(always)]
    pub(crate) fn literal(&mut self, byte: u8, at: usize) -> bool {
        self.symbols[self.count & (MAX_SYMBOLS - 1)] = u32::from(byte);
        self.count = self.count.wrapping_add(1);
        let freq = &mut self.l_freq[usize::from(byte)];
        *freq = freq.wrapping_add(1);
        self.count == self.look_at && self.is_end(at)
    }

    /// Adds a match of 3 to 258 bytes from 1 to 32768 bytes back.
    #[inline(always)]
    pub(crate) fn matched(&mut self, dist: usize, len: usize, at: usize) -> bool {
        let less = len.wrapping_sub(3) & 255;
        self.symbols[self.count & (MAX_SYMBOLS - 1)] = ((dist as u32) << 16) | less as u32;
        self.count = self.count.wrapping_add(1);
        self.matches = self.matches.wrapping_add(1);
        let freq = &mut self.l_freq[usize::from(LENGTH_CODE[less]) + 257];
        *freq = freq.wrapping_add(1);
        let freq = &mut self.d_freq[dist_code((dist as u16).wrapping_sub(1))];
        *freq = freq.wrapping_add(1);
        self.count == self.look_at && self.is_end(at)
    }

    /// gzip's estimate: the block ends when literals at eight bits and distances at five, plus extra bits, take less
    /// than half the input, and fewer than half of the symbols are matches.
    #[cold]
    fn is_end(&mut self, at: usize) -> bool {
        if let Some(expected) = &*self.expected {
            let compared = self.count.saturating_sub(COMPARE_EVERY);
            self.astray = !expected.agrees(&self.symbols[..self.count], compared, false);
        }
        if self.count == self.rules.full || self.astray {
            return true;
        }
        self.look_at = self.next_look();
        if !self.rules.truncate || !self.count.is_multiple_of(TRUNCATE_EVERY) {
            return false;
        }
        let plain = at.wrapping_sub(self.start);
        let distances: u64 =
            self.d_freq.iter().zip(DIST_EXTRA).map(|(&f, extra)| u64::from(f) * (5 + u64::from(extra))).sum();
        let packed = (self.count as u64 * 8 + distances) >> 3;
        self.matches < self.count / 2 && packed < (plain / 2) as u64
    }

    /// Writes the block, whose plain bytes are `plain`, and begins the next at `next`. `plain` may be stored only if
    /// `storable`. The result says whether to go on.
    pub(crate) fn flush(&mut self, plain: &[u8], storable: bool, last: bool, state: State) -> ControlFlow<()> {
        self.put(plain, storable, last)?;
        self.report(last, if self.called_again { State::forgotten() } else { state })
    }

    /// As [`Blocks::flush`], then an empty stored block unless a byte ends there.
    pub(crate) fn flush_to_byte(&mut self, plain: &[u8], storable: bool, state: State) -> ControlFlow<()> {
        self.put(plain, storable, false)?;
        if self.out.bit_len().is_multiple_of(8) {
            return self.report(false, state);
        }
        self.report(false, state.with_padding_due())?;
        self.marker(state)
    }

    /// Writes the block and begins the next; it is not reported yet.
    fn put(&mut self, plain: &[u8], storable: bool, last: bool) -> ControlFlow<()> {
        if let Some(expected) = &mut *self.expected {
            self.astray |= !expected.agrees(&self.symbols[..self.count], 0, true);
            expected.block += 1;
            if self.astray {
                return ControlFlow::Break(());
            }
        }
        let before = self.buffers_filled();
        let counts = Counts { literals: &self.l_freq, distances: &self.d_freq };
        let form = (self.rules.form)(counts, plain.len(), storable);
        let last_bit = u64::from(last);
        match form {
            Form::Stored => put_stored(self.out, plain, last),
            Form::Fixed => {
                self.out.put(2 | last_bit, 3);
                let (l, d) = fixed_codes();
                self.write_symbols(&l, &d);
            }
            Form::Own(own) => {
                self.out.put(4 | last_bit, 3);
                own.header.write(self.out, &own.literals, &own.distances);
                self.write_symbols(&own.literals, &own.distances);
            }
        }
        self.called_again = self.buffers_filled() > before;
        self.start += plain.len();
        self.clear();
        ControlFlow::Continue(())
    }

    /// Writes `plain` as a stored block whatever the symbols say, and begins the next block behind it.
    pub(crate) fn stored(&mut self, plain: &[u8], last: bool) -> ControlFlow<()> {
        if let Some(expected) = &mut *self.expected {
            expected.block += 1;
        }
        put_stored(self.out, plain, last);
        self.start += plain.len();
        self.clear();
        self.report(last, State::default())
    }

    /// How many times the output so far has filled the buffer.
    fn buffers_filled(&self) -> u64 {
        (self.out.bit_len() / 8)
            .wrapping_add(self.rules.written)
            .checked_div(u64::from(self.rules.output_buffer))
            .unwrap_or(0)
    }

    /// Writes an empty stored block, as a sync flush does, as an end of its own.
    pub(crate) fn marker(&mut self, state: State) -> ControlFlow<()> {
        if let Some(expected) = &mut *self.expected {
            expected.block += 1;
        }
        put_stored(self.out, &[], false);
        self.report(false, state)
    }

    /// Ends a piece as pigz does: at a byte boundary, reached by empty blocks with the fixed code where their ten bits
    /// lead there, else by an empty stored one.
    pub(crate) fn pad(&mut self) -> ControlFlow<()> {
        if self.out.bit_len() % 2 == 1 {
            return self.marker(State::default());
        }
        while !self.out.bit_len().is_multiple_of(8) {
            self.out.put(2, 10);
            if let Some(expected) = &mut *self.expected {
                expected.block += 1;
            }
            let aligned = self.out.bit_len().is_multiple_of(8);
            self.report(false, if aligned { State::default() } else { State::padding_due() })?;
        }
        ControlFlow::Continue(())
    }

    fn report(&mut self, last: bool, state: State) -> ControlFlow<()> {
        let Self { out, sink, start, .. } = self;
        let bit_end = out.bit_len();
        out.peek(|bytes| sink(Block { plain_end: *start, bit_end, last, state, bytes }))
    }

    fn write_symbols(&mut self, l: &Code, d: &Code) {
        put_symbols(self.out, &self.symbols[..self.count.min(MAX_SYMBOLS)], l, d);
        put_end(self.out, l);
    }
}
