//! The store header: the file `STORE` that makes a folder a store.

use crate::ids::{Epoch, StoreId};

/// Format version this build writes; a higher one on disk is refused.
pub const FORMAT_VERSION: u32 = 1;
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
