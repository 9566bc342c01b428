//! What an operator can set about a store.

use crate::delta::{CutSettings, Effort};

/// Settings of an open store. None of them is written to disk; each may differ from run to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How windows are cut. Other values than at the last run cost deduplication, nothing else.
    pub cut: CutSettings,
    /// How hard a PUT tries to make windows small.
    pub effort: Effort,
    /// A segment is sealed once it is this long, in bytes.
    pub segment_bytes: u64,
    /// Free disk space below which writes that add data are refused, in bytes.
    pub reserve_bytes: u64,
    /// Verified plain windows kept in memory, in bytes.
    pub cache_bytes: u64,
    /// Buffers of uploads under way, in bytes.
    pub ingest_bytes: usize,
    /// Windows on their way to clients, in bytes.
    pub read_bytes: usize,
    /// Threads that digest, cut and encode.
    pub encode_threads: usize,
    /// Threads that read and decode.
    pub read_threads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            cut: CutSettings::default(),
            effort: Effort::default(),
            segment_bytes: 256 << 20,
            reserve_bytes: 64 << 20,
            cache_bytes: 96 << 20,
            ingest_bytes: 128 << 20,
            read_bytes: 64 << 20,
            encode_threads: cores,
            read_threads: cores.max(2) * 2,
        }
    }
}
