//! zlib streams (RFC 1950).
//!
//! Only headers of a window of 32 KiB without a dictionary are taken for a stream's start anywhere: the others' bytes
//! are too frequent in other content. Within a PNG ([`super::chunks`]) all headers without a dictionary are.

use super::start::StreamStart;
use crate::program::Codec;

/// Bytes of a header.
const HEADER: usize = 2;

/// Whether a stream with a window of 32 KiB may begin with these bytes: the four values whose check bits are right.
#[inline(always)]
pub(super) fn begins(first: u8, second: u8) -> bool {
    (first == 0x78) & ((second == 0x01) | (second == 0x5e) | (second == 0x9c) | (second == 0xda))
}

/// Where the DEFLATE stream starts behind a header.
pub(crate) const fn start() -> StreamStart {
    StreamStart::At(Codec::Deflate, HEADER)
}

/// Whether a stream of any window, without a dictionary, may begin with these bytes.
pub(super) fn is_header(method: u8, flags: u8) -> bool {
    method & 15 == 8 && method >> 4 <= 7 && flags & 32 == 0 && u16::from_be_bytes([method, flags]).is_multiple_of(31)
}
