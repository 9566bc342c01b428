//! What the three fixed headers share: 64 bytes that open with a magic and end with their CRC-32C.

use crate::error::DecodeError;
use crate::wire::{Reader, Writer};

pub(crate) const HEADER_LEN: usize = 64;
const CRC_AT: usize = HEADER_LEN - 4;

/// CRC-32C (Castagnoli) of `bytes`.
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// Whether `bytes` have the CRC-32C that was kept with them.
pub(crate) fn check_crc(what: &'static str, expected: u32, bytes: &[u8]) -> Result<(), DecodeError> {
    let found = crc32c(bytes);
    if found == expected { Ok(()) } else { Err(DecodeError::Checksum { what, expected, found }) }
}

/// A header with `magic` in front, the fields that `fields` writes, zeros, and the CRC.
pub(crate) fn seal(magic: [u8; 4], fields: impl FnOnce(&mut Writer<'_>)) -> [u8; HEADER_LEN] {
    let mut bytes = Vec::with_capacity(HEADER_LEN);
    let mut out = Writer::new(&mut bytes);
    out.bytes(&magic);
    fields(&mut out);
    bytes.resize(CRC_AT, 0);
    let crc = crc32c(&bytes);
    let mut header = [0; HEADER_LEN];
    header[..CRC_AT].copy_from_slice(&bytes);
    header[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
    header
}

/// Checks length, magic and CRC, hands the fields to `fields`, and wants zeros after them.
pub(crate) fn open<T>(
    what: &'static str,
    magic: [u8; 4],
    bytes: &[u8],
    fields: impl FnOnce(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let mut input = Reader::new(bytes);
    let covered = input.take(what, CRC_AT)?;
    let crc = input.u32(what)?;
    input.finish(what)?;
    let mut input = Reader::new(covered);
    input.magic(what, magic)?;
    check_crc(what, crc, covered)?;
    let value = fields(&mut input)?;
    let reserved = input.left();
    input.zeros(what, reserved)?;
    Ok(value)
}

/// The encryption key id: no key is known, so only 0 is.
pub(crate) fn read_key_id(input: &mut Reader<'_>) -> Result<u32, DecodeError> {
    const WHAT: &str = "encryption key id";
    match input.u32(WHAT)? {
        0 => Ok(0),
        value => Err(DecodeError::Unknown { what: WHAT, value: value.into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::crc32c;

    #[test]
    fn crc32c_gives_the_known_check_value() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(b""), 0);
        // 32 zero bytes and 32 ones: the vectors of RFC 3720 B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }
}
