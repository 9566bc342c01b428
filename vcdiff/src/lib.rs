//! VCDIFF (RFC 3284) through the xdelta3 library, behind a safe interface.
//!
//! The crate `xdelta3` is here for the C library it builds and links; its own functions are not used, because
//! `decode` caps its output at twice its input (10 MB of zeros encode to 35 bytes and never come back) and both
//! cast lengths to 32 bits unchecked.
//!
//! Must:
//! - lengths are checked before they become the library's 32-bit ones;
//! - every output buffer has the size the library is told, and only bytes it reports as written are kept;
//! - a delta with a feature [`encode`] never uses (secondary compression, code tables, application header) is
//!   refused before the library sees it.
//!
//! The deltas are read by the standard `xdelta3 -d -s SOURCE` too.

// Links the C library; nothing else of the crate is used.
extern crate xdelta3 as _;

use std::ffi::c_int;

/// Most bytes a source, target or delta may have: what the 32-bit library handles with room for its own sums.
pub const MAX_LEN: usize = 1 << 30;

/// Magic and version of RFC 3284, then a header indicator without any flag.
const HEADER: [u8; 5] = [0xd6, 0xc3, 0xc4, 0x00, 0x00];

/// Where the compression level lies in xdelta3's flags.
const LEVEL_SHIFT: u32 = 20;

// xdelta3.h: `usize_t` is `uint32_t`, `flags` and the result are `int`.
unsafe extern "C" {
    fn xd3_encode_memory(
        input: *const u8,
        input_size: u32,
        source: *const u8,
        source_size: u32,
        output: *mut u8,
        output_size: *mut u32,
        output_size_max: u32,
        flags: c_int,
    ) -> c_int;
    fn xd3_decode_memory(
        input: *const u8,
        input_size: u32,
        source: *const u8,
        source_size: u32,
        output: *mut u8,
        output_size: *mut u32,
        output_size_max: u32,
        flags: c_int,
    ) -> c_int;
}

/// Why a delta could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A length is over [`MAX_LEN`].
    #[error("{what} of {len} bytes is over the limit of {MAX_LEN}")]
    TooLong { what: &'static str, len: usize },
    /// It does not start with the header that [`encode`] writes.
    #[error("not a VCDIFF header without extensions")]
    Header,
    /// The library refused it, or it makes more bytes than the target has.
    #[error("xdelta3 refused the delta with code {code}")]
    Refused { code: i32 },
    /// It makes fewer bytes than the target has.
    #[error("delta makes {found} bytes, expected {expected}")]
    Length { expected: usize, found: usize },
}

/// Encodes `target` against `source` at `level` (1 fastest to 9 smallest; others are clamped), without checksum and
/// secondary compression. `None` when the delta would be longer than `max_output` bytes, `target` is empty, or a
/// length is over [`MAX_LEN`].
pub fn encode(target: &[u8], source: &[u8], level: u8, max_output: usize) -> Option<Vec<u8>> {
    if target.is_empty() {
        return None;
    }
    let flags = c_int::from(level.clamp(1, 9)) << LEVEL_SHIFT;
    // A delta is never kept when it is longer than its target by more than its framing.
    let cap = max_output.min(target.len().saturating_add(1024)).min(MAX_LEN);
    call(xd3_encode_memory, target, source, cap, flags).ok()
}

/// Decodes `delta` against `source` into exactly `target_len` bytes. Allocates `target_len` bytes for it, so the
/// caller bounds that first.
pub fn decode(delta: &[u8], source: &[u8], target_len: usize) -> Result<Vec<u8>, Error> {
    if !delta.starts_with(&HEADER) {
        return Err(Error::Header);
    }
    let target = call(xd3_decode_memory, delta, source, target_len, 0)?;
    if target.len() != target_len {
        return Err(Error::Length { expected: target_len, found: target.len() });
    }
    Ok(target)
}

/// Both library functions have this shape.
type Memory = unsafe extern "C" fn(*const u8, u32, *const u8, u32, *mut u8, *mut u32, u32, c_int) -> c_int;

fn call(function: Memory, input: &[u8], source: &[u8], cap: usize, flags: c_int) -> Result<Vec<u8>, Error> {
    let input_len = checked("input", input.len())?;
    let source_len = checked("source", source.len())?;
    let output_len = checked("output", cap)?;
    let mut output: Vec<u8> = Vec::with_capacity(cap);
    let mut written: u32 = 0;
    // Without a source the library wants a null pointer; it would divide by a block size of zero.
    let source = if source.is_empty() { std::ptr::null() } else { source.as_ptr() };
    // SAFETY: `input` and `source` are valid for their lengths, which fit in 32 bits, and are only read. `output` has a
    // capacity of at least `output_len`, and the library checks that cap before each copy into it.
    let code = unsafe {
        function(
            input.as_ptr(),
            input_len,
            source,
            source_len,
            output.as_mut_ptr(),
            &raw mut written,
            output_len,
            flags,
        )
    };
    if code != 0 || written > output_len {
        return Err(Error::Refused { code });
    }
    // SAFETY: `written` bytes were copied to the start of `output`, and they are within its capacity.
    unsafe { output.set_len(written as usize) };
    Ok(output)
}

