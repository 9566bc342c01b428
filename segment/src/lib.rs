//! Segment files, and the only code that touches files.
//!
//! A segment is an append-only file: a header, then records back to back, each at a multiple of
//! 8 bytes. One [`SegmentWriter`] appends to the active segment; [`SegmentReader`]s read any
//! segment while it grows; a [`Scanner`] streams one from an offset to its end.
//!
//! Invariants
//! - A record handed out passed its header checksum and names its own position and the segment's
//!   salt, so that bytes inside a payload never pass for a record.
//! - Nothing is allocated for a length read from disk before that length was checked against the
//!   file's length.
//! - A failed append is cut back before the next one; where that fails the writer refuses to go on.
//!
//! Failure cases: every error is a [`SegmentError`] that names the file, and the offset where there
//! is one. A failed sync is reported once and never retried here: whoever syncs stops the store.

#![deny(clippy::unwrap_used)]

mod cache;
mod error;
mod flipped;
mod manifest;
mod path;
mod reader;
mod readers;
mod scanner;
pub mod vfs;
mod writer;

pub use cache::DiskCache;
pub use error::{SegmentError, is_passing};
pub use manifest::{ManifestError, ManifestFiles, read_manifest, write_manifest, write_manifest_unsynced};
pub use path::{SEGMENT_DIR, list_segments, parse_segment_name, segment_dir, segment_path};
pub use reader::{Record, SegmentReader};
pub use readers::Readers;
pub use scanner::{ScanEnd, Scanned, Scanner, TornTail, WindowPayload};
pub use writer::SegmentWriter;

#[cfg(test)]
mod testing;
