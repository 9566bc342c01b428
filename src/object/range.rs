//! Byte ranges of a GET and of a copied part.

use std::ops::Range;

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

impl ByteRange {
    /// The bytes it selects of `size`; an end past the object is cut. None if it selects none.
    pub(super) fn resolve(self, size: u64) -> Option<Range<u64>> {
        let range = match self {
            ByteRange::From(first) => first..size,
            ByteRange::Span(first, last) => first..last.saturating_add(1).min(size),
            ByteRange::Suffix(length) => size.saturating_sub(length)..size,
        };
        Some(range).filter(|range| !range.is_empty())
    }

    /// Are these the last bytes of an empty object? S3 answers with the object.
    pub(super) fn is_all_of_nothing(self, size: u64) -> bool {
        size == 0 && matches!(self, ByteRange::Suffix(length) if length > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::ByteRange::{From, Span, Suffix};

    #[test]
    fn ranges() {
        let table = [
            (From(0), 10, Some(0..10)),
            (From(9), 10, Some(9..10)),
            (From(10), 10, None),
            (From(0), 0, None),
            (Span(0, 0), 10, Some(0..1)),
            (Span(3, 100), 10, Some(3..10)),
            (Span(3, u64::MAX), 10, Some(3..10)),
            (Span(10, 11), 10, None),
            (Span(5, 4), 10, None),
            (Span(0, 0), 0, None),
            (Suffix(3), 10, Some(7..10)),
            (Suffix(30), 10, Some(0..10)),
            (Suffix(0), 10, None),
            (Suffix(1), 0, None),
        ];
        for (range, size, expected) in table {
            assert_eq!(range.resolve(size), expected, "{range:?} of {size}");
        }
        assert!(Suffix(1).is_all_of_nothing(0));
        assert!(!Suffix(0).is_all_of_nothing(0) && !From(0).is_all_of_nothing(0) && !Suffix(1).is_all_of_nothing(1));
    }
}
