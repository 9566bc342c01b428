//! What the index says about itself.

use super::Index;
use super::engine::Batch;
use super::error::IndexError;
use super::family::Family;
use super::wire::{Reader, push_position};
use deltastore_format::{DecodeError, Position, SegmentId, Sequence};
use std::collections::BTreeMap;

/// Version of the rows' layout that this build reads and writes. The one before is brought up when it is opened; an
/// older one is to be rebuilt.
pub const INDEX_VERSION: u32 = 3;

const VERSION: &[u8] = b"version";
const APPLIED: &[u8] = b"applied";
const NEXT_SEQUENCE: &[u8] = b"next-sequence";
const DRIFTED: &[u8] = b"live-bytes-drifted";
const INCOMPLETE: &[u8] = b"incomplete";

/// What of the log the index does not know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Records were damaged when it was made.
    pub damage: bool,
    /// Segments that were lost, and of which it has not seen everything; true where it has seen a part that is lost.
    pub unseen: BTreeMap<SegmentId, bool>,
}

impl Hidden {
    /// True when something is.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }

    fn encode(&self) -> Vec<u8> {
        let mut value = vec![u8::from(self.damage)];
        for (id, partly) in &self.unseen {
            value.extend(id.0.to_le_bytes());
            value.push(u8::from(*partly));
        }
        value
    }

    fn decode(value: &[u8]) -> Result<Self, DecodeError> {
        // Older builds noted damage alone.
        let Some((damage, ids)) = value.split_first() else {
            return Ok(Hidden { damage: true, unseen: BTreeMap::new() });
        };
        let mut reader = Reader::new("hidden segments", ids);
        let mut unseen = BTreeMap::new();
        for _ in 0..ids.len() / 9 {
            unseen.insert(SegmentId(reader.u64()?), reader.u8()? != 0);
        }
        reader.finish()?;
        Ok(Hidden { damage: *damage != 0, unseen })
    }
}

impl Index {
    /// The log is applied up to here; none when nothing was ever applied.
    pub fn applied(&self) -> Result<Option<Position>, IndexError> {
        self.read(Family::Meta, APPLIED, |value| {
            let mut reader = Reader::new("applied", value);
            let position = reader.position()?;
            reader.finish()?;
            Ok(position)
        })
    }

    pub fn stage_applied(&self, batch: &mut Batch, upto: Position) {
        let mut value = Vec::new();
        push_position(&mut value, upto);
        batch.put(Family::Meta, APPLIED, value);
    }

    /// The lowest sequence never given out; 1 at first.
    pub fn next_sequence(&self) -> Result<Sequence, IndexError> {
        let found = self.read(Family::Meta, NEXT_SEQUENCE, |value| {
            let mut reader = Reader::new("next sequence", value);
            let next = reader.u64()?;
            reader.finish()?;
            Ok(Sequence(next))
        })?;
        Ok(found.unwrap_or(Sequence(1)))
    }

    pub fn stage_next_sequence(&self, batch: &mut Batch, next: Sequence) {
        batch.put(Family::Meta, NEXT_SEQUENCE, next.0.to_le_bytes());
    }

    /// What of the log was hidden from the index: links of it are missing here.
    pub fn hidden(&self) -> Result<Hidden, IndexError> {
        Ok(self.read(Family::Meta, INCOMPLETE, Hidden::decode)?.unwrap_or_default())
    }

    pub fn stage_hidden(&self, batch: &mut Batch, hidden: &Hidden) {
        if *hidden == Hidden::default() {
            batch.delete(Family::Meta, INCOMPLETE);
        } else {
            batch.put(Family::Meta, INCOMPLETE, hidden.encode());
        }
    }

    /// True when an older build has counted live bytes that nothing gives back. A rebuild counts anew.
    pub fn has_drifted(&self) -> Result<bool, IndexError> {
        Ok(self.engine.get(Family::Meta, DRIFTED)?.is_some())
    }

    pub(super) fn stage_drifted(&self, batch: &mut Batch) {
        batch.put(Family::Meta, DRIFTED, []);
    }

    /// Empties every table, as a rebuild begins. Until the next applied position, the index counts as missing.
    pub fn clear(&self) -> Result<(), IndexError> {
        let mut batch = Batch::new();
        for family in Family::ALL {
            // Longer than any key.
            batch.delete_range(family, [], vec![0xff; 8 << 10]);
        }
        batch.put(Family::Meta, VERSION, INDEX_VERSION.to_le_bytes());
        self.write(batch)
    }

    pub(super) fn check_version(&self) -> Result<(), IndexError> {
        let found = self.read(Family::Meta, VERSION, |value| {
            let mut reader = Reader::new("index version", value);
            let version = reader.u32()?;
            reader.finish()?;
            Ok(version)
        })?;
        match found {
            Some(INDEX_VERSION) => Ok(()),
            Some(found) if found > INDEX_VERSION => Err(IndexError::VersionNewer { found, known: INDEX_VERSION }),
            Some(2) => {
                let mut batch = Batch::new();
                self.stage_upgrade(&mut batch)?;
                batch.put(Family::Meta, VERSION, INDEX_VERSION.to_le_bytes());
                self.write(batch)
            }
            Some(found) => Err(damaged(format!("version {found} is not known"))),
            None if self.is_empty()? => {
                let mut batch = Batch::new();
                batch.put(Family::Meta, VERSION, INDEX_VERSION.to_le_bytes());
                self.write(batch)
            }
            None => Err(damaged("rows without a version".to_owned())),
        }
    }

    fn is_empty(&self) -> Result<bool, IndexError> {
        for family in Family::ALL {
            if self.engine.scan(family, &[], None).next().transpose()?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn damaged(message: String) -> IndexError {
    IndexError::Damaged { action: "check version", message }
}
