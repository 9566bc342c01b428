//! "Puff": DEFLATE blocks with their Huffman codes undone and nothing else, as bytes that delta well.
//!
//! [`Tokens`] is the way there, [`encode_block`] the way back; `FORMAT.md` describes the bytes.
//! Invariant: what `Tokens` writes for a block, `encode_block` turns into that block's bits, all of them and no others.

mod bits;
mod encode;
mod tokens;

pub(crate) use bits::BitWriter;
pub(crate) use encode::{Encoder, encode_block};
pub(crate) use tokens::Tokens;

/// A block's first byte: bit 0 marks the last block, bits 1 and 2 are RFC 1951's block type, the others are zero but for this one.
const LAST: u8 = 1;
const STORED: u8 = 0;
const FIXED: u8 = 1 << 1;
const DYNAMIC: u8 = 2 << 1;
/// With [`STORED`]: the skipped bits, not all zero, follow in a byte.
const PADDED: u8 = 1 << 3;

/// A token's literal count that says: a varint follows, to be added to it.
const MANY: usize = 15;
/// A token's match nibble: no match, or more to come; other values are a length minus 2.
const NO_MATCH: u8 = 0;
const LONG_MATCH: u8 = 15;
/// The smallest length minus 3 of a long match, which a byte is added to.
const LONG: u32 = 14;
/// Instead of a long match's length: the block ends.
const END: u8 = 255;
