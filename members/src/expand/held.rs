//! The deep gear: the blocks of a stream are held until they become ops.

use super::scan::Verdict;
use super::stream::Stream;
use super::{Expander, State, Step, TAIL};
use crate::codec::deflate::inflate::{Fault, decode_block};
use crate::codec::deflate::reencode::{Deep, Offer, UNPACKED};
use crate::program::Encode;
use crate::unit::Expansion;

impl Expander {
    /// Decodes a held stream's next block.
    pub(super) fn deep_block(&mut self, mut deep: Box<Deep>, ended: bool, out: &mut Expansion) -> Step {
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
            return self.go_on_as_tokens(&mut deep, out);
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
                if !block.last && self.time == 0 {
                    return self.go_on_as_tokens(&mut deep, out);
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

    /// Makes ops of all held blocks, and tokens of the rest of the stream.
    fn go_on_as_tokens(&mut self, deep: &mut Deep, out: &mut Expansion) -> Step {
        self.give_out(deep, true, out);
        let bit = deep.next_bit();
        self.state = State::Stream(Stream { signature: bit / 8, bit, plain: deep.decoded(), worthwhile: true });
        Step::Go
    }

    /// Makes ops of held blocks; `all`: of all of them, since no more will come.
    pub(super) fn give_out(&mut self, deep: &mut Deep, all: bool, out: &mut Expansion) {
        while !deep.is_empty() && (all || deep.is_full()) {
            let offer = if self.time == 0 {
                deep.tokens()
            } else {
                deep.offer(&self.buffer, all, &mut self.known, &mut self.search)
            };
            match offer {
                Offer::More => break,
                // Once one takes too long, nothing more is encoded: the next version of the object is to be cut at the
                // same place.
                Offer::Encode { time, .. } if time > self.time => self.time = 0,
                Offer::Encode { encode, flushes, bit_end, prefix, history, plain, time } => {
                    self.time -= time;
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

    /// Adds an op for plain bytes. One that needs history begins a unit, so that it can take what the view holds
    /// already.
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
}
