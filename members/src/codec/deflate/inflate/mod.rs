//! DEFLATE (RFC 1951) as a sequence of blocks: decoding them one by one from any bit position, into any [`Sink`].
//!
//! Invariants: a block is handed to the sink in stream order, and its end is known to the bit. Nothing is read beyond
//! the input: a block that does not end within it is [`Fault::Incomplete`], whatever the missing bytes could have been.
//! Failures: streams that zlib's inflate refuses (bad block type, length check, code set, symbol or distance) are
//! [`Fault::Invalid`].

mod bits;
mod block;
mod header;
mod huffman;
mod plain;
mod symbols;

pub use block::{Block, Fault, Header, Kind, Sink, Tables, decode_block};
pub use plain::Plain;

pub(crate) use bits::BitReader;
pub(crate) use header::{Lengths, fixed_lengths};
pub(crate) use huffman::codes;
pub(crate) use symbols::{DISTANCE_SLOTS, DISTANCES, LENGTHS, distance_slot};
