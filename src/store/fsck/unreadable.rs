//! Which objects and parts cannot be read: for fsck, from the blobs that it found damaged.
//!
//! Memory: one name per damaged blob, and one object's recipe at a time. Without damage nothing is walked.

use std::collections::HashSet;

use deltastore_format::{Entry, EntryKind, Hash, Recipe};
use serde::Serialize;

use crate::store::recipe::restrict;
use crate::store::{Store, StoreError};

/// Blobs named with one object; more are only counted.
const NAMED: usize = 16;

/// An object, or a part of an upload in progress, that cannot be read whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    #[serde(flatten)]
    pub owner: Owner,
    pub size: u64,
    /// Of these, so many cannot be read.
    pub unreadable_bytes: u64,
    /// Where that is in the object, the first such stretches.
    pub stretches: Vec<Stretch>,
}

/// What the bytes belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Owner {
    Object { bucket: String, key: String, version: u64 },
    Part { bucket: String, key: String, upload: u64, part: u16 },
}

/// Bytes of an object that one damaged blob holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stretch {
    pub offset: u64,
    pub length: u64,
    /// SHA-256 of the window, or the name of the member or node.
    pub blob: String,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.owner {
            Owner::Object { bucket, key, version } => write!(f, "object {bucket}/{key} version {version}")?,
            Owner::Part { bucket, key, upload, part } => write!(f, "part {part} of upload {upload} of {bucket}/{key}")?,
        }
        write!(f, ": {} of {} bytes cannot be read", self.unreadable_bytes, self.size)
    }
}

impl Store {
    /// What of a recipe cannot be read, if something cannot; `damaged` are the blobs that cannot be decoded.
    pub(super) fn unreadable(
        &self,
        recipe: &Recipe,
        damaged: &HashSet<Hash>,
        owner: impl FnOnce() -> Owner,
    ) -> Result<Option<Unreadable>, StoreError> {
        let mut stretches = Vec::new();
        let (mut offset, mut lost) = (0, 0);
        let mut open: Vec<Entry> = recipe.entries.iter().rev().copied().collect();
        while let Some(entry) = open.pop() {
            let readable = !damaged.contains(&entry.hash) && self.index().blob(&entry.hash)?.is_some();
            if readable && entry.kind == EntryKind::Node {
                let node = self.blobs().node(&entry.hash)?;
                let children = restrict(&node.entries, entry.skip..entry.skip.saturating_add(entry.len));
                open.extend(children.into_iter().rev());
                continue;
            }
            if !readable {
                lost += entry.len;
                if stretches.len() < NAMED {
                    stretches.push(Stretch { offset, length: entry.len, blob: entry.hash.to_string() });
                }
            }
            offset += entry.len;
        }
        let unreadable = || Unreadable { owner: owner(), size: recipe.len(), unreadable_bytes: lost, stretches };
        Ok((lost > 0).then(unreadable))
    }
}
