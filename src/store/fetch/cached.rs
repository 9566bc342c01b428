//! Caches of what was read: in memory by weight, on disk as the policy says.

use std::time::Duration;

use bytes::Bytes;
use deltastore_format::Hash;
use quick_cache::sync::GuardResult;

use super::{Blobs, CachePolicy};
use crate::store::error::StoreError;

/// How long one reader waits for what another is decoding before it decodes it, too.
const DECODE_TIMEOUT: Duration = Duration::from_secs(5);

impl Blobs {
    /// What is in memory under a hash, or else what `make` gives, which is kept there.
    pub(super) fn once(
        &self,
        hash: &Hash,
        make: impl FnOnce() -> Result<Bytes, StoreError>,
    ) -> Result<Bytes, StoreError> {
        match self.cache.get_value_or_guard(hash, Some(DECODE_TIMEOUT)) {
            GuardResult::Value(bytes) => Ok(bytes),
            GuardResult::Guard(guard) => {
                let bytes = make()?;
                // Fails only when the entry was removed meanwhile.
                let _ = guard.insert(bytes.clone());
                Ok(bytes)
            }
            GuardResult::Timeout => make(),
        }
    }

    pub fn keep_on_disk(&self, digest: Hash, bytes: &Bytes, cache: CachePolicy) {
        if let (Some(disk), CachePolicy::IfQuick | CachePolicy::Yes) = (&self.disk, cache) {
            disk.put(digest, bytes, cache == CachePolicy::Yes);
        }
    }

    /// What the cache on disk holds under a SHA-256, verified.
    pub(super) fn kept_on_disk(&self, digest: &Hash) -> Option<Bytes> {
        let disk = self.disk.as_ref()?;
        let bytes = disk.get(digest)?;
        if Hash(deltastore_sha256::digest(&bytes)) != *digest {
            tracing::warn!(%digest, "a damaged entry of the cache was dropped");
            disk.forget(digest);
            return None;
        }
        Some(bytes)
    }
}
