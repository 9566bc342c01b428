//! Recipes: the ordered list that rebuilds an object.
//!
//! A short recipe lies in the commit record; a long one is a tree of node records,
//! each content-addressed, so that copies and multipart completes move no data.

use crate::ids::Hash;

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
    // 2 is reserved for re-created compressed members.
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
    /// 0 when all entries are windows, else one more than the highest child.
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
