//! What an engine on disk may use.

/// Bounds on what the engine uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RocksSettings {
    /// Blocks, indexes and filters of all families, in bytes.
    pub block_cache_bytes: usize,
    /// What was written and not yet flushed, of all families, in bytes, with the journal of it; at its limit a flush
    /// begins.
    pub write_buffer_bytes: usize,
    /// Table files held open.
    pub max_open_files: i32,
    /// Threads that flush and compact.
    pub background_jobs: i32,
}

impl Default for RocksSettings {
    fn default() -> Self {
        RocksSettings {
            block_cache_bytes: 48 << 20,
            write_buffer_bytes: 48 << 20,
            max_open_files: 256,
            background_jobs: 2,
        }
    }
}
