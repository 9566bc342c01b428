//! Codecs: compressions of members, each in a folder of its own.
//!
//! A codec has two halves. The *decoder* ([`decoder`]) turns a stream into ops and view bytes, which it gives to
//! [`crate::unit::builder`]; that one proves each unit before it is handed out. *Re-creating* runs the codec's ops
//! ([`crate::recreate`]) and names them for people ([`crate::describe`]).
//!
//! # How to add a codec
//!
//! 1. A folder here with a `Decoder`. It decodes block by block from a position of `Builder`'s buffer and gives tokens
//!    or plain bytes with an op to `Builder::place_tokens` or `Builder::place`. First it takes the op's cost, in
//!    nanoseconds of a core that re-creating takes, off `Builder::time`. What is invalid, or too large to hold, is left
//!    to be copied.
//! 2. A variant of [`Codec`], a field of [`Decoders`], and an arm wherever the compiler then asks
//!    for one. The codec's number, which op 7 stores, is given in `FORMAT.md` and never reused.
//! 3. The operands behind op 7's codec byte: written in `FORMAT.md`, read and run in the codec's `recreate.rs`, called
//!    by [`crate::recreate`]; a step of [`crate::describe`].
//! 4. The place where its streams begin: a file in [`crate::container`] whose `start` names the codec.
//! 5. Proof: round trips, sound and damaged, of what real programs write (`tests/round_trips`, `tests/archivers`), and
//!    `tests/round_trips/golden.txt` unchanged but for new lines.
//!
//! DEFLATE is the example. Its ops, 2 to 4, are older than the codec byte and have none.
//!
//! How to add an encoder family of DEFLATE is told in [`deflate::encoder`], `engines`.

pub(crate) mod decoder;
pub mod deflate;

use crate::program::Codec;
use decoder::Decoder;

/// One decoder of each codec.
#[derive(Default)]
pub(crate) struct Decoders {
    pub(crate) deflate: deflate::decoder::DeflateDecoder,
}

impl Decoders {
    pub(crate) fn of(&mut self, codec: Codec) -> &mut dyn Decoder {
        match codec {
            Codec::Deflate => &mut self.deflate,
        }
    }
}
