//! One flipped bit: the CRC-32C that was kept tells which one it is.
//!
//! The CRCs of bytes with and without a flip differ by a value that depends on nothing but the distance of the bit from
//! the end. All these values differ up to 256 MiB, and none is that of two flips: what is found is the bit, if one is
//! wrong. Other damage may look the same by chance, by one in 2³² for each bit, so what is put right needs another
//! check.

use crate::header::crc32c;

/// CRC-32C's polynomial, lowest power in the highest bit.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// Puts the bit right by which `bytes` differ from those that have this CRC-32C; false, and nothing is changed, where
/// there is no such bit or nothing is wrong.
pub fn put_right(bytes: &mut [u8], crc: u32) -> bool {
    let wanted = crc32c(bytes) ^ crc;
    // That of the last bit, then of each before it.
    let mut difference = POLYNOMIAL;
    for byte in bytes.iter_mut().rev() {
        for bit in (0..8).rev() {
            if difference == wanted {
                *byte ^= 1 << bit;
                return true;
            }
            difference = (difference >> 1) ^ if difference & 1 == 1 { POLYNOMIAL } else { 0 };
        }
    }
    false
}
