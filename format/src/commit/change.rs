//! A change of one durable thing: a put or a removal.

use super::durable::Durable;
use crate::error::DecodeError;
use crate::ids::SegmentId;
use crate::wire::{Reader, Wire, Writer};

/// Most segments in the `prior` or `segments` list of an operation.
pub const MAX_SEGMENTS: usize = 1 << 16;

/// One change of a kind of things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<P: Durable> {
    /// Puts it, or puts it again: `prior` lists older segments that may still hold a copy of the same put, and is empty
    /// for a first put.
    Put { put: P, prior: Vec<SegmentId> },
    /// `segments` lists all that may hold the removed put: a removal may be forgotten once none of them exists.
    Remove { id: P::Id, segments: Vec<SegmentId> },
}

/// Bytes of the shortest operation, a removal that lists no segments.
pub(super) const MIN_LEN: usize = 13;
const SEGMENT_ID_LEN: usize = 8;

fn write_segments(out: &mut Writer<'_>, segments: &[SegmentId]) {
    out.list(segments, |out, segment| out.u64(segment.0));
}

fn read_segments(input: &mut Reader<'_>) -> Result<Vec<SegmentId>, DecodeError> {
    const WHAT: &str = "segment list";
    input.list(WHAT, MAX_SEGMENTS, SEGMENT_ID_LEN, |input| input.u64(WHAT).map(SegmentId))
}

impl<P: Durable> Change<P> {
    /// The sequence of what it puts or removes.
    pub fn sequence(&self) -> u64 {
        match self {
            Change::Put { put, .. } => P::sequence(&put.id()),
            Change::Remove { id, .. } => P::sequence(id),
        }
    }

    pub(super) fn write(&self, put_byte: u8, remove_byte: u8, out: &mut Writer<'_>) {
        match self {
            Change::Put { put, prior } => {
                out.u8(put_byte);
                put.write(out);
                write_segments(out, prior);
            }
            Change::Remove { id, segments } => {
                out.u8(remove_byte);
                id.write(out);
                write_segments(out, segments);
            }
        }
    }

    pub(super) fn read_put(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Change::Put { put: P::read(input)?, prior: read_segments(input)? })
    }

    pub(super) fn read_removal(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Change::Remove { id: P::Id::read(input)?, segments: read_segments(input)? })
    }
}
