//! Sketches: for each feature the windows that had it last.
//!
//! Entries are hints: one whose window is gone stays until newer ones push it out, and readers pass over it.

use super::Index;
use super::engine::Batch;
use super::error::IndexError;
use super::family::Family;
use super::wire::Reader;
use deltastore_format::{BucketId, DecodeError, Hash};

/// Most entries kept for a feature.
pub const MAX_SKETCH_ENTRIES: usize = 8;

/// A window that has a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SketchEntry {
    pub hash: Hash,
    /// Hash of the deltaspace it was written in.
    pub space: u64,
    pub bucket: BucketId,
    /// Reference hops to decode it.
    pub depth: u8,
    /// Plain bytes.
    pub raw_len: u32,
}

/// The features under which only optimized windows are found.
pub fn optimized(features: &[u64]) -> Vec<u64> {
    const SALT: u64 = 0x9e37_79b9_7f4a_7c15;
    features.iter().map(|feature| feature ^ SALT).collect()
}

fn encode(entries: &[SketchEntry]) -> Vec<u8> {
    let mut value = Vec::new();
    for entry in entries {
        value.extend_from_slice(&entry.hash.0);
        value.extend_from_slice(&entry.space.to_le_bytes());
        value.extend_from_slice(&entry.bucket.0.to_le_bytes());
        value.push(entry.depth);
        value.extend_from_slice(&entry.raw_len.to_le_bytes());
    }
    value
}

fn decode(key: &[u8], value: &[u8]) -> Result<Vec<SketchEntry>, IndexError> {
    let entries = || -> Result<Vec<SketchEntry>, DecodeError> {
        let mut reader = Reader::new("sketch row", value);
        let mut entries = Vec::with_capacity(MAX_SKETCH_ENTRIES);
        while !reader.is_empty() {
            entries.push(SketchEntry {
                hash: reader.hash()?,
                space: reader.u64()?,
                bucket: BucketId(reader.u64()?),
                depth: reader.u8()?,
                raw_len: reader.u32()?,
            });
        }
        Ok(entries)
    };
    entries().map_err(|source| IndexError::corrupt(Family::Sketches, key, source))
}

impl Index {
    /// The entries of each feature, newest first, in the order of `features`.
    pub fn sketches(&self, features: &[u64]) -> Result<Vec<Vec<SketchEntry>>, IndexError> {
        let keys: Vec<[u8; 8]> = features.iter().map(|feature| feature.to_be_bytes()).collect();
        let slices: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
        let values = self.engine.multi_get(Family::Sketches, &slices)?;
        values
            .iter()
            .zip(&keys)
            .map(|(value, key)| value.as_deref().map_or(Ok(Vec::new()), |value| decode(key, value)))
            .collect()
    }

    /// As [`Index::stage_sketch`]; an optimized window can be found among the optimized ones alone too, by its
    /// [`optimized`] features.
    pub fn stage_window_sketch(
        &self,
        batch: &mut Batch,
        features: &[u64],
        entry: SketchEntry,
        is_optimized: bool,
    ) -> Result<(), IndexError> {
        self.stage_sketch(batch, features, entry)?;
        if is_optimized { self.stage_sketch(batch, &optimized(features), entry) } else { Ok(()) }
    }

    /// Puts `entry` in front under each feature; what the batch already stages there counts. Only the one writer may
    /// call it: rows are read here and written with the batch.
    pub fn stage_sketch(&self, batch: &mut Batch, features: &[u64], entry: SketchEntry) -> Result<(), IndexError> {
        let stored = self.sketches(features)?;
        for (feature, stored) in features.iter().zip(stored) {
            let key = feature.to_be_bytes();
            match batch.staged_sketch(&key) {
                Some(staged) => *staged = encode(&in_front(entry, decode(&key, staged)?)),
                None => batch.put(Family::Sketches, key, encode(&in_front(entry, stored))),
            }
        }
        Ok(())
    }
}

fn in_front(entry: SketchEntry, mut entries: Vec<SketchEntry>) -> Vec<SketchEntry> {
    entries.retain(|other| other.hash != entry.hash);
    entries.insert(0, entry);
    entries.truncate(MAX_SKETCH_ENTRIES);
    entries
}
