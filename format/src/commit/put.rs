//! What puts of several kinds share.

use crate::error::DecodeError;
use crate::wire::Reader;

/// Longest object key, in bytes.
pub const MAX_KEY_LEN: usize = 1024;
/// Longest ETag, in bytes.
pub const MAX_ETAG_LEN: usize = 64;

/// The version byte that every put opens with.
pub(super) const PUT_VERSION: u8 = 1;

/// What an object's bytes became when they were stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum StorageType {
    /// No window has references: others may be encoded against it.
    Reference = 0,
    /// At least one window is encoded against references.
    Delta = 1,
    /// Every window is raw.
    Passthrough = 2,
}

pub(super) fn read_key(input: &mut Reader<'_>) -> Result<String, DecodeError> {
    read_name(input, "key", MAX_KEY_LEN)
}

pub(super) fn read_name(input: &mut Reader<'_>, what: &'static str, limit: usize) -> Result<String, DecodeError> {
    let name = input.string(what, limit)?;
    if name.is_empty() { Err(DecodeError::Empty { what }) } else { Ok(name) }
}

pub(super) fn read_storage_type(input: &mut Reader<'_>) -> Result<StorageType, DecodeError> {
    const WHAT: &str = "storage type";
    match input.u8(WHAT)? {
        0 => Ok(StorageType::Reference),
        1 => Ok(StorageType::Delta),
        2 => Ok(StorageType::Passthrough),
        value => Err(DecodeError::Unknown { what: WHAT, value: value.into() }),
    }
}
