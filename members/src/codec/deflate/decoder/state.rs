//! What the decoder holds between blocks.

use super::reencode::Reencode;
use crate::codec::deflate::inflate::{Fault, Tables};
use crate::codec::deflate::recent_encoders::RecentEncoders;
use crate::codec::deflate::tokens::Tokens;
use crate::unit::builder::{Builder, Verdict};

/// Expands DEFLATE streams.
#[derive(Default)]
pub(crate) struct DeflateDecoder {
    pub(crate) recent: RecentEncoders,
    pub(super) tables: Tables,
    pub(super) tokens: Tokens,
    pub(super) state: Mode,
}

pub(super) enum Mode {
    /// The blocks become tokens, one by one.
    Tokens(Stream),
    /// The blocks are held until they become ops.
    Reencode(Box<Reencode>),
}

impl Default for Mode {
    fn default() -> Self {
        Self::Tokens(Stream::default())
    }
}

/// A stream whose next block becomes tokens.
#[derive(Clone, Copy, Default)]
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

/// What is to become of a block that starts at byte `start` and cannot be decoded.
pub(super) fn verdict(fault: Fault, start: usize, builder: &mut Builder, ended: bool) -> Verdict {
    match fault {
        Fault::Incomplete => builder.incomplete(start, ended),
        Fault::Invalid { at } => Builder::invalid(start, at / 8),
    }
}
