//! The on-disk format of Deltastore: types, encoders and decoders.
//!
//! This crate does no I/O. `SPEC.md` beside it is normative; every decoder
//! here is total: any input yields a value or a [`DecodeError`], never a
//! panic, and nothing is allocated before the length that asks for it has
//! been checked against the bytes that are there.

#![deny(clippy::unwrap_used)]

pub mod commit;
pub mod error;
mod flip;
mod header;
pub mod ids;
pub mod manifest;
pub mod member;
pub mod parity;
pub mod recipe;
pub mod record;
pub mod segment;
pub mod store;
pub mod window;
mod wire;

pub use commit::{
    BucketPut, Change, Checksum, ChecksumAlgorithm, Commit, DocumentId, DocumentPut, Durable, Kind, Listed, Metadata,
    Op, PartId, PartInfo, PartPut, PlacedKind, Placement, StorageType, UploadPut, VersionId, VersionPut,
};
pub use error::DecodeError;
pub use header::crc32c;
pub use ids::{BucketId, Epoch, Hash, Position, SegmentId, Sequence, StoreId, UploadId};
pub use manifest::{Manifest, SegmentEntry, SegmentState};
pub use member::{Member, NodePayload};
pub use parity::Parity;
pub use recipe::{Entry, EntryKind, Node, Recipe};
pub use record::{RecordHeader, RecordKind, record_len};
pub use segment::{SegmentFooter, SegmentHeader};
pub use store::StoreHeader;
pub use window::{Codec, WindowHead};
