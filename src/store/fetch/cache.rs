//! Caches of what was read: in memory by weight, on disk as the policy says.

use std::time::Duration;

use bytes::Bytes;
use deltastore_format::Hash;
use quick_cache::sync::{Cache, DefaultLifecycle, GuardResult};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use super::Blobs;
use crate::store::error::StoreError;

/// Memory that one shard of the cache has at least, in bytes: a window much smaller than that, of 8 MiB at most, fits.
const SHARD_BYTES: u64 = 32 << 20;
/// How long one reader waits for what another is decoding before it decodes it, too.
const DECODE_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether what was read goes into the cache on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CachePolicy {
    No,
    /// If it can be written at once.
    #[default]
    IfQuick,
    /// Whatever it takes.
    Yes,
}

/// Verified windows and members.
pub(super) type InMemory = Cache<Hash, Bytes, ByLength>;

#[derive(Clone)]
pub(super) struct ByLength;

/// A cache of that many bytes.
pub(super) fn in_memory(bytes: u64) -> InMemory {
    let items = usize::try_from(bytes / (256 << 10)).unwrap_or(usize::MAX).max(64);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let shards = usize::try_from(bytes / SHARD_BYTES).unwrap_or(usize::MAX).clamp(1, 4 * cores);
    let mut options = OptionsBuilder::new();
    options.estimated_items_capacity(items).weight_capacity(bytes).shards(shards);
    match options.build() {
        Ok(options) => {
            Cache::with_options(options, ByLength, DefaultHashBuilder::default(), DefaultLifecycle::default())
        }
        Err(_) => Cache::with_weighter(items, bytes, ByLength),
    }
}

impl Weighter<Hash, Bytes> for ByLength {
    fn weight(&self, _: &Hash, bytes: &Bytes) -> u64 {
        bytes.len() as u64 + 96
    }
}

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
