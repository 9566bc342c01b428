//! Operations: what a commit puts and removes.

use super::describe::read_part_number;
use super::put::{BucketPut, PartPut, UploadPut, VersionPut, read_key};
use crate::error::DecodeError;
use crate::ids::{BucketId, SegmentId, Sequence, UploadId};
use crate::wire::{Reader, Wire, Writer, public_codec};

/// Most segments in the `prior` or `segments` list of an operation.
pub const MAX_SEGMENTS: usize = 1 << 16;

/// One change. `prior` lists older segments that may still hold a copy of the same put;
/// `segments` lists all that may hold the removed put: a removal may be forgotten once none of them exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    PutBucket {
        put: BucketPut,
        prior: Vec<SegmentId>,
    },
    RemoveBucket {
        bucket: BucketId,
        segments: Vec<SegmentId>,
    },
    PutVersion {
        put: VersionPut,
        prior: Vec<SegmentId>,
    },
    RemoveVersion {
        bucket: BucketId,
        key: String,
        version: Sequence,
        segments: Vec<SegmentId>,
    },
    PutUpload {
        put: UploadPut,
        prior: Vec<SegmentId>,
    },
    /// Ends an upload; its parts go with it.
    RemoveUpload {
        upload: UploadId,
        segments: Vec<SegmentId>,
    },
    PutPart {
        put: PartPut,
        prior: Vec<SegmentId>,
    },
    RemovePart {
        upload: UploadId,
        number: u16,
        part: Sequence,
        segments: Vec<SegmentId>,
    },
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

fn write_put(out: &mut Writer<'_>, kind: u8, put: &impl Wire, prior: &[SegmentId]) {
    out.u8(kind);
    put.write(out);
    write_segments(out, prior);
}

impl Wire for Op {
    const NAME: &'static str = "operation";

    fn write(&self, out: &mut Writer<'_>) {
        match self {
            Op::PutBucket { put, prior } => write_put(out, 1, put, prior),
            Op::RemoveBucket { bucket, segments } => {
                out.u8(2);
                out.u64(bucket.0);
                write_segments(out, segments);
            }
            Op::PutVersion { put, prior } => write_put(out, 3, put, prior),
            Op::RemoveVersion { bucket, key, version, segments } => {
                out.u8(4);
                out.u64(bucket.0);
                out.string(key);
                out.u64(version.0);
                write_segments(out, segments);
            }
            Op::PutUpload { put, prior } => write_put(out, 5, put, prior),
            Op::RemoveUpload { upload, segments } => {
                out.u8(6);
                out.u64(upload.0);
                write_segments(out, segments);
            }
            Op::PutPart { put, prior } => write_put(out, 7, put, prior),
            Op::RemovePart { upload, number, part, segments } => {
                out.u8(8);
                out.u64(upload.0);
                out.u16(*number);
                out.u64(part.0);
                write_segments(out, segments);
            }
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match input.u8(Self::NAME)? {
            1 => Op::PutBucket { put: BucketPut::read(input)?, prior: read_segments(input)? },
            2 => Op::RemoveBucket { bucket: BucketId(input.u64(Self::NAME)?), segments: read_segments(input)? },
            3 => Op::PutVersion { put: VersionPut::read(input)?, prior: read_segments(input)? },
            4 => Op::RemoveVersion {
                bucket: BucketId(input.u64(Self::NAME)?),
                key: read_key(input)?,
                version: Sequence(input.u64(Self::NAME)?),
                segments: read_segments(input)?,
            },
            5 => Op::PutUpload { put: UploadPut::read(input)?, prior: read_segments(input)? },
            6 => Op::RemoveUpload { upload: UploadId(input.u64(Self::NAME)?), segments: read_segments(input)? },
            7 => Op::PutPart { put: PartPut::read(input)?, prior: read_segments(input)? },
            8 => Op::RemovePart {
                upload: UploadId(input.u64(Self::NAME)?),
                number: read_part_number(input)?,
                part: Sequence(input.u64(Self::NAME)?),
                segments: read_segments(input)?,
            },
            value => {
                return Err(DecodeError::Unknown { what: "operation kind", value: value.into() });
            }
        })
    }
}

public_codec!(Op);
