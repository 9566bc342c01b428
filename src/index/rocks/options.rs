//! How RocksDB is set up: one memory for all families, filters for what is asked for and mostly not there.

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, DBCompressionType, LogLevel, Options, SliceTransform,
    WriteBufferManager,
};

use crate::index::family::{Family, VERSION_LEN};
use crate::index::settings::RocksSettings;

pub(super) fn database_options(settings: &RocksSettings) -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_atomic_flush(true);
    options.set_paranoid_checks(true);
    options.set_max_open_files(settings.max_open_files);
    options.set_max_background_jobs(settings.background_jobs);
    // While one flush runs, writes fill up to half of this again, and the journal holds the same rows without what a
    // memory table adds to them, less than two thirds: with five twelfths the sum keeps within the setting. It never
    // stalls writers: a long scan keeps memory that no flush can free.
    options.set_write_buffer_manager(&WriteBufferManager::new_write_buffer_manager(
        settings.write_buffer_bytes / 12 * 5,
        false,
    ));
    options.set_bytes_per_sync(1 << 20);
    options.set_max_manifest_file_size(4 << 20);
    options.set_log_level(LogLevel::Warn);
    options.set_max_log_file_size(1 << 20);
    options.set_keep_log_file_num(2);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options
}

pub(super) fn family_options(family: Family, settings: &RocksSettings, cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_cache_index_and_filter_blocks_with_high_priority(true);
    table.set_bloom_filter(10.0, false);
    table.set_whole_key_filtering(true);
    // In partitions, because one index block of a large table would push everything else out of the cache.
    table.set_index_type(BlockBasedIndexType::TwoLevelIndexSearch);
    table.set_partition_filters(true);
    table.set_pin_top_level_index_and_filter(true);
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.set_write_buffer_size(settings.write_buffer_bytes);
    // The families share the memory: an arena takes whole blocks, however little a family holds.
    options.set_arena_block_size(256 << 10);
    options.set_compression_type(DBCompressionType::Lz4);
    // A scan over many deleted rows is slow until they are compacted away.
    options.add_compact_on_deletion_collector_factory(4096, 1024, 0.5);
    if family == Family::Objects {
        // Whether a key has any version is asked at each PUT: the filters answer it for most tables.
        let without_version = |key: &[u8]| key.len() >= VERSION_LEN;
        options.set_prefix_extractor(SliceTransform::create("without-version", name_of_key, Some(without_version)));
        options.set_memtable_prefix_bloom_ratio(0.02);
    }
    if matches!(family, Family::Blobs | Family::Links | Family::Sketches) {
        // Most of what a PUT of something new asks for is not there: the filter answers without a walk through the
        // memory's rows.
        options.set_memtable_whole_key_filtering(true);
        options.set_memtable_prefix_bloom_ratio(0.01);
    }
    options
}

fn name_of_key(key: &[u8]) -> &[u8] {
    &key[..key.len() - VERSION_LEN]
}
