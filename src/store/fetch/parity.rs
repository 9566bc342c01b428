//! What a damaged record must have held, by its parity.

use bytes::Bytes;
use deltastore_format::{Hash, Parity, Position, RecordKind};
use deltastore_segment::Readers;

use crate::index::{Index, ParityRow};
use crate::store::error::StoreError;

/// The parity that lies there.
pub fn read_parity(readers: &Readers, hash: &Hash, row: &ParityRow) -> Result<Parity, StoreError> {
    let record = readers.get(row.position.segment)?.read(row.position.offset)?;
    if record.header.kind != RecordKind::Parity {
        return Err(StoreError::damaged(row.position, "parity", format!("{:?}", record.header.kind)));
    }
    let parity = Parity::decode(&record.payload)
        .map_err(|error| StoreError::undecodable(row.position, "parity record", &error))?;
    if parity.hash != *hash {
        return Err(StoreError::damaged(row.position, format!("parity of {hash}"), parity.hash));
    }
    Ok(parity)
}

/// The payload that belongs to a blob whose record lies, damaged or not at all, at `position`; none without parity that
/// suffices.
///
/// # Errors
/// A read that failed, without which it cannot be told.
pub fn repaired(
    index: &Index,
    readers: &Readers,
    hash: &Hash,
    position: Position,
) -> Result<Option<Bytes>, StoreError> {
    let Some(row) = index.parity(hash)? else { return Ok(None) };
    match read_parity(readers, hash, &row) {
        Ok(parity) => from_parity(readers, &parity, position),
        Err(error) if error.is_damage() => Ok(None),
        Err(error) => Err(error),
    }
}

/// As [`repaired`], from parity that was read.
///
/// # Errors
/// As [`repaired`].
pub fn from_parity(readers: &Readers, parity: &Parity, position: Position) -> Result<Option<Bytes>, StoreError> {
    let (found, failed) = if parity.is_copy() {
        (Vec::new(), None)
    } else {
        match readers.get(position.segment) {
            Ok(segment) => segment.salvage_payload(position.offset, parity.payload_len as usize),
            // Compaction may have removed the segment that the parity was made for.
            Err(error) if error.is_damage() || error.is_missing() => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    };
    match (parity.repair(&found), failed) {
        (Some(payload), _) => Ok(Some(payload.into())),
        (None, Some(error)) => Err(error.into()),
        (None, None) => Ok(None),
    }
}
