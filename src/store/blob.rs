//! Blobs: windows and recipe nodes on their way into the log.

use std::sync::Arc;

use bytes::Bytes;
use deltastore_format::{BucketId, Codec, Hash, PlacedKind, Position, RecordKind, record};
use sha2::{Digest, Sha256};

use crate::index::BlobRow;

/// Where to look for references first: the bucket and a hash of the key's directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Space {
    pub bucket: BucketId,
    pub deltaspace: u64,
}

impl Space {
    /// The deltaspace of a key: its bucket and everything up to the key's last `/`.
    #[must_use]
    pub fn of(bucket: BucketId, key: &str) -> Self {
        let directory = &key[..key.rfind('/').map_or(0, |slash| slash + 1)];
        let digest = Sha256::digest(directory.as_bytes());
        let deltaspace = digest.iter().take(8).fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        Self { bucket, deltaspace }
    }
}

/// A record that is ready to be appended.
#[derive(Clone, Debug)]
pub struct Blob {
    pub hash: Hash,
    /// Its index row; the position is filled in by the log.
    pub row: BlobRow,
    /// Encoded window head; empty for a node.
    pub head: Vec<u8>,
    pub body: Bytes,
    /// Blobs it needs: a window's references, a node's children.
    pub links: Vec<Hash>,
    pub features: Vec<u64>,
    pub space: Space,
    /// It takes the place of a record that is damaged.
    pub heals: bool,
}

/// An appended blob that no commit has placed in the index yet.
#[derive(Clone, Debug)]
pub struct AppendedBlob {
    pub hash: Hash,
    pub row: BlobRow,
    pub links: Vec<Hash>,
    pub features: Vec<u64>,
    pub space: Space,
    /// It takes the place of a record that is damaged.
    pub heals: bool,
}

impl Blob {
    /// A recipe's node or a member, from its encoded payload and the blobs that it names.
    pub fn node(payload: Vec<u8>, links: Vec<Hash>) -> Self {
        let row = BlobRow {
            kind: PlacedKind::Node,
            position: Position::default(),
            record_len: record::record_len(u32::try_from(payload.len()).unwrap_or(u32::MAX)),
            raw_len: 0,
            codec: Codec::Raw,
            depth: 0,
            optimized: false,
            references: Vec::new(),
        };
        Self {
            hash: Hash(Sha256::digest(&payload).into()),
            row,
            head: Vec::new(),
            body: Bytes::from(payload),
            links,
            features: Vec::new(),
            space: Space::default(),
            heals: false,
        }
    }

    pub fn record_kind(&self) -> RecordKind {
        record_kind(self.row.kind)
    }

    /// What the log knows once the record lies at `position`.
    pub fn placed_at(self, position: Position) -> Arc<AppendedBlob> {
        let Self { hash, mut row, links, features, space, heals, .. } = self;
        row.position = position;
        Arc::new(AppendedBlob { hash, row, links, features, space, heals })
    }
}

impl AppendedBlob {
    /// Whether a commit that places this form makes it the one that counts.
    pub fn takes_effect(&self, known: Option<&BlobRow>) -> bool {
        known.is_none_or(|row| self.heals || self.row.optimized && !row.optimized)
    }
}

/// The kind of record that holds such a blob.
pub fn record_kind(kind: PlacedKind) -> RecordKind {
    match kind {
        PlacedKind::Window => RecordKind::Window,
        PlacedKind::Node => RecordKind::Node,
    }
}

/// How much of an object's windows is stored how, for `x-amz-storage-type`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CodecTally {
    pub with_references: u64,
    pub compressed: u64,
    pub raw: u64,
}

impl CodecTally {
    pub fn add(&mut self, codec: Codec) {
        match codec {
            Codec::Raw => self.raw += 1,
            codec if codec.has_references() => self.with_references += 1,
            _ => self.compressed += 1,
        }
    }
}