fn checked(what: &'static str, len: usize) -> Result<u32, Error> {
    match u32::try_from(len) {
        Ok(short) if len <= MAX_LEN => Ok(short),
        _ => Err(Error::TooLong { what, len }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Deterministic bytes that do not compress.
    fn noise(seed: u64, len: usize) -> Vec<u8> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        (0..len)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32) as u8
            })
            .collect()
    }

    fn pair() -> (Vec<u8>, Vec<u8>) {
        let source = noise(1, 3000);
        let mut target = source[..1000].to_vec();
        target.extend_from_slice(b"inserted here");
        target.extend_from_slice(&source[1200..]);
        (source, target)
    }

    #[test]
    fn round_trips_at_every_level() {
        let (source, target) = pair();
        for level in [0, 1, 3, 6, 9, 200] {
            let delta = encode(&target, &source, level, 1 << 20).expect("encodes");
            assert!(delta.len() < 100, "level {level}: {} bytes", delta.len());
            assert_eq!(decode(&delta, &source, target.len()), Ok(target.clone()));
        }
    }

    #[test]
    fn expansion_beyond_twice_the_input_decodes() {
        let zeros = vec![0u8; 16 << 20];
        let delta = encode(&zeros, &noise(2, 100), 1, 1 << 20).expect("encodes");
        assert!(delta.len() < 1000);
        assert_eq!(decode(&delta, &noise(2, 100), zeros.len()), Ok(zeros));
    }

    #[test]
    fn odd_sizes_round_trip() {
        for (target_len, source_len) in [(1, 0), (1, 1), (5, 0), (3, 70_000), (70_000, 0), (70_000, 3), (9 << 20, 100)]
        {
            let (target, source) = (noise(3, target_len), noise(4, source_len));
            let delta = encode(&target, &source, 1, usize::MAX).expect("encodes");
            assert_eq!(decode(&delta, &source, target_len), Ok(target), "{target_len} {source_len}");
        }
    }

    #[test]
    fn nothing_over_the_cap_and_nothing_for_an_empty_target() {
        let (source, target) = pair();
        let len = encode(&target, &source, 1, 1 << 20).expect("encodes").len();
        assert!(encode(&target, &source, 1, len).is_some());
        assert_eq!(encode(&target, &source, 1, len - 1), None);
        assert_eq!(encode(&target, &source, 1, 0), None);
        assert_eq!(encode(&[], &source, 1, 1 << 20), None);
        assert_eq!(encode(&noise(1, 5000), &noise(2, 5000), 1, 4999), None);
    }

    #[test]
    fn wrong_target_lengths_are_errors() {
        let (source, target) = pair();
        let delta = encode(&target, &source, 1, 1 << 20).expect("encodes");
        assert!(matches!(decode(&delta, &source, target.len() - 1), Err(Error::Refused { .. })));
        let longer = target.len() + 1;
        assert_eq!(decode(&delta, &source, longer), Err(Error::Length { expected: longer, found: target.len() }));
        assert!(matches!(decode(&delta, &source, MAX_LEN + 1), Err(Error::TooLong { what: "output", .. })));
    }

    #[test]
    fn foreign_headers_never_reach_the_library() {
        let (source, target) = pair();
        let delta = encode(&target, &source, 1, 1 << 20).expect("encodes");
        for at in 0..HEADER.len() {
            let mut bad = delta.clone();
            bad[at] ^= 1;
            assert_eq!(decode(&bad, &source, target.len()), Err(Error::Header));
        }
        assert_eq!(decode(&[], &source, 0), Err(Error::Header));
    }

    #[test]
    fn damaged_and_cut_deltas_do_not_panic() {
        let (source, target) = pair();
        let delta = encode(&target, &source, 6, 1 << 20).expect("encodes");
        for len in 0..delta.len() {
            assert!(decode(&delta[..len], &source, target.len()).is_err(), "cut to {len}");
        }
        for at in 0..delta.len() {
            for bit in 0..8 {
                let mut bad = delta.clone();
                bad[at] ^= 1 << bit;
                if let Ok(bytes) = decode(&bad, &source, target.len()) {
                    assert_eq!(bytes.len(), target.len());
                }
            }
        }
        assert!(decode(&delta, &source[..500], target.len()).is_err());
        assert!(decode(&delta, &[], target.len()).is_err());
    }

    /// The golden delta was read back by the standard tool (`xdelta3 -d -s`, 3.0.11) when it was made.
    #[test]
    fn the_golden_delta_decodes_and_is_still_what_is_written() {
        let source: Vec<u8> = (0..400u32).flat_map(|n| format!("line {n} of the source\n").into_bytes()).collect();
        let target: Vec<u8> = (0..400u32)
            .filter(|n| n % 97 != 5)
            .flat_map(|n| format!("line {n} of the {}\n", if n % 131 == 7 { "target" } else { "source" }).into_bytes())
            .collect();
        let golden = include_bytes!("../golden/lines.vcdiff");
        assert_eq!(decode(golden, &source, target.len()), Ok(target.clone()));
        assert_eq!(encode(&target, &source, 6, 1 << 20).as_deref(), Some(golden.as_slice()));
    }
}
