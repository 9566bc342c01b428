//! Commit records: what changes what clients can see.
//!
//! Everything put carries a [`Sequence`] that is never used twice, and a removal names
//! that sequence. The state is "all that was put less all that was removed", whatever
//! order records are read in: this is what lets compaction move commits and lets the
//! index be rebuilt from any set of whole segments.

mod bucket;
mod change;
mod checksum;
mod describe;
mod document;
mod durable;
mod extension;
mod part;
mod put;
mod table;
mod upload;
mod version;

pub use bucket::{BucketPut, MAX_BUCKET_NAME_LEN, MAX_SETTING_NAME_LEN, MAX_SETTING_VALUE_LEN, MAX_SETTINGS};
pub use change::{Change, MAX_SEGMENTS};
pub use checksum::{Checksum, ChecksumAlgorithm};
pub use describe::{MAX_METADATA_NAME_LEN, MAX_METADATA_PAIRS, MAX_METADATA_VALUE_LEN, MAX_PARTS, Metadata, PartInfo};
pub use document::{DocumentId, DocumentPut, MAX_DOCUMENT_LEN, MAX_DOCUMENT_NAME_LEN, MAX_SCOPE_LEN};
pub use durable::Durable;
pub use part::{PartId, PartPut};
pub use put::{MAX_ETAG_LEN, MAX_KEY_LEN, StorageType};
pub use table::{Kind, Listed, Op};
pub use upload::UploadPut;
pub use version::{VersionId, VersionPut};

use crate::error::DecodeError;
use crate::ids::{Hash, Position};
use crate::wire::{Reader, Wire, Writer, public_codec};
use extension::{no_extensions, write_extensions};

/// Most windows and nodes one commit places; what needs more spreads them over several commits.
pub const MAX_PLACED: usize = 1 << 20;
/// Most changes of one commit.
pub const MAX_OPS: usize = 1 << 16;

/// What a [`Placement`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PlacedKind {
    Window = 1,
    Node = 2,
}

/// A window or node that becomes addressable with this commit, and where its record lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Placement {
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
    /// What it places takes the place of an earlier placing of the same hash, whose record is damaged.
    pub healing: bool,
    pub placed: Vec<Placement>,
    pub ops: Vec<Op>,
}

const COMMIT_VERSION: u8 = 1;
const PLACED_LEN: usize = 49;

impl PlacedKind {
    pub(crate) fn read(input: &mut Reader<'_>, what: &'static str) -> Result<Self, DecodeError> {
        match input.u8(what)? {
            1 => Ok(PlacedKind::Window),
            2 => Ok(PlacedKind::Node),
            value => Err(DecodeError::Unknown { what, value: value.into() }),
        }
    }
}

impl Wire for Placement {
    const NAME: &'static str = "placed";

    fn write(&self, out: &mut Writer<'_>) {
        out.u8(self.kind as u8);
        out.bytes(&self.hash.0);
        self.position.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let kind = PlacedKind::read(input, "placed kind")?;
        Ok(Placement { kind, hash: Hash(input.array(Self::NAME)?), position: Position::read(input)? })
    }
}

impl Wire for Commit {
    const NAME: &'static str = "commit";

    fn write(&self, out: &mut Writer<'_>) {
        out.u8(COMMIT_VERSION);
        out.flags(&[self.relocated, self.healing]);
        out.u16(0);
        out.u64(self.time_ms);
        self.durable_upto.write(out);
        out.list(&self.placed, |out, placed| placed.write(out));
        out.list(&self.ops, |out, op| op.write(out));
        write_extensions(out, &[]);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.version(Self::NAME, COMMIT_VERSION)?;
        let [relocated, healing] = input.flags("commit flags")?;
        input.zeros(Self::NAME, 2)?;
        let commit = Commit {
            relocated,
            healing,
            time_ms: input.u64(Self::NAME)?,
            durable_upto: Position::read(input)?,
            placed: input.list("placed", MAX_PLACED, PLACED_LEN, Placement::read)?,
            ops: input.list("operations", MAX_OPS, change::MIN_LEN, Op::read)?,
        };
        no_extensions(input)?;
        Ok(commit)
    }
}

public_codec!(Commit);
