//! Recipes: the ordered list that rebuilds an object.
//!
//! A short recipe lies in the commit record; a long one is a tree of node records,
//! each content-addressed, so that copies and multipart completes move no data.

use crate::error::DecodeError;
use crate::ids::Hash;
use crate::wire::{Reader, Wire, Writer, public_codec};

/// Most entries of a recipe inside a commit; longer ones go through nodes.
pub const MAX_INLINE_ENTRIES: usize = 16;
/// Most entries of one node.
pub const MAX_NODE_ENTRIES: usize = 1024;
/// Deepest tree of nodes.
pub const MAX_NODE_LEVEL: u8 = 4;

/// What an entry's hash names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum EntryKind {
    /// A window's plain bytes.
    Window = 0,
    /// The bytes that another node's entries make.
    Node = 1,
    /// The bytes that a member re-creates.
    Member = 2,
}

/// A slice `skip .. skip + len` of what `hash` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    pub kind: EntryKind,
    pub hash: Hash,
    /// Bytes left out at the front.
    pub skip: u64,
    /// Bytes this entry yields.
    pub len: u64,
}

/// The recipe of an object or part. Its length is the sum of its entries'.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Recipe {
    pub entries: Vec<Entry>,
}

/// A node record's payload. Its identity is the SHA-256 of the encoded payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// 0 when no entry is a node, else one more than the highest child.
    pub level: u8,
    pub entries: Vec<Entry>,
}

impl Recipe {
    /// Bytes the recipe yields; saturates, so that a hostile recipe cannot wrap it.
    pub fn len(&self) -> u64 {
        self.entries.iter().fold(0u64, |sum, entry| sum.saturating_add(entry.len))
    }

    /// True when it yields no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

const NODE_VERSION: u8 = 1;
const ENTRY_LEN: usize = 49;

impl Wire for Entry {
    const NAME: &'static str = "recipe entry";

    fn write(&self, out: &mut Writer<'_>) {
        out.u8(self.kind as u8);
        out.bytes(&self.hash.0);
        out.u64(self.skip);
        out.u64(self.len);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = match input.u8(Self::NAME)? {
            0 => EntryKind::Window,
            1 => EntryKind::Node,
            2 => EntryKind::Member,
            value => {
                return Err(DecodeError::Unknown { what: "recipe entry kind", value: value.into() });
            }
        };
        let hash = Hash(input.array(Self::NAME)?);
        let (skip, len) = (input.u64(Self::NAME)?, input.u64(Self::NAME)?);
        if len == 0 {
            return Err(DecodeError::Empty { what: "recipe entry length" });
        }
        if skip.checked_add(len).is_none() {
            return Err(DecodeError::Inconsistent { what: "recipe entry length", with: "its skip" });
        }
        Ok(Entry { kind, hash, skip, len })
    }
}

impl Wire for Recipe {
    const NAME: &'static str = "recipe";

    fn write(&self, out: &mut Writer<'_>) {
        out.list(&self.entries, |out, entry| entry.write(out));
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Recipe { entries: input.list("recipe entries", MAX_INLINE_ENTRIES, ENTRY_LEN, Entry::read)? })
    }
}

impl Wire for Node {
    const NAME: &'static str = "node";

    fn write(&self, out: &mut Writer<'_>) {
        out.u8(NODE_VERSION);
        out.u8(self.level);
        out.u16(0);
        out.list(&self.entries, |out, entry| entry.write(out));
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.version(Self::NAME, NODE_VERSION)?;
        let level = input.u8(Self::NAME)?;
        if level > MAX_NODE_LEVEL {
            let (value, limit) = (level.into(), MAX_NODE_LEVEL.into());
            return Err(DecodeError::Limit { what: "node level", value, limit });
        }
        input.zeros(Self::NAME, 2)?;
        let entries = input.list("node entries", MAX_NODE_ENTRIES, ENTRY_LEN, Entry::read)?;
        if entries.is_empty() {
            return Err(DecodeError::Empty { what: "node entries" });
        }
        if (level == 0) == entries.iter().any(|entry| entry.kind == EntryKind::Node) {
            return Err(DecodeError::Inconsistent { what: "node level", with: "the kinds of its entries" });
        }
        Ok(Node { level, entries })
    }
}

public_codec!(Recipe, Node);
