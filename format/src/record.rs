//! Record framing: the header in front of every payload in a segment.

use crate::ids::{Epoch, Position};

/// Bytes of an encoded [`RecordHeader`].
pub const RECORD_HEADER_LEN: usize = 64;
/// Records start at multiples of this; the gap after a payload is zero bytes.
pub const RECORD_ALIGN: u64 = 8;
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
}

/// Frame of one record. It locates itself (`position`, `salt`), so that bytes a client uploaded can never pass for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    pub kind: RecordKind,
    /// Bytes of payload after the header, before padding.
    pub payload_len: u32,
    /// CRC-32C of the payload.
    pub payload_crc: u32,
    pub position: Position,
    /// The segment header's random salt.
    pub salt: u64,
    pub epoch: Epoch,
    /// Reserved for encryption: 0 means the payload is plain.
    pub key_id: u32,
}
