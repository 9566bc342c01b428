//! From an object's bytes to its stored view, in one pass.
//!
//! Invariants: units tile the object; each with a program was re-created and compared before it is handed out; what comes out
//! depends on the object's bytes and the settings alone, not on how they arrive in pieces; memory is bounded by the settings.
//! Failures: there are none. What cannot be represented, or does not come back bit for bit, is copied.

use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::deep::{Deep, Offer, UNPACKED, carry};
use crate::deflate::{Block, Fault, Header, Sink, Tables, decode_block};
use crate::encoder::{LOOKAHEAD, Params, WARM_UP};
use crate::program::{Encode, MOST};
use crate::puff::{Encoder, Tokens};
use crate::recreate::recreate_into;
use crate::signature::{self, Start};
use crate::unit::{Draft, Expansion, Unit};

/// How many bytes are read between two looks at what has arrived.
const QUANTUM: usize = 512 * 1024;

/// Bytes that may be decoded in vain before as many must have been read: bounds the time that adversarial input can take.
const CREDIT: usize = 8 * 1024 * 1024;

/// What looking at one candidate costs at least, in bytes of credit.
const ATTEMPT: usize = 256;

/// View bytes that the deep gear keeps, for histories.
const TAIL: usize = WARM_UP + 2 * LOOKAHEAD;

/// How many view bytes an object byte may become in the deep gear.
const DEEP_GROWTH: usize = 64;

/// Limits of expanding. The defaults are for a store whose windows are about 1 MiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Object bytes after which a unit with a program ends; it ends at most one block later.
    pub unit: usize,
    /// Object bytes of a unit without a program.
    pub plain: usize,
    /// Copied bytes between members from which on they become a unit without a program.
    pub gap: usize,
    /// Compressed bytes of the largest block that is held.
    pub block: usize,
    /// Compressed bytes of the smallest member worth expanding.
    pub member: usize,
    /// How many view bytes an object byte may become.
    pub growth: usize,
    /// Compressed bytes of a stream that become one op of the deep gear, about.
    pub packed: usize,
    /// Whether members are stored by their plain content where an exact encoder is found: denser, and ten times slower.
    pub deep: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            unit: 512 * 1024,
            plain: 1024 * 1024,
            gap: 64 * 1024,
            block: 2 * 1024 * 1024,
            member: 128,
            growth: 4,
            packed: 256 * 1024,
            deep: false,
        }
    }
}

/// Turns an object's bytes into view bytes and units; one per object.
pub struct Expander {
    settings: Settings,
    /// The object's bytes that are still needed. All positions below count from its start.
    buffer: Vec<u8>,
    /// Nothing can be decided before the buffer is that long.
    want: usize,
    /// Where the unit being built starts; all before is handed out.
    start: usize,
    /// Up to where the unit being built goes; equal to `start` if it is empty.
    covered: usize,
    draft: Draft,
    state: State,
    credit: usize,
    view: u64,
    tables: Tables,
    tokens: Tokens,
    encoder: Encoder,
    proof: Vec<u8>,
    /// The last view bytes that were handed out; kept in the deep gear only.
    tail: Vec<u8>,
    /// So many of the last view bytes, the draft's with them, are a stream's plain bytes up to `run_end`.
    run: usize,
    run_end: u64,
    hints: Vec<Params>,
}

enum State {
    /// Looking for a signature from here on.
    Scan(usize),
    /// Within a member's DEFLATE stream.
    Stream(Stream),
    /// Within one whose blocks are held.
    Deep(Box<Deep>),
}

#[derive(Clone, Copy)]
struct Stream {
    /// The signature's position.
    signature: usize,
    /// The next block's first bit.
    bit: usize,
    /// Plain bytes decoded so far.
    plain: u64,
    /// Whether it is known to be worth expanding; blocks are taken from then on.
    worthwhile: bool,
}

/// What a step comes to: more of them, or a wait until the buffer is that long.
enum Step {
    Go,
    Wait(usize),
}

