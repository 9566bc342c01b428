//! How a window is to be encoded, and against what.

use std::collections::BTreeMap;

use deltastore_delta::Effort;
use deltastore_format::Hash;

use super::sketches::ObjectSketches;

/// How windows are to be encoded.
#[derive(Clone, Copy)]
pub struct EncodeOptions<'a> {
    pub effort: Effort,
    /// Windows of the same object, which no index knows yet; none where there is only one.
    pub own: Option<&'a ObjectSketches>,
    /// For the optimizer: windows are optimized, and only optimized ones are their references.
    pub optimized: bool,
    /// For another form of a window that is optimized already.
    pub rebase: Option<&'a Rebase<'a>>,
}

/// What another form of an optimized window must not lead to.
pub struct Rebase<'a> {
    /// As deep as it is already, or windows that are encoded against it would be deeper than they say.
    pub max_depth: u8,
    /// Windows that it may not be encoded against, directly or not. It is encoded against one of them now, and so is
    /// what is encoded against it, directly or not: it never comes to be encoded against itself.
    pub barred: &'a BTreeMap<Hash, u64>,
}

impl EncodeOptions<'_> {
    pub(super) fn has_own(&self, hash: &Hash) -> bool {
        self.own.is_some_and(|own| own.has(hash))
    }

    pub(super) fn bars(&self, hash: &Hash) -> bool {
        self.rebase.is_some_and(|rebase| rebase.barred.contains_key(hash))
    }

    /// What the encoder may do.
    pub(super) fn limits(&self) -> Effort {
        let max_depth = self.rebase.map_or(u8::MAX, |rebase| rebase.max_depth).min(self.effort.max_depth);
        Effort { max_depth, ..self.effort }
    }
}
