//! Parity of windows and nodes: what their records are repaired from, by the hash of what it is for.

use super::Index;
use super::engine::Batch;
use super::error::IndexError;
use super::family::Family;
use super::rows::Rows;
use super::wire::{Reader, push_position};
use deltastore_format::{DecodeError, Hash, Position};

/// Where the parity of a blob lies. It is for the record that the blob's own row names, and goes when that takes
/// another form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParityRow {
    pub position: Position,
    /// Bytes of the record, as counted for the segment's live bytes.
    pub record_len: u64,
}

impl ParityRow {
    fn decode(value: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("parity row", value);
        let row = ParityRow { position: reader.position()?, record_len: reader.u64()? };
        reader.finish()?;
        Ok(row)
    }
}

fn hash(key: &[u8]) -> Result<Hash, DecodeError> {
    let mut reader = Reader::new("parity key", key);
    let hash = reader.hash()?;
    reader.finish()?;
    Ok(hash)
}

impl Index {
    pub fn parity(&self, hash: &Hash) -> Result<Option<ParityRow>, IndexError> {
        self.read(Family::Parity, &hash.0, ParityRow::decode)
    }

    /// All of it in hash order, from `from` on.
    pub fn all_parity(&self, from: Hash) -> Rows<'_, (Hash, ParityRow)> {
        self.rows(Family::Parity, &from.0, None, |key, value| Ok((hash(key)?, ParityRow::decode(value)?)))
    }

    pub fn stage_parity(&self, batch: &mut Batch, hash: &Hash, row: &ParityRow) {
        let mut value = Vec::new();
        push_position(&mut value, row.position);
        value.extend_from_slice(&row.record_len.to_le_bytes());
        batch.put(Family::Parity, hash.0, value);
    }

    pub fn stage_remove_parity(&self, batch: &mut Batch, hash: &Hash) {
        batch.delete(Family::Parity, hash.0);
    }
}
