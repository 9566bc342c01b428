//! Byte ranges of a GET.

/// A `Range` header of one range, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteRange {
    /// `first-`
    From(u64),
    /// `first-last`, both included.
    Span(u64, u64),
    /// `-length`
    Suffix(u64),
}
