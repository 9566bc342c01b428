//! gzip members (RFC 1952).

use super::start::StreamStart;
use crate::program::Codec;

/// The longest file name or comment of a gzip header that is skipped, in bytes.
const MAX_NAME: usize = 1024;

/// Whether a member may begin with these bytes.
#[inline(always)]
pub(super) fn begins(first: u8, second: u8) -> bool {
    (first == 0x1f) & (second == 0x8b)
}

/// Where the stream of the member starts that `bytes` begin with.
pub(super) fn start(bytes: &[u8]) -> StreamStart {
    const EXTRA: u8 = 4;
    const TEXTS: [u8; 2] = [8, 16];
    const CHECK: u8 = 2;
    const RESERVED: u8 = 0xe0;
    let Some(&[_, _, method, flags, ..]) = bytes.first_chunk::<10>() else { return StreamStart::More(10) };
    if method != 8 || flags & RESERVED != 0 {
        return StreamStart::No;
    }
    let mut at = 10;
    if flags & EXTRA != 0 {
        let Some(&[low, high]) = bytes.get(at..).and_then(|rest| rest.first_chunk::<2>()) else {
            return StreamStart::More(at + 2);
        };
        at += 2 + usize::from(u16::from_le_bytes([low, high]));
    }
    for text in TEXTS {
        if flags & text != 0 {
            let rest = bytes.get(at..).unwrap_or_default();
            match rest.iter().take(MAX_NAME).position(|&byte| byte == 0) {
                Some(index) => at += index + 1,
                None if rest.len() < MAX_NAME => return StreamStart::More(at + MAX_NAME),
                None => return StreamStart::No,
            }
        }
    }
    if flags & CHECK != 0 {
        at += 2;
    }
    StreamStart::At(Codec::Deflate, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_lead_to_the_stream() {
        let plain = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
        assert_eq!(start(&plain), StreamStart::At(Codec::Deflate, 10));
        assert_eq!(start(&plain[..9]), StreamStart::More(10));
        let mut all = vec![0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3, 3, 0, 1, 2, 3];
        all.extend(b"name\0comment\0\x12\x34");
        assert_eq!(start(&all), StreamStart::At(Codec::Deflate, all.len()));
        assert!(matches!(start(&all[..17]), StreamStart::More(_)));
        assert_eq!(start(&[0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 3]), StreamStart::No);
        assert_eq!(start(&[0x1f, 0x8b, 8, 0x80, 0, 0, 0, 0, 0, 3]), StreamStart::No);
        let mut endless = vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3];
        endless.resize(5000, b'n');
        assert_eq!(start(&endless), StreamStart::No);
    }
}
