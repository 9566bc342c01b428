//! What every target checks: bytes are refused, or they are the one encoding of a value.
//!
//! Panics and hangs are libFuzzer's own to find. Its limit of one allocation does nothing without a sanitizer,
//! so the allocator refuses what a decoder has no reason to ask for, which ends the process.

use std::alloc::System;

use cap::Cap;
use deltastore_format::{DecodeError, crc32c};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Memory for each byte of input: the smallest operation, 13 bytes, is some 400 in memory, in a list that grows by
/// doubling.
const MEMORY_PER_BYTE: usize = 128;
/// Memory that needs no input.
const MEMORY: usize = 4096;

/// Runs `check` with no more memory than `bytes` justify.
pub fn bounded(bytes: &[u8], check: impl FnOnce()) {
    bounded_beside(0, bytes, check);
}

/// As [`bounded`], with `fixed` bytes more that tables take whatever the input.
pub fn bounded_beside(fixed: usize, bytes: &[u8], check: impl FnOnce()) {
    let limit = ALLOCATOR.allocated() + fixed + MEMORY + MEMORY_PER_BYTE * bytes.len();
    ALLOCATOR
        .set_limit(limit)
        .expect("the limit is over what is in use");
    check();
    ALLOCATOR
        .set_limit(usize::MAX)
        .expect("no limit is over what is in use");
}

/// A payload: what decodes is encoded to the same bytes again.
pub fn payload<T>(
    bytes: &[u8],
    decode: impl FnOnce(&[u8]) -> Result<T, DecodeError>,
    encode: impl FnOnce(&T, &mut Vec<u8>),
) {
    bounded(bytes, || {
        if let Ok(value) = decode(bytes) {
            let mut again = Vec::new();
            encode(&value, &mut again);
            assert_eq!(again, bytes);
        }
    });
}

/// A header of 64 bytes, as it is and with the checksum made right, which no mutation would hit.
pub fn header<T>(
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
    to_bytes: impl Fn(&T) -> [u8; 64],
) {
    let check = |bytes: &[u8]| {
        if let Ok(value) = decode(bytes) {
            assert_eq!(to_bytes(&value), bytes);
        }
    };
    bounded(bytes, || {
        check(bytes);
        if let Some((covered, _)) = bytes.split_at_checked(60) {
            check(&[covered, &crc32c(covered).to_le_bytes()].concat());
        }
    });
}
