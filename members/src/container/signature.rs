//! Where a compressed member may begin, by its container's first two bytes.
//!
//! A signature is a hint: decoding shows whether a stream follows. Each container has a line in [`begins`] and one in
//! [`start`].

use super::start::StreamStart;
use super::{gzip, zip, zlib};

/// How far ahead one step of the search looks.
const STRIDE: usize = 64;

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
    zlib::begins(first, second) | gzip::begins(first, second) | zip::begins(first, second)
}

/// Finds the stream behind the signature that `bytes` begins with.
pub(crate) fn start(bytes: &[u8]) -> StreamStart {
    match bytes.first() {
        Some(0x78) => zlib::start(),
        Some(0x1f) => gzip::start(bytes),
        Some(b'P') => zip::start(bytes),
        Some(_) => StreamStart::No,
        None => StreamStart::More(2),
    }
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
}
