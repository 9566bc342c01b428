//! Fixed-width little-endian pieces of row values.

use deltastore_format::{DecodeError, Hash, Position, SegmentId};

/// Reads the pieces of one value.
pub struct Reader<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Reader { what, rest: bytes }
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::Truncated {
            what: self.what,
            needed: N as u64,
            left: self.rest.len() as u64,
        })?;
        self.rest = rest;
        Ok(*head)
    }

    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    pub fn hash(&mut self) -> Result<Hash, DecodeError> {
        Ok(Hash(self.array()?))
    }

    pub fn position(&mut self) -> Result<Position, DecodeError> {
        Ok(Position { segment: SegmentId(self.u64()?), offset: self.u64()? })
    }

    pub fn segments(&mut self) -> Result<Vec<SegmentId>, DecodeError> {
        let count = self.u32()?;
        (0..count).map(|_| Ok(SegmentId(self.u64()?))).collect()
    }

    pub fn unknown(&self, value: impl Into<u64>) -> DecodeError {
        DecodeError::Unknown { what: self.what, value: value.into() }
    }

    /// Everything not yet read.
    pub fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() as u64 {
            0 => Ok(()),
            left => Err(DecodeError::Trailing { what: self.what, left }),
        }
    }
}

pub fn push_position(out: &mut Vec<u8>, position: Position) {
    out.extend_from_slice(&position.segment.0.to_le_bytes());
    out.extend_from_slice(&position.offset.to_le_bytes());
}

/// At most `u32::MAX` segments: `prior` lists have a handful. A longer list yields a value that cannot be read.
pub fn push_segments(out: &mut Vec<u8>, segments: &[SegmentId]) {
    let count = u32::try_from(segments.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&count.to_le_bytes());
    for segment in segments {
        out.extend_from_slice(&segment.0.to_le_bytes());
    }
}

/// The value of a counter.
pub fn counter(value: &[u8]) -> Result<i64, DecodeError> {
    let mut reader = Reader::new("link count", value);
    let count = reader.i64()?;
    reader.finish()?;
    Ok(count)
}
