//! Re-encode mode: a stream's plain content in the view, where one of the exact encoders makes its bits again.
//!
//! Blocks are decoded and held until there is enough of them; then the encoder that made them is looked for, or the one
//! found before is asked, and as many blocks as it reproduces become one op. Blocks that no encoder reproduces become
//! tokens as in token mode, one by one, so an encoder that fails here and there costs density there only.
//!
//! Invariant: the last bytes of all view bytes so far are the stream's plain bytes up to `run_end`, as many as `run`
//! says, so that the next op can take its history from there.

use std::collections::VecDeque;

use crate::codec::deflate::encoder::params::Params;
use crate::codec::deflate::encoder::state::State;
use crate::codec::deflate::encoder::types::{FAR_LOOKAHEAD, Input, LOOKAHEAD, Start, WARM_UP};
use crate::codec::deflate::encoder::{Prefix, matching};
use crate::codec::deflate::inflate::Plain;
use crate::codec::deflate::recent_encoders::RecentEncoders;
use crate::program::{Encode, Op};
use crate::unit::builder::{TAIL, UNPACKED};
use crate::varint::put_varint;

/// Plain bytes of the largest block that is held; a stream with a larger one goes on as tokens.
const MAX_BLOCK: usize = 16 * 1024 * 1024;
/// Blocks in a row that no encoder reproduces before no more is looked for in a stream.
const MAX_MISSES: u32 = 4;
/// Plain bytes beyond the history that are let go at once: each time, what is left is moved, and blocks can be a byte
/// long.
const DROP_STEP: usize = WARM_UP;

const _: () = assert!(WARM_UP + FAR_LOOKAHEAD <= TAIL, "an op finds its history in the view");

/// A stream whose blocks are held. Positions in bits count in the expander's buffer.
pub(super) struct Reencode {
    pub(super) plain: Plain,
    /// Where `plain` begins in the stream.
    base: u64,
    /// Where the held blocks begin: in `plain`, in bits.
    at: usize,
    pub(super) bit: usize,
    blocks: VecDeque<Held>,
    /// Where in `plain` the encoder was told to flush.
    flushes: Vec<usize>,
    pub(super) ended: bool,
    params: Option<Params>,
    /// The last that were of use.
    last: Option<Params>,
    misses: u32,
    state: State,
    /// Compressed bytes that become one op, see [`crate::Settings::packed`].
    packed: usize,
    /// The stream's bytes before the buffer's start, less those of the buffer before the stream's.
    origin: i64,
}

#[derive(Clone, Copy)]
struct Held {
    bit_end: usize,
    plain_end: usize,
}

/// What the held blocks can become.
pub(super) enum Offer {
    /// Nothing before more is known.
    More,
    /// One op, up to this bit: with this much history, that many plain bytes from the history's start on. It takes so
    /// many nanoseconds.
    Encode { op: Vec<u8>, bit_end: usize, prefix: Prefix, history: usize, plain: usize, time: u64 },
    /// The first block as tokens: its bits, and plain bytes before it in the stream.
    Tokens { bit: usize, plain: u64 },
}

impl Reencode {
    pub(super) fn new(bit: usize, packed: usize) -> Self {
        Self {
            packed,
            plain: Plain::default(),
            base: 0,
            at: 0,
            bit,
            blocks: VecDeque::new(),
            flushes: Vec::new(),
            ended: false,
            params: None,
            last: None,
            misses: 0,
            state: State::default(),
            origin: (bit / 8) as i64,
        }
    }

    /// Plain bytes decoded so far.
    pub(super) fn decoded(&self) -> u64 {
        self.base + self.plain.bytes.len() as u64
    }

