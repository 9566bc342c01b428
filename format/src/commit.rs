//! Commit records: what changes what clients can see.
//!
//! Everything put carries a [`Sequence`] that is never used twice, and a removal names
//! that sequence. The state is "all that was put less all that was removed", whatever
//! order records are read in: this is what lets compaction move commits and lets the
//! index be rebuilt from any set of whole segments.

use crate::ids::{BucketId, Hash, Position, SegmentId, Sequence, UploadId};
use crate::recipe::Recipe;

/// What a [`Placed`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PlacedKind {
    Window = 1,
    Node = 2,
}

/// A window or node that becomes addressable with this commit, and where its record lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Placed {
    pub kind: PlacedKind,
    pub hash: Hash,
    pub position: Position,
}

/// Payload of a commit record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// Everything in the log before this position was synced when the record was written.
    pub durable_upto: Position,
    /// Compaction wrote it: it moves what it puts and changes nothing that clients see.
    pub relocated: bool,
    pub placed: Vec<Placed>,
    pub ops: Vec<Op>,
}

/// One change. `prior` lists older segments that may still hold a copy of the same put;
/// `segments` lists all that may hold the removed put: a removal may be forgotten once none of them exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    PutBucket { put: BucketPut, prior: Vec<SegmentId> },
    RemoveBucket { bucket: BucketId, segments: Vec<SegmentId> },
    PutVersion { put: VersionPut, prior: Vec<SegmentId> },
    RemoveVersion { bucket: BucketId, key: String, version: Sequence, segments: Vec<SegmentId> },
    PutUpload { put: UploadPut, prior: Vec<SegmentId> },
    /// Ends an upload; its parts go with it.
    RemoveUpload { upload: UploadId, segments: Vec<SegmentId> },
    PutPart { put: PartPut, prior: Vec<SegmentId> },
    RemovePart { upload: UploadId, number: u16, part: Sequence, segments: Vec<SegmentId> },
}

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketPut {
    pub bucket: BucketId,
    pub name: String,
    pub created_ms: u64,
    /// Settings by name; empty today.
    pub settings: Vec<(String, String)>,
}

/// What an object's bytes became when they were stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum StorageType {
    /// No window has references: others may be encoded against it.
    Reference = 0,
    /// At least one window is encoded against references.
    Delta = 1,
    /// Every window is raw.
    Passthrough = 2,
}

/// Metadata shared by object versions and by the uploads they come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// System headers that are returned as they were sent (`content-type`, `cache-control` …), lower-case names.
    pub headers: Vec<(String, String)>,
    /// `x-amz-meta-*` without the prefix, lower-case names.
    pub user: Vec<(String, String)>,
    /// Object tags.
    pub tags: Vec<(String, String)>,
}

/// A checksum algorithm of S3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ChecksumAlgorithm {
    Crc32 = 1,
    Crc32c = 2,
    Crc64Nvme = 3,
    Sha1 = 4,
    Sha256 = 5,
}

/// A checksum kept with an object or part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    pub algorithm: ChecksumAlgorithm,
    /// True: checksum of the parts' checksums; false: of all the bytes.
    pub composite: bool,
    /// Raw digest bytes, big-endian for CRCs; at most 32.
    pub value: Vec<u8>,
}

/// A part of a completed multipart object, as GetObjectAttributes and `partNumber` need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartInfo {
    pub number: u16,
    pub size: u64,
    pub checksum: Option<Checksum>,
}

/// An object version or a delete marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionPut {
    pub bucket: BucketId,
    pub key: String,
    pub version: Sequence,
    /// True: S3's `null` version; false: its version id is made from `version`.
    pub null_version: bool,
    pub delete_marker: bool,
    pub modified_ms: u64,
    pub size: u64,
    /// Without quotes: MD5 in hex, or MD5 of MD5s with `-N`.
    pub etag: String,
    pub metadata: Metadata,
    pub checksum: Option<Checksum>,
    /// Empty unless it came from a multipart upload.
    pub parts: Vec<PartInfo>,
    pub storage_type: StorageType,
    /// Record bytes this put added to the segments.
    pub stored_bytes: u64,
    pub recipe: Recipe,
}

/// A multipart upload in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadPut {
    pub upload: UploadId,
    pub bucket: BucketId,
    pub key: String,
    pub started_ms: u64,
    pub metadata: Metadata,
    /// The algorithm its parts carry, and whether the whole's is composite.
    pub checksum: Option<(ChecksumAlgorithm, bool)>,
}

/// A part of an upload in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartPut {
    pub upload: UploadId,
    pub number: u16,
    pub part: Sequence,
    pub modified_ms: u64,
    pub size: u64,
    /// MD5 in hex.
    pub etag: String,
    pub checksum: Option<Checksum>,
    pub storage_type: StorageType,
    pub stored_bytes: u64,
    pub recipe: Recipe,
}
