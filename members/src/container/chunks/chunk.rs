//! A chunk that has begun: what has passed of it, and whether a boundary ends it.

use libdeflater::Crc;

use super::boundary::Mark;
use super::find::Head;
use crate::container::{pg_dump, png};

pub(super) struct Chunk {
    /// Its data bytes, and those of them that are still to come.
    length: usize,
    pub(super) left: usize,
    /// Whether it is the first of its stream.
    first: bool,
    of: Of,
}

enum Of {
    /// A PNG's image data; the CRC is of the chunk's type and the data so far.
    Image(Crc),
    /// A dump. All chunks of a stream are that long, but for the last.
    Dump { whole: usize },
}

impl Chunk {
    /// A stream's first.
    pub(super) fn first(head: Head) -> Self {
        let (length, of) = match head {
            Head::Image { length, .. } => (length, Of::Image(png::begun())),
            Head::Dump { length } => (length, Of::Dump { whole: length }),
        };
        Self { length, left: length, first: true, of }
    }

    pub(super) fn is_of_dump(&self) -> bool {
        matches!(self.of, Of::Dump { .. })
    }

    /// Takes note of its next bytes.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        self.left -= bytes.len();
        if let Of::Image(crc) = &mut self.of {
            crc.update(bytes);
        }
    }

    /// How long a boundary behind it is.
    pub(super) fn boundary_len(&self) -> usize {
        match self.of {
            Of::Image(_) => png::BOUNDARY,
            Of::Dump { .. } => pg_dump::BOUNDARY,
        }
    }

    /// What the bytes behind it, [`Self::boundary_len`], are if they are a boundary, and the chunk behind that.
    pub(super) fn followed_by(self, bytes: &[u8]) -> Option<(Mark, Self)> {
        let (mark, length, of) = match self.of {
            Of::Image(crc) => {
                let (crc, length) = png::next(bytes, self.length, &crc)?;
                let first = self.first.then_some(self.length + png::IDAT.len());
                (Mark::Image { crc, first }, length as usize, Of::Image(png::begun()))
            }
            Of::Dump { whole } if self.length < whole => return None,
            Of::Dump { whole } => {
                (Mark::Dump { first: self.first }, pg_dump::next(bytes.first_chunk()?, whole)?, Of::Dump { whole })
            }
        };
        Some((mark, Self { length, left: length, first: false, of }))
    }
}
