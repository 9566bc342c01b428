//! From a DEFLATE stream to ops: blocks as tokens ([`token_mode`]), or as plain bytes with the name of the encoder
//! ([`reencode_mode`]).

mod reencode;
mod reencode_mode;
mod state;
mod token_mode;

pub(crate) use state::DeflateDecoder;

use crate::codec::decoder::{Decoder, Progress};
use crate::unit::Expansion;
use crate::unit::builder::Builder;
use state::{Mode, Stream};

impl Decoder for DeflateDecoder {
    fn begin(&mut self, signature: usize, at: usize) {
        self.state = Mode::Tokens(Stream { signature, bit: at * 8, plain: 0, worthwhile: false });
    }

    fn step(&mut self, builder: &mut Builder, ended: bool, out: &mut Expansion) -> Progress {
        match std::mem::take(&mut self.state) {
            Mode::Tokens(stream) => self.block(stream, builder, ended, out),
            Mode::Reencode(held) => self.held_block(held, builder, ended, out),
        }
    }

    fn finish(&mut self, builder: &mut Builder, out: &mut Expansion) {
        if let Mode::Reencode(mut held) = std::mem::take(&mut self.state) {
            self.give_out(&mut held, true, builder, out);
        }
    }

    fn rebase(&mut self, bytes: usize) {
        match &mut self.state {
            Mode::Tokens(stream) => {
                stream.signature = stream.signature.saturating_sub(bytes);
                stream.bit -= bytes * 8;
            }
            Mode::Reencode(held) => held.rebase(bytes),
        }
    }
}
