//! The store header: the file `STORE` that makes a folder a store.

use crate::error::DecodeError;
use crate::header;
use crate::ids::{Epoch, StoreId};

/// Highest format version that this build knows; a higher one on disk is refused.
pub const FORMAT_VERSION: u32 = 8;
/// Format version that a store is made with, and raised to when it is opened. A higher one that this build knows is
/// taken once something is written that only it defines.
pub const BASE_VERSION: u32 = 7;
/// Format version under which versions are updated: put again with other metadata.
pub const UPDATES_SINCE: u32 = 8;
/// Bytes of an encoded [`StoreHeader`].
pub const STORE_HEADER_LEN: usize = 64;

/// Content of the `STORE` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreHeader {
    pub format_version: u32,
    pub store: StoreId,
    pub epoch: Epoch,
    /// Milliseconds since the Unix epoch.
    pub created_ms: u64,
}

const MAGIC: [u8; 4] = *b"DLTS";
const NAME: &str = "store header";

impl StoreHeader {
    /// The file's content.
    pub fn to_bytes(&self) -> [u8; STORE_HEADER_LEN] {
        header::seal(MAGIC, |out| {
            out.u32(self.format_version);
            out.bytes(&self.store.0);
            out.u32(self.epoch.0);
            out.u32(0);
            out.u64(self.created_ms);
        })
    }

    /// Decodes the whole file.
    ///
    /// # Errors
    /// [`DecodeError::Version`] if a newer build wrote it; else what is damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        header::open(NAME, MAGIC, bytes, |input| {
            let format_version = input.u32(NAME)?;
            if !(1..=FORMAT_VERSION).contains(&format_version) {
                return Err(DecodeError::Version { what: NAME, found: format_version, known: FORMAT_VERSION });
            }
            let store = StoreId(input.array(NAME)?);
            let epoch = Epoch(input.u32(NAME)?);
            input.zeros(NAME, 4)?;
            Ok(StoreHeader { format_version, store, epoch, created_ms: input.u64(NAME)? })
        })
    }
}
