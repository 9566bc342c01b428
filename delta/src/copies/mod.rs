//! Copies: stretches of a window that are like stretches of its references. Two codecs encode windows by them.

pub(crate) mod anchors;
pub(crate) mod control;
pub(crate) mod matching;
pub(crate) mod numbers;

/// Bytes that an anchor compares.
pub(crate) const GRAM: usize = 16;

/// A stretch of the window that is like one of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Copy {
    /// Where in the window.
    pub(crate) at: usize,
    /// Where in the source.
    pub(crate) from: usize,
    pub(crate) len: usize,
}
