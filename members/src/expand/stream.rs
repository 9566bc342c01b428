//! The fast gear: the blocks of a stream become tokens, one by one.

use super::scan::{ATTEMPT, Verdict};
use super::{Expander, State, Step};
use crate::codec::deflate::inflate::{Block, Fault, decode_block};
use crate::codec::deflate::reencode::{Deep, carry};
use crate::unit::Expansion;

#[derive(Clone, Copy)]
pub(super) struct Stream {
    /// The signature's position.
    pub(super) signature: usize,
    /// The next block's first bit.
    pub(super) bit: usize,
    /// Plain bytes decoded so far.
    pub(super) plain: u64,
    /// Whether it is known to be worth expanding; blocks are taken from then on.
    pub(super) worthwhile: bool,
}

impl Expander {
    /// Decodes a stream's next block.
    pub(super) fn block(&mut self, mut stream: Stream, ended: bool, out: &mut Expansion) -> Step {
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
                Ok(true) if self.settings.deep && self.time > 0 => {
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

    /// Whether the stream, whose first block this is, goes on for long enough.
    fn is_worthwhile(&mut self, stream: &Stream, first: Block, limit: usize) -> Result<bool, Fault> {
        let (mut end, mut plain, mut last) = (first.end, first.plain, first.last);
        while end - stream.bit < self.settings.member * 8 {
            if last {
                return Ok(false);
            }
            let block = decode_block(&mut self.tables, &self.buffer[..limit], end, plain, &mut ())?;
            (end, plain, last) = (block.end, plain + block.plain, block.last);
        }
        Ok(true)
    }

    /// Adds the block just decoded to the unit being built, unless it is too costly: then it is left to be copied.
    pub(super) fn take(&mut self, stream: &Stream, block: Block, out: &mut Expansion) {
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
}
