//! Token mode: the blocks of a stream become tokens, one by one.

use super::reencode::{Reencode, carry};
use super::state::{DeflateDecoder, Mode, Stream, verdict};
use crate::codec::decoder::Progress;
use crate::codec::deflate::inflate::{Block, Fault, decode_block};
use crate::unit::Expansion;
use crate::unit::builder::{ATTEMPT, Builder, Verdict};

impl DeflateDecoder {
    /// Decodes a stream's next block.
    pub(super) fn block(
        &mut self,
        mut stream: Stream,
        builder: &mut Builder,
        ended: bool,
        out: &mut Expansion,
    ) -> Progress {
        let start = stream.bit / 8;
        let limit = builder.limit(start);
        let input = &builder.buffer[..limit];
        self.tokens.reset(builder.settings.growth * builder.settings.block);
        let mut found = Err(Fault::Incomplete);
        if start < limit {
            found = decode_block(&mut self.tables, input, stream.bit, stream.plain, &mut self.tokens);
        }
        if let Ok(block) = found
            && !stream.worthwhile
        {
            match self.is_worthwhile(&stream, block, builder, limit) {
                Ok(true) if builder.settings.reencode && builder.time > 0 => {
                    self.state = Mode::Reencode(Box::new(Reencode::new(stream.bit, builder.settings.packed)));
                    return Progress::Go;
                }
                Ok(true) => stream.worthwhile = true,
                Ok(false) => {
                    builder.pay(ATTEMPT);
                    return Progress::Over(stream.signature + 1);
                }
                Err(fault) => found = Err(fault),
            }
        }
        match found {
            Ok(block) => {
                builder.earn(block.end / 8 - start);
                self.take(&stream, block, builder, out);
                stream.bit = block.end;
                stream.plain += block.plain;
                if block.last {
                    return Progress::Over(block.end / 8);
                }
                self.state = Mode::Tokens(stream);
                Progress::Go
            }
            Err(fault) => match verdict(fault, start, builder, ended) {
                Verdict::More(want) => {
                    self.state = Mode::Tokens(stream);
                    Progress::Wait(want)
                }
                Verdict::Over { cost } => {
                    builder.pay(cost);
                    // If it is worthwhile, it has been taken up to here.
                    Progress::Over(if stream.worthwhile { start } else { stream.signature + 1 })
                }
            },
        }
    }

    /// Whether the stream, whose first block this is, goes on for long enough.
    fn is_worthwhile(&mut self, stream: &Stream, first: Block, builder: &Builder, limit: usize) -> Result<bool, Fault> {
        let (mut end, mut plain, mut last) = (first.end, first.plain, first.last);
        while end - stream.bit < builder.settings.member * 8 {
            if last {
                return Ok(false);
            }
            let block = decode_block(&mut self.tables, &builder.buffer[..limit], end, plain, &mut ())?;
            (end, plain, last) = (block.end, plain + block.plain, block.last);
        }
        Ok(true)
    }

    /// Adds the block just decoded to the unit being built, unless it is too costly: then it is left to be copied.
    pub(super) fn take(&mut self, stream: &Stream, block: Block, builder: &mut Builder, out: &mut Expansion) {
        let bits = stream.bit..block.end;
        let Some(tokens) = self.tokens.bytes() else { return };
        if tokens.len().saturating_mul(8) > builder.settings.growth * bits.len() {
            return;
        }
        let carry = carry(&builder.buffer, bits.start);
        builder.place_tokens(tokens, bits, carry, block.last, out);
        builder.close_if_full(usize::MAX, out);
    }
}
