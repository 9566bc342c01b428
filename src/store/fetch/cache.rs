//! The cache in memory, by weight, and what goes into the cache on disk.

use bytes::Bytes;
use deltastore_format::Hash;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

/// Memory that one shard of the cache has at least, in bytes: a window much smaller than that, of 8 MiB at most, fits.
const SHARD_BYTES: u64 = 32 << 20;

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
