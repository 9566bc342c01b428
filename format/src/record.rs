//! Record framing: the header in front of every payload in a segment.

use crate::error::DecodeError;
use crate::flip;
use crate::header::{self, crc32c};
use crate::ids::{Epoch, Position, RECORD_ALIGN};
use crate::wire::{Wire, check_version, within};

/// Bytes of an encoded [`RecordHeader`].
pub const RECORD_HEADER_LEN: usize = 64;
/// Largest payload of one record, in bytes.
pub const MAX_PAYLOAD_LEN: u32 = 64 << 20;

/// What a record's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RecordKind {
    Window = 1,
    Node = 2,
    Commit = 3,
    Footer = 4,
    Parity = 5,
}

/// Frame of one record. It locates itself (`position`, `salt`), so that bytes a client uploaded can never pass for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    pub kind: RecordKind,
    /// Bytes of payload after the header, before padding.
    pub payload_len: u32,
    /// CRC-32C of the payload.
    pub payload_crc: u32,
    /// Of a commit: CRC-64/NVME of the payload, by which a repaired one is known to be right. Otherwise 0.
    pub payload_check: u64,
    pub position: Position,
    /// The segment header's random salt.
    pub salt: u64,
    pub epoch: Epoch,
    /// Reserved for encryption: 0 means the payload is plain.
    pub key_id: u32,
}

const MAGIC: [u8; 4] = *b"DLTR";
const NAME: &str = "record header";
const PAYLOAD: &str = "record payload";
const RECORD_VERSION: u8 = 1;

/// Bytes a record takes in its segment: header, payload and padding.
pub fn record_len(payload_len: u32) -> u64 {
    (RECORD_HEADER_LEN as u64 + u64::from(payload_len)).next_multiple_of(RECORD_ALIGN)
}

impl RecordKind {
    fn from_byte(byte: u8) -> Result<Self, DecodeError> {
        match byte {
            1 => Ok(RecordKind::Window),
            2 => Ok(RecordKind::Node),
            3 => Ok(RecordKind::Commit),
            4 => Ok(RecordKind::Footer),
            5 => Ok(RecordKind::Parity),
            value => Err(DecodeError::Unknown { what: "record kind", value: value.into() }),
        }
    }
}

impl RecordHeader {
    /// The header for `payload`, at most [`MAX_PAYLOAD_LEN`] bytes, at `position` of a segment with this `salt`.
    /// A longer payload yields a header that `decode` refuses.
    pub fn for_payload(kind: RecordKind, payload: &[u8], position: Position, salt: u64, epoch: Epoch) -> Self {
        RecordHeader {
            kind,
            payload_len: u32::try_from(payload.len()).unwrap_or(u32::MAX),
            payload_crc: crc32c(payload),
            payload_check: if kind == RecordKind::Commit { crc_fast::crc64_nvme(payload) } else { 0 },
            position,
            salt,
            epoch,
            key_id: 0,
        }
    }

    /// The bytes in front of the payload.
    pub fn to_bytes(&self) -> [u8; RECORD_HEADER_LEN] {
        header::seal(MAGIC, |out| {
            out.u8(RECORD_VERSION);
            out.u8(self.kind as u8);
            out.u16(0);
            out.u32(self.payload_len);
            out.u32(self.key_id);
            self.position.write(out);
            out.u64(self.salt);
            out.u32(self.epoch.0);
            out.u32(self.payload_crc);
            out.u64(self.payload_check);
        })
    }

