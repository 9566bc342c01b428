//! What can go wrong in the index.

use super::family::Family;
use deltastore_format::DecodeError;

/// Callers rebuild the index on [`IndexError::Damaged`] and [`IndexError::Corrupt`], try again later on what
/// [is passing](IndexError::is_passing), refuse to start on [`IndexError::VersionNewer`], and report the rest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    #[error("index, {action}: {message}")]
    Engine { action: &'static str, message: String },
    /// The system refuses something now (descriptors, memory, input or output): nothing is wrong with what is there.
    #[error("index, {action}: not now: {message}")]
    NotNow { action: &'static str, message: String },
    #[error("index, {action}: disk full: {message}")]
    NoSpace { action: &'static str, message: String },
    /// The engine found its own files damaged.
    #[error("index, {action}: damaged: {message}")]
    Damaged { action: &'static str, message: String },
    /// A row is not a valid encoding; `key` is the row's key in hex.
    #[error("index row {family:?} {key}: {source}")]
    Corrupt { family: Family, key: String, source: DecodeError },
    #[error("index version {found}, newest known is {known}")]
    VersionNewer { found: u32, known: u32 },
}

impl IndexError {
    /// True when the index itself is at fault and is to be rebuilt.
    pub fn is_damage(&self) -> bool {
        matches!(self, IndexError::Damaged { .. } | IndexError::Corrupt { .. })
    }

    pub(super) fn corrupt(family: Family, key: &[u8], source: DecodeError) -> Self {
        IndexError::Corrupt { family, key: hex::encode(key), source }
    }

    /// True when the same call may well succeed later: the index is as it was, and takes what is written to it then.
    pub fn is_passing(&self) -> bool {
        match self {
            IndexError::NotNow { .. } | IndexError::NoSpace { .. } => true,
            IndexError::Engine { .. }
            | IndexError::Damaged { .. }
            | IndexError::Corrupt { .. }
            | IndexError::VersionNewer { .. } => false,
        }
    }
}
