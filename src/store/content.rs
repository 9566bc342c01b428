//! Content: bytes that are stored and pinned but belong to no object yet.

use std::sync::Arc;

use deltastore_format::{Placement, Recipe, commit::StorageType};

use super::blob::{AppendedBlob, Blob, CodecTally};
use super::pins::Pin;

/// What an upload or a concatenation made. Dropped without a commit, its windows are garbage.
#[derive(Default)]
pub struct Content {
    pub(super) recipe: Recipe,
    pub(super) pins: Vec<Pin>,
    /// Appended, placed by the commit.
    pub(super) placings: Vec<Arc<AppendedBlob>>,
    /// Appended together with the commit.
    pub(super) unwritten: Vec<Blob>,
    pub(super) tally: CodecTally,
    pub(super) stored_bytes: u64,
}

impl Content {
    /// How to rebuild the bytes.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Length in bytes.
    pub fn size(&self) -> u64 {
        self.recipe.len()
    }

    /// How the windows it uses are stored.
    pub fn storage_type(&self) -> StorageType {
        match self.tally {
            CodecTally { with_references: 1.., .. } => StorageType::Delta,
            CodecTally { compressed: 0, raw: 1.., .. } => StorageType::Passthrough,
            _ => StorageType::Reference,
        }
    }

    /// Record bytes it added to the segments.
    pub fn stored_bytes(&self) -> u64 {
        self.stored_bytes
    }

    pub(super) fn adds_data(&self) -> bool {
        self.stored_bytes > 0
    }

    pub(super) fn take_placings(&mut self) -> Vec<Arc<AppendedBlob>> {
        std::mem::take(&mut self.placings)
    }

    pub(super) fn take_unwritten(&mut self) -> Vec<Blob> {
        std::mem::take(&mut self.unwritten)
    }
}

impl AppendedBlob {
    /// As the commit record lists it.
    pub fn placed(&self) -> Placement {
        Placement { kind: self.row.kind, hash: self.hash, position: self.row.position }
    }
}