/// What becomes of a block that could not be decoded.
enum Verdict {
    /// It may do once the buffer is that long.
    More(usize),
    /// It is none that is held; trying cost that much credit.
    Over { cost: usize },
}

impl Expander {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            buffer: Vec::new(),
            want: QUANTUM,
            start: 0,
            covered: 0,
            draft: Draft::default(),
            state: State::Scan(0),
            credit: CREDIT,
            view: 0,
            tables: Tables::default(),
            tokens: Tokens::default(),
            encoder: Encoder::default(),
            proof: Vec::new(),
            tail: Vec::new(),
            run: 0,
            run_end: 0,
            hints: Vec::new(),
        }
    }

    /// Takes the object's next bytes; appends what they complete to `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut Expansion) {
        for piece in bytes.chunks(QUANTUM) {
            self.buffer.extend_from_slice(piece);
            if self.buffer.len() >= self.want {
                self.advance(false, out);
            }
        }
    }

    /// Takes the object's end; appends what is left to `out`. Nothing is pushed afterwards.
    pub fn finish(&mut self, out: &mut Expansion) {
        self.advance(true, out);
        let all_read = State::Scan(self.buffer.len());
        if let State::Deep(mut deep) = std::mem::replace(&mut self.state, all_read) {
            self.give_out(&mut deep, true, out);
        }
        let end = self.buffer.len();
        self.settle(end, out);
        self.cover(end, out);
        self.close(out);
        self.plain(end, out);
        self.rebase();
    }

    fn advance(&mut self, ended: bool, out: &mut Expansion) {
        loop {
            let step = match std::mem::replace(&mut self.state, State::Scan(0)) {
                State::Scan(at) => self.scan(at, ended, out),
                State::Stream(stream) => self.block(stream, ended, out),
                State::Deep(deep) => self.deep_block(deep, ended, out),
            };
            if let Step::Wait(want) = step {
                self.want = want.max(self.buffer.len() + 1);
                break;
            }
        }
        self.rebase();
    }

    /// Looks for the next signature.
    fn scan(&mut self, at: usize, ended: bool, out: &mut Expansion) -> Step {
        let len = self.buffer.len();
        let found = signature::find(&self.buffer, at);
        let reached = found.unwrap_or(if ended { len } else { len.saturating_sub(1).max(at) });
        self.earn(reached - at);
        self.settle(reached, out);
        self.state = State::Scan(reached);
        if found.is_none() {
            return Step::Wait(len + QUANTUM);
        }
        let start = if self.credit == 0 { Start::No } else { signature::start(&self.buffer[reached..]) };
        match start {
            Start::More(_) if !ended => return Step::Wait(len + QUANTUM),
            Start::No | Start::More(_) => self.scan_from(reached + 1, ATTEMPT / 4),
            Start::At(offset) => {
                let bit = (reached + offset) * 8;
                self.state = State::Stream(Stream { signature: reached, bit, plain: 0, worthwhile: false });
            }
        }
        Step::Go
    }

    /// Decodes a stream's next block.
    fn block(&mut self, mut stream: Stream, ended: bool, out: &mut Expansion) -> Step {
        let start = stream.bit / 8;
        let limit = self.limit(start);
        let input = &self.buffer[..limit];
        self.tokens.reset(self.settings.growth * self.settings.block);
        let mut found = Err(Fault::Incomplete);
        if start < limit {
            found = decode_block(&mut self.tables, input, stream.bit, stream.plain, &mut self.tokens);
        }
        if let Ok(block) = found
            && !stream.worthwhile
        {
            match self.is_worthwhile(&stream, block, limit) {
                Ok(true) if self.settings.deep => {
                    self.state = State::Deep(Box::new(Deep::new(stream.bit, self.settings.packed)));
                    return Step::Go;
                }
                Ok(true) => stream.worthwhile = true,
                Ok(false) => {
                    self.scan_from(stream.signature + 1, ATTEMPT);
                    return Step::Go;
                }
                Err(fault) => found = Err(fault),
            }
        }
        match found {
            Ok(block) => {
                self.earn(block.end / 8 - start);
                self.take(&stream, block, out);
                stream.bit = block.end;
                stream.plain += block.plain;
                self.state = if block.last { State::Scan(block.end / 8) } else { State::Stream(stream) };
            }
            Err(fault) => match self.verdict(fault, start, ended) {
                Verdict::More(want) => {
                    self.state = State::Stream(stream);
                    return Step::Wait(want);
                }
                // It has been taken up to here.
                Verdict::Over { cost } if stream.worthwhile => self.scan_from(start, cost),
                Verdict::Over { cost } => self.scan_from(stream.signature + 1, cost),
            },
        }
        Step::Go
    }

    /// Decodes a held stream's next block.
    fn deep_block(&mut self, mut deep: Box<Deep>, ended: bool, out: &mut Expansion) -> Step {
        let at = deep.next_bit();
        let start = at / 8;
        let limit = self.limit(start);
        let (history, before) = (deep.decoded(), deep.plain.bytes.len());
        let mut found = Err(Fault::Incomplete);
        if start < limit {
            deep.make_room();
            found = decode_block(&mut self.tables, &self.buffer[..limit], at, history, &mut deep.plain);
        }
        if deep.plain.is_full() {
            deep.plain.bytes.truncate(before);
            self.give_out(&mut deep, true, out);
            self.state = State::Stream(Stream { signature: start, bit: at, plain: history, worthwhile: true });
            return Step::Go;
        }
        match found {
            Ok(block) => {
                self.earn(block.end / 8 - start);
                let two = [start, start + 1].map(|at| u16::from(self.buffer.get(at).copied().unwrap_or(0)));
                let stored = (two[0] | two[1] << 8) >> (at % 8);
                deep.hold(block.end, block.last, block.plain == 0 && stored & 6 == 0);
                if block.last || deep.is_full() {
                    self.give_out(&mut deep, block.last, out);
                }
                self.state = if block.last { State::Scan(block.end / 8) } else { State::Deep(deep) };
            }
            Err(fault) => {
                deep.plain.bytes.truncate(before);
                match self.verdict(fault, start, ended) {
                    Verdict::More(want) => {
                        self.state = State::Deep(deep);
                        return Step::Wait(want);
                    }
                    Verdict::Over { cost } => {
                        self.give_out(&mut deep, true, out);
                        self.scan_from(start, cost);
                    }
                }
            }
        }
        Step::Go
    }

    /// Makes ops of held blocks; `all`: of all of them, since no more will come.
    fn give_out(&mut self, deep: &mut Deep, all: bool, out: &mut Expansion) {
        while !deep.is_empty() && (all || deep.is_full()) {
            match deep.offer(&self.buffer, all, &mut self.hints) {
                Offer::More => break,
                Offer::Encode { encode, flushes, bit_end, prefix, history, plain } => {
                    self.place(deep, encode, &flushes, (history, plain), out);
                    deep.encoded(bit_end, &prefix);
                    self.covered = bit_end / 8;
                    let enough = self.covered - self.start >= self.settings.unit || self.draft.view.len() >= UNPACKED;
                    if enough || self.draft.is_long() {
                        self.close(out);
                    }
                }
                Offer::Tokens { bit, plain } => {
                    self.tokens.reset(self.settings.growth * self.settings.block);
                    if let Ok(block) = decode_block(&mut self.tables, &self.buffer, bit, plain, &mut self.tokens) {
                        let stream = Stream { signature: 0, bit, plain, worthwhile: true };
                        self.take(&stream, block, out);
                    }
                    deep.tokenized();
                }
            }
        }
    }

    /// Adds an op for plain bytes. One that needs history begins a unit, so that it can take what the view holds already.
    fn place(
        &mut self,
        deep: &Deep,
        encode: Encode,
        flushes: &[u64],
        (history, plain): (usize, usize),
        out: &mut Expansion,
    ) {
        let start = deep.bit / 8;
        self.settle(start, out);
        self.cover(start, out);
        let first = deep.position() - history as u64;
        let end = first + plain as u64;
        let mut overlap = 0;
        if history > 0 {
            self.close(out);
            let held = self.run_end - self.run as u64..=self.run_end;
            if self.run > 0 && held.contains(&first) && (deep.position()..=end).contains(&self.run_end) {
                overlap = (self.run_end - first) as usize;
            }
        }
        let fresh = &deep.offered(history, plain)[overlap..];
        self.draft.encode(encode, flushes, fresh, overlap);
        self.run = if overlap > 0 { self.run + fresh.len() } else { fresh.len() };
        self.run = self.run.min(TAIL);
        self.run_end = end;
    }

    /// Whether the stream, whose first block this is, goes on for long enough.
    fn is_worthwhile(&mut self, stream: &Stream, first: Block, limit: usize) -> Result<bool, Fault> {
        let (mut end, mut plain, mut last) = (first.end, first.plain, first.last);
        while end - stream.bit < self.settings.member * 8 {
            if last {
                return Ok(false);
            }
            let block = decode_block(&mut self.tables, &self.buffer[..limit], end, plain, &mut Nothing)?;
            (end, plain, last) = (block.end, plain + block.plain, block.last);
        }
        Ok(true)
    }

    /// Adds the block just decoded to the unit being built, unless it is too costly: then it is left to be copied.
    fn take(&mut self, stream: &Stream, block: Block, out: &mut Expansion) {
        let bits = stream.bit..block.end;
        let Some(tokens) = self.tokens.bytes() else { return };
        if tokens.len().saturating_mul(8) > self.settings.growth * bits.len() {
            return;
        }
        if !self.draft.continues(bits.start) {
            let start = bits.start / 8;
            self.settle(start, out);
            self.cover(start, out);
        }
        let carry = carry(&self.buffer, bits.start);
        self.run = 0;
        if let Some(tokens) = self.tokens.bytes() {
            self.draft.block(tokens, bits, carry, block.last);
        }
        self.covered = block.end / 8;
        if self.covered - self.start >= self.settings.unit || self.draft.is_long() {
            self.close(out);
        }
    }

    /// Up to where a block that starts at byte `start` is decoded: no further than a block may go that is held.
    fn limit(&self, start: usize) -> usize {
        self.buffer.len().min(start.saturating_add(self.settings.block))
    }

    /// What is to become of a block that starts at byte `start` and cannot be decoded.
    fn verdict(&self, fault: Fault, start: usize, ended: bool) -> Verdict {
        let (len, most) = (self.buffer.len(), start.saturating_add(self.settings.block));
        let reached = match fault {
            Fault::Incomplete if !ended && len < most => {
                let want = len + QUANTUM.max(len.saturating_sub(start));
                return Verdict::More(want.min(most).max(len + 1));
            }
            Fault::Incomplete => self.limit(start),
            Fault::Invalid { at } => at / 8,
        };
        Verdict::Over { cost: ATTEMPT + reached.saturating_sub(start) }
    }

    /// Goes on scanning from there, after an attempt that cost so much in vain.
    fn scan_from(&mut self, at: usize, cost: usize) {
        self.credit = self.credit.saturating_sub(cost);
        self.state = State::Scan(at);
    }

    fn earn(&mut self, bytes: usize) {
        self.credit = (self.credit + bytes).min(CREDIT);
    }

    /// Hands out what is certain once no member begins before `upto`: a long stretch between members is no part of their units.
    fn settle(&mut self, upto: usize, out: &mut Expansion) {
        if upto - self.covered >= self.settings.gap.min(self.settings.plain) {
            self.close(out);
        }
        while upto - self.covered >= self.settings.plain {
            self.plain(self.covered + self.settings.plain, out);
        }
    }

    /// Covers what lies before `upto`, as part of the unit being built if it is short.
    fn cover(&mut self, upto: usize, out: &mut Expansion) {
        let gap = upto - self.covered;
        if gap >= self.settings.gap.min(self.settings.plain) {
            self.plain(upto, out);
        } else if gap > 0 {
            self.run = 0;
            self.draft.copy(&self.buffer[self.covered..upto]);
            self.covered = upto;
        }
    }

    /// Hands out bytes up to `end` as a unit without a program; none is being built.
    fn plain(&mut self, end: usize, out: &mut Expansion) {
        let bytes = &self.buffer[self.start..end];
        if !bytes.is_empty() {
            self.run = 0;
            let len = bytes.len() as u64;
            let view = append(&mut self.view, out, bytes);
            out.units.push(Unit { view, program: Vec::new(), len, digest: [0; 32] });
        }
        (self.start, self.covered) = (end, end);
    }

    /// Hands out the unit being built, if it is proven to come back; else its bytes as they are.
    fn close(&mut self, out: &mut Expansion) {
        if self.draft.is_empty() {
            return;
        }
        self.draft.seal(false);
        let bytes = &self.buffer[self.start..self.covered];
        let program = std::mem::take(&mut self.draft.program);
        let overlap = std::mem::take(&mut self.draft.overlap);
        let mut view = Vec::new();
        if overlap > 0 {
            view.extend_from_slice(&self.tail[self.tail.len().saturating_sub(overlap)..]);
            view.extend_from_slice(&self.draft.view);
        }
        let view = if overlap > 0 { &view } else { &self.draft.view };
        let len = bytes.len();
        let growth = if self.settings.deep { DEEP_GROWTH } else { self.settings.growth };
        let room = if self.settings.deep { TAIL + UNPACKED } else { 0 };
        let affordable = program.len() <= MOST.min(len / 4 + 128) && view.len() <= len.saturating_mul(growth) + room;
        let proven = affordable
            && recreate_into(&program, view, len, &mut self.encoder, &mut self.proof).is_ok()
            && self.proof[..len] == *bytes;
        if proven && len > 0 {
            let digest = Sha256::digest(bytes).into();
            let Range { start, end } = append(&mut self.view, out, &self.draft.view);
            out.units.push(Unit { view: start - overlap as u64..end, program, len: len as u64, digest });
            if self.settings.deep {
                self.tail.extend_from_slice(&self.draft.view);
                let gone = self.tail.len().saturating_sub(TAIL);
                self.tail.drain(..gone);
            }
            self.start = self.covered;
        } else {
            self.run = 0;
            self.plain(self.covered, out);
        }
        self.draft.view.clear();
    }

    /// Drops the bytes that were handed out.
    fn rebase(&mut self) {
        let gone = std::mem::take(&mut self.start);
        self.buffer.drain(..gone);
        self.covered -= gone;
        self.want = self.want.saturating_sub(gone);
        self.draft.rebase(gone);
        match &mut self.state {
            State::Scan(at) => *at -= gone,
            State::Stream(stream) => {
                stream.signature = stream.signature.saturating_sub(gone);
                stream.bit -= gone * 8;
            }
            State::Deep(deep) => deep.rebase(gone),
        }
    }
}

/// Appends to the view; where it lies there.
fn append(position: &mut u64, out: &mut Expansion, view: &[u8]) -> Range<u64> {
    let start = *position;
    *position += view.len() as u64;
    out.view.extend_from_slice(view);
    start..*position
}

/// Takes nothing: for looking ahead.
#[derive(Default)]
struct Nothing;

impl Sink for Nothing {
    fn begin(&mut self, _: &[u8], _: &Header) {}
    fn stored(&mut self, _: &[u8]) {}
    fn literal(&mut self, _: u8) {}
    fn copy(&mut self, _: u32, _: u32) {}
    fn end(&mut self) {}
}
