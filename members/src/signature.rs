//! Where a compressed member may begin: gzip (RFC 1952), zlib (RFC 1950, PNG's IDAT with it) and zip's local headers
//! (APPNOTE 4.3.7).
//!
//! Only a hint: whether a DEFLATE stream follows is found out by decoding it. Container structure beyond the header is
//! not looked at. Of zlib's headers only those of a window of 32 KiB tell enough; others are recognised within PNG, by
//! [`crate::chunks`].

/// The longest file name or comment of a gzip header that is skipped, in bytes.
const LONGEST_NAME: usize = 1024;

/// How far ahead one step of the search looks.
const STRIDE: usize = 64;

/// What follows a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// No member.
    No,
    /// That many bytes from the signature on are needed to tell.
    More(usize),
    /// A DEFLATE stream may start that many bytes behind the signature's first.
    At(usize),
}

/// The first place from `from` on where two bytes look like a member's first.
pub(crate) fn find(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(window) = bytes.get(at..).and_then(|rest| rest.first_chunk::<{ STRIDE + 1 }>()) {
        if any(window) {
            let found = window.windows(2).position(|pair| begins(pair[0], pair[1]));
            return found.map(|index| at + index);
        }
        at += STRIDE;
    }
    let rest = bytes.get(at..)?;
    rest.windows(2).position(|pair| begins(pair[0], pair[1])).map(|index| at + index)
}

/// Branch-free, so that the compiler compares many bytes at once.
#[inline(always)]
fn any(window: &[u8; STRIDE + 1]) -> bool {
    let mut any = 0u8;
    for index in 0..STRIDE {
        any |= u8::from(begins(window[index], window[index + 1]));
    }
    any != 0
}

#[inline(always)]
fn begins(first: u8, second: u8) -> bool {
    // zlib with a window of 32 KiB, without a dictionary: the four values whose check bits are right.
    let zlib = (first == 0x78) & ((second == 0x01) | (second == 0x5e) | (second == 0x9c) | (second == 0xda));
    let gzip = (first == 0x1f) & (second == 0x8b);
    let zip = (first == b'P') & (second == b'K');
    zlib | gzip | zip
}

/// Finds the DEFLATE stream behind the signature that `bytes` begins with.
pub(crate) fn start(bytes: &[u8]) -> Start {
    match bytes.first() {
        Some(0x78) => Start::At(2),
        Some(0x1f) => gzip(bytes),
        Some(b'P') => zip(bytes),
        Some(_) => Start::No,
        None => Start::More(2),
    }
}

fn gzip(bytes: &[u8]) -> Start {
    const EXTRA: u8 = 4;
    const TEXTS: [u8; 2] = [8, 16];
    const CHECK: u8 = 2;
    const RESERVED: u8 = 0xe0;
    let Some(&[_, _, method, flags, ..]) = bytes.first_chunk::<10>() else { return Start::More(10) };
    if method != 8 || flags & RESERVED != 0 {
        return Start::No;
    }
    let mut at = 10;
    if flags & EXTRA != 0 {
        let Some(&[low, high]) = bytes.get(at..).and_then(|rest| rest.first_chunk::<2>()) else {
            return Start::More(at + 2);
        };
        at += 2 + usize::from(u16::from_le_bytes([low, high]));
    }
    for text in TEXTS {
        if flags & text != 0 {
            let rest = bytes.get(at..).unwrap_or_default();
            match rest.iter().take(LONGEST_NAME).position(|&byte| byte == 0) {
                Some(index) => at += index + 1,
                None if rest.len() < LONGEST_NAME => return Start::More(at + LONGEST_NAME),
                None => return Start::No,
            }
        }
    }
    if flags & CHECK != 0 {
        at += 2;
    }
    Start::At(at)
}

fn zip(bytes: &[u8]) -> Start {
    const HEADER: usize = 30;
    let Some(header) = bytes.first_chunk::<HEADER>() else {
        return if bytes.len() >= 4 && bytes[..4] != *b"PK\x03\x04" { Start::No } else { Start::More(HEADER) };
    };
    let encrypted = header[6] & 1 != 0;
    if header[..4] != *b"PK\x03\x04" || encrypted || header[8..10] != [8, 0] {
        return Start::No;
    }
    let length = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
    Start::At(HEADER + length(26) + length(28))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_found_wherever_they_lie() {
        for signature in [&[0x78, 0x9c][..], &[0x78, 0x01], &[0x1f, 0x8b], b"PK"] {
            for at in 0..200 {
                let mut bytes = vec![0x78u8; 202];
                bytes[at..at + 2].copy_from_slice(signature);
                assert_eq!(find(&bytes, 0), Some(at));
                assert_eq!(find(&bytes, at), Some(at));
                assert_eq!(find(&bytes, at + 1), None);
                assert_eq!(find(&bytes[..at + 1], 0), None);
            }
        }
        assert_eq!(find(&[], 0), None);
        assert_eq!(find(&[0x78], 3), None);
    }

    #[test]
    fn headers_lead_to_the_stream() {
        let plain = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
        assert_eq!(start(&plain), Start::At(10));
        assert_eq!(start(&plain[..9]), Start::More(10));
        let mut all = vec![0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3, 3, 0, 1, 2, 3];
        all.extend(b"name\0comment\0\x12\x34");
        assert_eq!(start(&all), Start::At(all.len()));
        assert!(matches!(start(&all[..17]), Start::More(_)));
        assert_eq!(start(&[0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 3]), Start::No);
        assert_eq!(start(&[0x1f, 0x8b, 8, 0x80, 0, 0, 0, 0, 0, 3]), Start::No);
        let mut endless = vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3];
        endless.resize(5000, b'n');
        assert_eq!(start(&endless), Start::No);

        let mut zip = vec![0; 40];
        zip[..10].copy_from_slice(b"PK\x03\x04\x14\0\x08\0\x08\0");
        (zip[26], zip[28]) = (5, 7);
        assert_eq!(start(&zip), Start::At(42));
        assert_eq!(start(&zip[..29]), Start::More(30));
        zip[8] = 0;
        assert_eq!(start(&zip), Start::No);
        assert_eq!(start(b"PK\x01\x02"), Start::No);
    }
}
