//! Windows and nodes by hash, and how often each is used.

use super::Index;
use super::engine::{Batch, Counter};
use super::error::IndexError;
use super::family::Family;
use super::rows::Rows;
use super::wire::{Reader, counter, push_position};
use deltastore_format::{Codec, DecodeError, Hash, PlacedKind, Position};

/// Where a window or node lies and what reading it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobRow {
    pub kind: PlacedKind,
    pub position: Position,
    /// Bytes of the record, as counted for the segment's live bytes.
    pub record_len: u64,
    /// Plain bytes of a window; 0 for a node.
    pub raw_len: u32,
    /// [`Codec::Raw`] for a node.
    pub codec: Codec,
    /// Reference hops to decode it.
    pub depth: u8,
    /// Written by the optimizer.
    pub optimized: bool,
    /// Windows it is encoded against.
    pub references: Vec<Hash>,
}

impl BlobRow {
    fn encode(&self) -> Vec<u8> {
        let mut value = vec![self.kind as u8, self.codec as u8, self.depth, u8::from(self.optimized)];
        value.extend_from_slice(&self.raw_len.to_le_bytes());
        push_position(&mut value, self.position);
        value.extend_from_slice(&self.record_len.to_le_bytes());
        for reference in &self.references {
            value.extend_from_slice(&reference.0);
        }
        value
    }

    fn decode(value: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("blob row", value);
        let kind = match reader.u8()? {
            kind if kind == PlacedKind::Window as u8 => PlacedKind::Window,
            kind if kind == PlacedKind::Node as u8 => PlacedKind::Node,
            other => return Err(reader.unknown(other)),
        };
        let codec = match reader.u8()? {
            codec if codec == Codec::Raw as u8 => Codec::Raw,
            codec if codec == Codec::Zstd as u8 => Codec::Zstd,
            codec if codec == Codec::ZstdReferences as u8 => Codec::ZstdReferences,
            codec if codec == Codec::Vcdiff as u8 => Codec::Vcdiff,
            codec if codec == Codec::Approximate as u8 => Codec::Approximate,
            codec if codec == Codec::Columns as u8 => Codec::Columns,
            codec if codec == Codec::ColumnsReferences as u8 => Codec::ColumnsReferences,
            codec if codec == Codec::Tokens as u8 => Codec::Tokens,
            other => return Err(reader.unknown(other)),
        };
        let depth = reader.u8()?;
        let optimized = match reader.u8()? {
            0 => false,
            1 => true,
            other => return Err(reader.unknown(other)),
        };
        let raw_len = reader.u32()?;
        let position = reader.position()?;
        let record_len = reader.u64()?;
        let mut references = Vec::new();
        while !reader.is_empty() {
            references.push(reader.hash()?);
        }
        Ok(BlobRow { kind, position, record_len, raw_len, codec, depth, optimized, references })
    }
}

fn hash(key: &[u8]) -> Result<Hash, DecodeError> {
    let mut reader = Reader::new("blob key", key);
    let hash = reader.hash()?;
    reader.finish()?;
    Ok(hash)
}

impl Index {
    pub fn blob(&self, hash: &Hash) -> Result<Option<BlobRow>, IndexError> {
        self.read(Family::Blobs, &hash.0, BlobRow::decode)
    }

    /// One answer a hash, in the order of `hashes`.
    pub fn blobs(&self, hashes: &[Hash]) -> Result<Vec<Option<BlobRow>>, IndexError> {
        self.read_many(Family::Blobs, hashes, BlobRow::decode)
    }

    /// All windows and nodes in hash order, from `from` on.
    pub fn all_blobs(&self, from: Hash) -> Rows<'_, (Hash, BlobRow)> {
        self.rows(Family::Blobs, &from.0, None, |key, value| Ok((hash(key)?, BlobRow::decode(value)?)))
    }

    pub fn stage_blob(&self, batch: &mut Batch, hash: &Hash, row: &BlobRow) {
        batch.put(Family::Blobs, hash.0, row.encode());
    }

    pub fn stage_remove_blob(&self, batch: &mut Batch, hash: &Hash) {
        batch.delete(Family::Blobs, hash.0);
    }

    /// How often it is used; 0 when it was never counted.
    pub fn links(&self, hash: &Hash) -> Result<i64, IndexError> {
        Ok(self.read(Family::Links, &hash.0, counter)?.unwrap_or(0))
    }

    /// One count a hash, in the order of `hashes`.
    pub fn links_of(&self, hashes: &[Hash]) -> Result<Vec<i64>, IndexError> {
        let found = self.read_many(Family::Links, hashes, counter)?;
        Ok(found.into_iter().map(|count| count.unwrap_or(0)).collect())
    }

    /// All counts in hash order, zeros too, from `from` on.
    pub fn all_links(&self, from: Hash) -> Rows<'_, (Hash, i64)> {
        self.rows(Family::Links, &from.0, None, |key, value| Ok((hash(key)?, counter(value)?)))
    }

    pub fn stage_links(&self, batch: &mut Batch, hash: &Hash, delta: i64) {
        batch.merge_add(Counter::Links, hash.0, delta);
    }

    /// Forgets the count of a window or node that is gone.
    pub fn stage_remove_links(&self, batch: &mut Batch, hash: &Hash) {
        batch.delete(Family::Links, hash.0);
    }

    fn read_many<R>(
        &self,
        family: Family,
        hashes: &[Hash],
        decode: fn(&[u8]) -> Result<R, DecodeError>,
    ) -> Result<Vec<Option<R>>, IndexError> {
        let keys: Vec<&[u8]> = hashes.iter().map(|hash| &hash.0[..]).collect();
        let values = self.engine.multi_get(family, &keys)?;
        let rows = values.into_iter().zip(&keys).map(|(value, key)| {
            value.map(|value| decode(&value).map_err(|source| IndexError::corrupt(family, key, source))).transpose()
        });
        rows.collect()
    }
}
