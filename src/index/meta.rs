//! What the index says about itself.

use super::Index;
use super::engine::{Batch, Family};
use super::error::IndexError;
use super::wire::{Reader, push_position};
use deltastore_format::{Position, Sequence};

/// Version of the rows' layout that this build reads and writes. An older one is to be rebuilt.
pub const INDEX_VERSION: u32 = 2;

const VERSION: &[u8] = b"version";
const APPLIED: &[u8] = b"applied";
const NEXT_SEQUENCE: &[u8] = b"next-sequence";
const INCOMPLETE: &[u8] = b"incomplete";

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

    /// True when the index was made from a log with damage: what that hid is missing here, links too.
    pub fn incomplete(&self) -> Result<bool, IndexError> {
        Ok(self.read(Family::Meta, INCOMPLETE, |_| Ok(()))?.is_some())
    }

    pub fn stage_incomplete(&self, batch: &mut Batch, incomplete: bool) {
        if incomplete {
            batch.put(Family::Meta, INCOMPLETE, []);
        } else {
            batch.delete(Family::Meta, INCOMPLETE);
        }
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
