//! What was read and is kept: in memory by weight, on disk by wish.

use bytes::Bytes;
use deltastore_format::Hash;
use quick_cache::Weighter;
use sha2::{Digest, Sha256};

use super::Blobs;

/// Whether what was read goes into the cache on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    No,
    /// If it can be written at once.
    #[default]
    IfQuick,
    /// Whatever it takes.
    Yes,
}

#[derive(Clone)]
pub(super) struct ByLength;

impl Weighter<Hash, Bytes> for ByLength {
    fn weight(&self, _: &Hash, bytes: &Bytes) -> u64 {
        bytes.len() as u64 + 96
    }
}

impl Blobs {
    pub fn keep_on_disk(&self, digest: Hash, bytes: &Bytes, keep: Keep) {
        if let (Some(disk), Keep::IfQuick | Keep::Yes) = (&self.disk, keep) {
            disk.put(digest, bytes, keep == Keep::Yes);
        }
    }

    /// What the cache on disk holds under a SHA-256, verified.
    pub(super) fn kept_on_disk(&self, digest: &Hash) -> Option<Bytes> {
        let disk = self.disk.as_ref()?;
        let bytes = disk.get(digest)?;
        if Hash(Sha256::digest(&bytes).into()) != *digest {
            tracing::warn!(%digest, "a damaged entry of the cache was dropped");
            disk.forget(digest);
            return None;
        }
        Some(bytes)
    }
}
