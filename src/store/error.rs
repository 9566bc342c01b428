//! What can go wrong below the object layer; one variant where callers act differently.

use deltastore_delta::DeltaError;
use deltastore_format::{DecodeError, Hash, Position};
use deltastore_segment::{SegmentError, is_passing};

use crate::index::IndexError;

/// What a disk answers that cannot read a sector.
const EIO: i32 = rustix::io::Errno::IO.raw_os_error();

/// A store operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A window or node that something refers to is in no segment.
    #[error("blob {hash} is missing")]
    Missing { hash: Hash },
    /// A recipe node is whole but does not fit where it is used.
    #[error("recipe node {hash} does not make what refers to it")]
    BadNode { hash: Hash },
    /// A defect: an object's windows do not make up its spans.
    #[error("the windows end at {found}, {needed} bytes were to be made of them")]
    Incomplete { needed: u64, found: u64 },
    /// Stored bytes are not what they must be.
    #[error("damage at {position}: expected {expected}, found {found}")]
    Damaged { position: Position, expected: String, found: String },
    #[error(transparent)]
    Segment(#[from] SegmentError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("disk is full")]
    Full,
    /// A sync failed earlier, or the store is closing: nothing more is written.
    #[error("store is read-only: {0}")]
    ReadOnly(String),
    /// The folder is not a store, is newer than this build or is in use.
    #[error("{0}")]
    Unusable(String),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl StoreError {
    /// The store is being closed, or its log has ended.
    pub(crate) fn closing() -> Self {
        Self::ReadOnly("closing".into())
    }

    pub(super) fn damaged(position: Position, expected: impl ToString, found: impl ToString) -> Self {
        Self::Damaged { position, expected: expected.to_string(), found: found.to_string() }
    }

    pub(super) fn undecodable(position: Position, what: &str, error: &DecodeError) -> Self {
        Self::damaged(position, format!("a valid {what}"), error)
    }

    pub(super) fn delta(position: Position, error: &DeltaError) -> Self {
        Self::damaged(position, "a window that decodes", error)
    }

    /// True when the same call may well succeed later: nothing is wrong with what is stored, and nothing was changed.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Segment(error) => error.is_passing(),
            Self::Index(error) => error.is_passing(),
            Self::Io(error) => is_passing(error),
            _ => false,
        }
    }

    /// True when stored data cannot be had from where it lies: damaged, or in a file that is gone or whose disk fails.
    /// What has the same bytes at hand writes them anew.
    pub fn is_unreadable(&self) -> bool {
        match self {
            Self::Segment(SegmentError::Io { source, .. }) => {
                source.kind() == std::io::ErrorKind::NotFound || source.raw_os_error() == Some(EIO)
            }
            other => other.is_damage(),
        }
    }

    /// True when stored data is at fault, not the moment: trying again will not help.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Missing { .. } | Self::BadNode { .. } | Self::Damaged { .. } => true,
            Self::Segment(error) => error.is_damage(),
            Self::Incomplete { .. }
            | Self::Index(_)
            | Self::Full
            | Self::ReadOnly(_)
            | Self::Unusable(_)
            | Self::Io(_) => false,
        }
    }
}
