//! A boundary that was taken out of an object.

use crate::container::{pg_dump, png};

/// A boundary that was taken out of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Boundary {
    /// Where it was in the bytes that are left. There is at least one behind it.
    pub(crate) at: usize,
    pub(crate) mark: Mark,
    /// Data bytes of the chunk that begins.
    pub(crate) length: u32,
}

/// Whose boundary it is, and the data on the chunk that ends there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// PNG's image data: the CRC of type and data, and bytes that this is of if the chunk is a stream's first;
    /// another's are `IDAT` and all up to the boundary before.
    Image { crc: u32, first: Option<usize> },
    /// A dump: whether the chunk is a stream's first.
    Dump { first: bool },
}

impl Boundary {
    /// Appends the bytes that it was.
    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        match self.mark {
            Mark::Image { crc, .. } => bytes.extend(png::boundary(crc, self.length)),
            Mark::Dump { .. } => bytes.extend(pg_dump::boundary(self.length)),
        }
    }

    /// Whether it ends a stream's first chunk.
    pub(super) fn is_first(&self) -> bool {
        matches!(self.mark, Mark::Image { first: Some(_), .. } | Mark::Dump { first: true })
    }
}
