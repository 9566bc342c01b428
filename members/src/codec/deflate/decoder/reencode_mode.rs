//! Re-encode mode: the blocks of a stream are held until they become ops.

use super::reencode::{Offer, Reencode};
use super::state::{DeflateDecoder, Mode, Stream, verdict};
use crate::codec::decoder::Progress;
use crate::codec::deflate::inflate::{Fault, decode_block};
use crate::unit::Expansion;
use crate::unit::builder::{Builder, UNPACKED, Verdict};

impl DeflateDecoder {
    /// Decodes a held stream's next block.
    pub(super) fn held_block(
        &mut self,
        mut held: Box<Reencode>,
        builder: &mut Builder,
        ended: bool,
        out: &mut Expansion,
    ) -> Progress {
        let at = held.next_bit();
        let start = at / 8;
        let limit = builder.limit(start);
        let (history, before) = (held.decoded(), held.plain.bytes.len());
        let mut found = Err(Fault::Incomplete);
        if start < limit {
            held.make_room();
            found = decode_block(&mut self.tables, &builder.buffer[..limit], at, history, &mut held.plain);
        }
        if held.plain.is_full() {
            held.plain.bytes.truncate(before);
            return self.go_on_as_tokens(&mut held, builder, out);
        }
        match found {
            Ok(block) => {
                builder.earn(block.end / 8 - start);
                let two = [start, start + 1].map(|at| u16::from(builder.buffer.get(at).copied().unwrap_or(0)));
                let stored = (two[0] | two[1] << 8) >> (at % 8);
                held.hold(block.end, block.last, block.plain == 0 && stored & 6 == 0);
                if block.last || held.is_full() {
                    self.give_out(&mut held, block.last, builder, out);
                }
                if block.last {
                    return Progress::Over(block.end / 8);
                }
                if builder.time == 0 {
                    return self.go_on_as_tokens(&mut held, builder, out);
                }
                self.state = Mode::Reencode(held);
                Progress::Go
            }
            Err(fault) => {
                held.plain.bytes.truncate(before);
                match verdict(fault, start, builder, ended) {
                    Verdict::More(want) => {
                        self.state = Mode::Reencode(held);
                        Progress::Wait(want)
                    }
                    Verdict::Over { cost } => {
                        self.give_out(&mut held, true, builder, out);
                        builder.pay(cost);
                        Progress::Over(start)
                    }
                }
            }
        }
    }

    /// Makes ops of all held blocks, and tokens of the rest of the stream.
    fn go_on_as_tokens(&mut self, held: &mut Reencode, builder: &mut Builder, out: &mut Expansion) -> Progress {
        self.give_out(held, true, builder, out);
        let bit = held.next_bit();
        self.state = Mode::Tokens(Stream { signature: bit / 8, bit, plain: held.decoded(), worthwhile: true });
        Progress::Go
    }

    /// Makes ops of held blocks; `all`: of all of them, since no more will come.
    pub(super) fn give_out(&mut self, held: &mut Reencode, all: bool, builder: &mut Builder, out: &mut Expansion) {
        while !held.is_empty() && (all || held.is_full()) {
            let offer = if builder.time == 0 {
                held.tokens()
            } else {
                held.offer(&builder.buffer, all, &mut self.recent, &mut builder.search)
            };
            match offer {
                Offer::More => break,
                // Once one takes too long, nothing more is encoded: the next version of the object is to be cut at the
                // same place.
                Offer::Encode { time, .. } if time > builder.time => builder.time = 0,
                Offer::Encode { op, bit_end, prefix, history, plain, time } => {
                    builder.time -= time;
                    let from = held.position() - history as u64;
                    builder.place(&op, held.bit / 8, (from, history), held.offered(history, plain), out);
                    held.encoded(bit_end, &prefix);
                    builder.covered = bit_end / 8;
                    builder.close_if_full(UNPACKED, out);
                }
                Offer::Tokens { bit, plain } => {
                    self.tokens.reset(builder.settings.growth * builder.settings.block);
                    if let Ok(block) = decode_block(&mut self.tables, &builder.buffer, bit, plain, &mut self.tokens) {
                        let stream = Stream { signature: 0, bit, plain, worthwhile: true };
                        self.take(&stream, block, builder, out);
                    }
                    held.tokenized();
                }
            }
        }
    }
}
