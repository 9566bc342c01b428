//! Members of zip archives: local file headers (APPNOTE 4.3.7). The central directory is not looked at.

use super::start::StreamStart;
use crate::program::Codec;

/// Whether a header may begin with these bytes.
#[inline(always)]
pub(super) fn begins(first: u8, second: u8) -> bool {
    (first == b'P') & (second == b'K')
}

/// Where the stream of the member starts whose header `bytes` begin with.
pub(super) fn start(bytes: &[u8]) -> StreamStart {
    const HEADER: usize = 30;
    let Some(header) = bytes.first_chunk::<HEADER>() else {
        return if bytes.len() >= 4 && bytes[..4] != *b"PK\x03\x04" {
            StreamStart::No
        } else {
            StreamStart::More(HEADER)
        };
    };
    let encrypted = header[6] & 1 != 0;
    if header[..4] != *b"PK\x03\x04" || encrypted || header[8..10] != [8, 0] {
        return StreamStart::No;
    }
    let length = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
    StreamStart::At(Codec::Deflate, HEADER + length(26) + length(28))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_lead_to_the_stream() {
        let mut zip = vec![0; 40];
        zip[..10].copy_from_slice(b"PK\x03\x04\x14\0\x08\0\x08\0");
        (zip[26], zip[28]) = (5, 7);
        assert_eq!(start(&zip), StreamStart::At(Codec::Deflate, 42));
        assert_eq!(start(&zip[..29]), StreamStart::More(30));
        zip[8] = 0;
        assert_eq!(start(&zip), StreamStart::No);
        assert_eq!(start(b"PK\x01\x02"), StreamStart::No);
    }
}
