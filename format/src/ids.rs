//! Identifiers and addresses: newtypes, so that an offset cannot stand where a size belongs.

use std::fmt;

use crate::error::DecodeError;
use crate::wire::{Reader, Wire, Writer};

/// Records start at multiples of this; the gap after a payload is zero bytes.
pub const RECORD_ALIGN: u64 = 8;

/// Number of a segment file; rises by one for each new file and is never used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub u64);

/// Writer epoch; a second writer of the same store would take a higher one. Always 1 today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u32);

/// Random identity of a store, fixed when the folder is created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct StoreId(pub [u8; 16]);

/// Address of a record: the segment and the byte offset of its header. Orders the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The segment file.
    pub segment: SegmentId,
    /// Byte offset of the record header in that file, a multiple of [`RECORD_ALIGN`].
    pub offset: u64,
}

/// Store-wide number of a thing that was put (bucket, version, upload, part); rises, is never used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

/// Identity of a bucket: the sequence of the commit that made it. A bucket made again has another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketId(pub u64);

/// Identity of a multipart upload: the sequence of the commit that started it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(pub u64);

/// SHA-256 of a window's bytes or of a node's encoded payload.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "segment {} offset {}", self.segment, self.offset)
    }
}

impl Wire for Position {
    const NAME: &'static str = "position";

    fn write(&self, out: &mut Writer<'_>) {
        out.u64(self.segment.0);
        out.u64(self.offset);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let segment = SegmentId(input.u64(Self::NAME)?);
        let offset = input.u64(Self::NAME)?;
        if !offset.is_multiple_of(RECORD_ALIGN) {
            return Err(DecodeError::Inconsistent { what: Self::NAME, with: "the alignment of records" });
        }
        Ok(Position { segment, offset })
    }
}

/// Ids that are plain numbers.
macro_rules! numbers {
    ($($id:ident: $name:literal),+ $(,)?) => {$(
        impl Wire for $id {
            const NAME: &'static str = $name;

            fn write(&self, out: &mut Writer<'_>) {
                out.u64(self.0);
            }

            fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
                input.u64(Self::NAME).map($id)
            }
        }
    )+};
}
numbers!(BucketId: "bucket id", UploadId: "upload id", Sequence: "sequence");
