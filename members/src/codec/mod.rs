//! Codecs: compressions of members, each in a folder of its own.
//!
//! A codec has two halves. The *decoder* ([`decoder`]) turns a stream into ops and view bytes and gives them to
//! [`crate::unit::builder`], which proves each unit before it is handed out. *Re-creating* runs the codec's ops
//! ([`crate::recreate`]); [`crate::describe`] names them for people.
//!
//! Invariant: nothing above this folder depends on how a codec decodes. Failures: a stream that a codec cannot decode,
//! or whose unit does not come back bit for bit, is copied.
//!
//! # How to add a codec
//!
//! 1. Add a folder with a `Decoder`. It decodes block by block from the buffer of `Builder` and hands over each op with
//!    its view bytes by `Builder::place`. Before that it subtracts the op's cost from `Builder::time`: nanoseconds of a
//!    core that re-creating takes, estimated from the op alone. (`Builder::place_tokens` is DEFLATE's: it joins blocks
//!    into ops 2 and 3.)
//! 2. Add a variant of [`Codec`], a field of [`Decoders`], and the arms that the compiler then asks for.
//! 3. Give the codec a number in `FORMAT.md`, op 7, and describe its operands there. Read them in `program.rs`, run
//!    them in the codec's `recreate.rs`, and give [`crate::describe`] a step.
//! 4. Say where streams begin: a file in [`crate::container`] whose `start` names the codec.
//! 5. Prove it: round trips, sound and damaged, of what real programs write (`tests/round_trips`, `tests/archivers`).
//!    The lines of `tests/round_trips/golden.txt` stay as they are; new ones are added.
//!
//! DEFLATE is the example. Its ops, 2 to 4, are older than the codec byte and have none.
//!
//! # How to add an encoder family of DEFLATE
//!
//! See the head of `deflate/encoder/engines/mod.rs`.

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