    /// Decodes exactly [`RECORD_HEADER_LEN`] bytes. The caller compares `position` and `salt` with where it read them.
    ///
    /// # Errors
    /// [`DecodeError::Magic`] and [`DecodeError::Checksum`] where no whole header stands; else what it holds that this
    /// build does not know.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        header::open(NAME, MAGIC, bytes, |input| {
            check_version(NAME, input.u8(NAME)?.into(), RECORD_VERSION.into())?;
            let kind = RecordKind::from_byte(input.u8(NAME)?)?;
            input.zeros("record flags", 2)?;
            let payload_len = input.u32(NAME)?;
            within(PAYLOAD, payload_len.into(), MAX_PAYLOAD_LEN.into())?;
            let key_id = header::read_key_id(input)?;
            let position = Position::read(input)?;
            let salt = input.u64(NAME)?;
            let epoch = Epoch(input.u32(NAME)?);
            let payload_crc = input.u32(NAME)?;
            let payload_check = if kind == RecordKind::Commit { input.u64(NAME)? } else { 0 };
            Ok(RecordHeader { kind, payload_len, payload_crc, payload_check, position, salt, epoch, key_id })
        })
    }

    /// As [`RecordHeader::decode`], of a header in which exactly one bit is wrong; none where that is not the damage.
    pub fn decode_flipped(bytes: &[u8]) -> Option<Self> {
        let mut whole: [u8; RECORD_HEADER_LEN] = bytes.try_into().ok()?;
        let (covered, crc) = whole.split_at_mut(RECORD_HEADER_LEN - 4);
        let stored = u32::from_le_bytes(crc.try_into().ok()?);
        // Where the CRC itself is wrong by one bit, it alone is.
        if (crc32c(covered) ^ stored).count_ones() == 1 {
            let right = crc32c(covered).to_le_bytes();
            crc.copy_from_slice(&right);
        } else {
            flip::put_right(covered, stored).then_some(())?;
        }
        Self::decode(&whole).ok()
    }

    /// Puts the one bit right that is wrong in a payload with a `payload_check`; false, and the payload means nothing,
    /// where that is not the damage.
    pub fn repair_payload(&self, payload: &mut [u8]) -> bool {
        self.payload_check != 0
            && payload.len() == self.payload_len as usize
            && flip::put_right(payload, self.payload_crc)
            && crc_fast::crc64_nvme(payload) == self.payload_check
    }

    /// Whether `payload` is what the header was made for.
    ///
    /// # Errors
    /// `Truncated` or `Trailing` if its length differs, `Checksum` if its bytes do.
    pub fn check_payload(&self, payload: &[u8]) -> Result<(), DecodeError> {
        let (needed, left) = (u64::from(self.payload_len), payload.len() as u64);
        if left < needed {
            return Err(DecodeError::Truncated { what: PAYLOAD, needed, left });
        }
        if left > needed {
            return Err(DecodeError::Trailing { what: PAYLOAD, left: left - needed });
        }
        header::check_crc(PAYLOAD, self.payload_crc, payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SegmentId;

    fn commit(payload: &[u8]) -> RecordHeader {
        let position = Position { segment: SegmentId(3), offset: 4096 };
        RecordHeader::for_payload(RecordKind::Commit, payload, position, 0x1234_5678_9abc_def0, Epoch(1))
    }

    #[test]
    fn any_one_bit_of_a_header_is_put_right() {
        let header = commit(b"what was put");
        assert!(RecordHeader::decode_flipped(&header.to_bytes()).is_none(), "nothing is wrong");
        for bit in 0..RECORD_HEADER_LEN * 8 {
            let mut bytes = header.to_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(RecordHeader::decode(&bytes).is_err());
            assert_eq!(RecordHeader::decode_flipped(&bytes), Some(header.clone()), "bit {bit}");
            bytes[(bit / 8 + 7) % RECORD_HEADER_LEN] ^= 1 << (bit % 5);
            assert_eq!(RecordHeader::decode_flipped(&bytes), None, "two bits, the first {bit}");
        }
    }

    #[test]
    fn one_bit_of_a_payload_is_put_right_and_nothing_else_is() {
        for len in [1, 2, 7, 400, 5000] {
            let payload: Vec<u8> = (0..len).map(|number: usize| (number * 31 % 251) as u8).collect();
            let header = commit(&payload);
            for bit in (0..len * 8).step_by(if len > 400 { 37 } else { 1 }) {
                let mut found = payload.clone();
                found[bit / 8] ^= 1 << (bit % 8);
                assert!(header.repair_payload(&mut found) && found == payload, "bit {bit} of {len} bytes");
                found[bit / 8] ^= 1 << (bit % 8);
                let other = (bit + len * 4 + 1) % (len * 8);
                found[other / 8] ^= 1 << (other % 8);
                assert!(!header.repair_payload(&mut found), "two bits, one of them {bit} of {len} bytes");
            }
            // Without the second check nothing is taken for repaired.
            let mut found = payload.clone();
            found[0] ^= 1;
            assert!(!RecordHeader { payload_check: 0, ..header.clone() }.repair_payload(&mut found));
            assert!(!header.repair_payload(&mut payload[1..].to_vec()));
        }
    }
}