    /// Where the held blocks begin in the stream's plain bytes.
    pub(super) fn position(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The next block's first bit.
    pub(super) fn next_bit(&self) -> usize {
        self.blocks.back().map_or(self.bit, |held| held.bit_end)
    }

    /// Makes room for one more block; `plain` tells when it is not enough.
    pub(super) fn make_room(&mut self) {
        self.plain.limit = self.plain.bytes.len() + MAX_BLOCK;
    }

    /// Takes a block that was just decoded into `plain`.
    pub(super) fn hold(&mut self, bit_end: usize, last: bool, empty: bool) {
        let plain_end = self.plain.bytes.len();
        // A stored block of nothing is what a flush leaves.
        if empty && !last {
            self.flushes.push(plain_end);
        }
        self.blocks.push_back(Held { bit_end, plain_end });
        self.ended |= last;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// True when so much is held that it should become an op.
    pub(super) fn is_full(&self) -> bool {
        let packed = self.next_bit() / 8 - self.bit / 8;
        let plain = self.plain.bytes.len() - self.at;
        // An encoder's piece is waited for if it is not too long: 1 MiB, even where nothing is saved.
        let piece = self.last.is_some_and(|params| params.piece() > 0 && self.piece_end(&params).is_none());
        packed >= if piece { 5 * self.packed } else { self.packed } || plain >= UNPACKED
    }

    /// What to do with the held blocks; `all`: no more will come.
    /// Looking for an encoder takes its time off `search`, see [`crate::Settings::search`].
    pub(super) fn offer(&mut self, buffer: &[u8], all: bool, known: &mut RecentEncoders, search: &mut u64) -> Offer {
        let Some(first) = self.blocks.front().copied() else { return Offer::More };
        let ends = self.ended;
        if !ends && !all && first.plain_end + LOOKAHEAD > self.plain.bytes.len() {
            return Offer::More;
        }
        let tokens = self.tokens();
        if self.misses >= MAX_MISSES {
            // Where the encoder's next piece begins, it may be exact again.
            let position = self.position();
            let begins = self.last.is_some_and(|params| position.checked_rem(u64::from(params.piece())) == Some(0));
            if !begins || first.plain_end == self.at {
                return tokens;
            }
            self.misses = MAX_MISSES - 1;
        }
        let actual = &buffer[self.bit / 8..self.next_bit().div_ceil(8)];
        let flushes = &self.flushes[self.flushes.partition_point(|&at| at < self.at)..];
        let input_flushes: Vec<usize> = flushes.iter().map(|at| at - self.at).collect();
        let input = Input { plain: &self.plain.bytes[self.at..], flushes: &input_flushes, ends };
        let reproduced = |params: Params| {
            let start = self.start(params.history(self.position()));
            let end = self.piece_end(&params).filter(|_| !ends).unwrap_or(self.next_bit());
            (params, matching(&params, start, input, &buffer[self.bit / 8..end.div_ceil(8)]))
        };
        let remembered = self
            .params
            .map(|params| reproduced(self.unless_it_goes_on(params)))
            .filter(|(_, prefix)| prefix.blocks > 0);
        let made = remembered.or_else(|| known.find(search, self.start(WARM_UP), input, actual).map(reproduced));
        let Some((params, prefix)) = made.filter(|(_, prefix)| prefix.blocks > 0) else {
            (self.params, self.misses) = (None, self.misses + 1);
            return tokens;
        };
        (self.params, self.last) = (Some(params), Some(params));
        let start = self.start(params.history(self.position()));
        known.note(params);
        let history = start.history.len();
        // Encoding again needs what follows the last block, which may be finished a match later, or the knowledge that
        // nothing does.
        let after = (prefix.plain + params.lookahead()).min(input.plain.len());
        let to_end = ends && after == input.plain.len();
        let flushes = input_flushes.iter().take_while(|&&at| at <= after && params.takes_flushes());
        let flushes: Vec<u64> = flushes.map(|&at| at as u64).collect();
        let encode = Encode {
            params: params.to_bytes(),
            carry: carry(buffer, self.bit),
            ends: to_end,
            blocks: prefix.blocks as u64,
            history: history as u64,
            position: start.position,
            state: start.state.to_bits(),
            written: if params.output_buffer == 0 { 0 } else { start.written },
            plain: prefix.plain as u64,
            after: (after - prefix.plain) as u64,
            flushes: flushes.len() as u64,
        };
        let mut op = Vec::new();
        Op::Encode(encode).encode(&mut op);
        flushes.iter().for_each(|flush| put_varint(&mut op, *flush));
        let bit_end = self.bit / 8 * 8 + prefix.bit_end as usize;
        self.misses = 0;
        let plain = history + after;
        let time = params.cost() * plain as u64 / 1000;
        Offer::Encode { op, bit_end, prefix, history, plain, time }
    }

    /// The first held block as tokens.
    pub(super) fn tokens(&self) -> Offer {
        Offer::Tokens { bit: self.bit, plain: self.position() }
    }

    /// The plain bytes of an offer, from its history on.
    pub(super) fn offered(&self, history: usize, plain: usize) -> &[u8] {
        &self.plain.bytes[self.at - history..self.at - history + plain]
    }

    /// Lets go of the blocks that became an op.
    pub(super) fn encoded(&mut self, bit_end: usize, prefix: &Prefix) {
        self.state = prefix.state;
        self.advance(bit_end);
    }

    /// Lets go of the first block, which became tokens.
    pub(super) fn tokenized(&mut self) {
        self.state = State::default();
        if let Some(first) = self.blocks.front() {
            self.advance(first.bit_end);
        }
    }

    fn advance(&mut self, bit_end: usize) {
        while let Some(held) = self.blocks.pop_front_if(|held| held.bit_end <= bit_end) {
            (self.bit, self.at) = (held.bit_end, held.plain_end);
        }
        let gone = self.at.saturating_sub(WARM_UP);
        if gone >= DROP_STEP {
            self.plain.bytes.drain(..gone);
            self.base += gone as u64;
            self.at -= gone;
            self.blocks.iter_mut().for_each(|held| held.plain_end -= gone);
            self.flushes.retain(|at| *at >= gone);
            self.flushes.iter_mut().for_each(|at| *at -= gone);
        }
    }

    /// Where the last of the encoder's pieces ends that does so in the held blocks. An op that ends there spares the
    /// next a history.
    fn piece_end(&self, params: &Params) -> Option<usize> {
        let ends = |held: &&Held| {
            let piece = (self.base + held.plain_end as u64).checked_rem(u64::from(params.piece()));
            piece == Some(0) && held.plain_end > self.at && self.is_flushed(held.plain_end)
        };
        self.blocks.iter().rev().find(ends).map(|held| held.bit_end)
    }

    /// The same encoder without pieces, if the held blocks go on where a piece would end: that there are any was a
    /// guess.
    fn unless_it_goes_on(&self, params: Params) -> Params {
        let piece = u64::from(params.piece());
        let end = self.position().checked_div(piece).map(|before| (before + 1) * piece);
        match end.filter(|&end| end < self.decoded()) {
            Some(end) if !self.is_flushed((end - self.base) as usize) => Params { input_chunk: 0, ..params },
            _ => params,
        }
    }

    /// Whether the encoder was told to flush there in `plain`.
    fn is_flushed(&self, at: usize) -> bool {
        self.flushes.binary_search(&at).is_ok()
    }

    fn start(&self, keep: usize) -> Start<'_> {
        Start {
            history: &self.plain.bytes[self.at.saturating_sub(keep)..self.at],
            position: self.position(),
            state: self.state,
            first_bit: (self.bit % 8) as u8,
            written: u64::try_from((self.bit / 8) as i64 - self.origin).unwrap_or(0),
        }
    }

    /// Follows the buffer, of which the first `bytes` bytes were dropped.
    pub(super) fn rebase(&mut self, bytes: usize) {
        self.bit -= bytes * 8;
        self.origin -= bytes as i64;
        self.blocks.iter_mut().for_each(|held| held.bit_end -= bytes * 8);
    }
}

/// The bits before `bit` in its byte, below a marking bit.
pub(super) fn carry(buffer: &[u8], bit: usize) -> u8 {
    let before = buffer.get(bit / 8).copied().unwrap_or(0);
    let mark = 1u8 << (bit % 8);
    before & (mark - 1) | mark
}
