//! The same tests run over both engines.

mod crash;
mod engines;
mod listing;
mod speed;
mod tables;

use super::*;
use deltastore_format::{
    BucketId, BucketPut, DocumentPut, Metadata, PartPut, Position, Recipe, SegmentId, Sequence, StorageType, UploadId,
    UploadPut, VersionPut,
};
use rand::{Rng, rngs::StdRng};

/// Runs `test` over a fresh index of each kind.
fn on_both(test: impl Fn(Index)) {
    test(Index::open(Arc::new(MemEngine::new())).unwrap());
    let folder = tempfile::tempdir().unwrap();
    test(Index::open(Arc::new(RocksEngine::open(folder.path(), &small()).unwrap())).unwrap());
}

/// Settings under which the engine soon flushes by itself.
/// Little, so that RocksDB flushes on its own; but so much that what empty families take is no reason to.
fn small() -> RocksSettings {
    RocksSettings { block_cache_bytes: 1 << 20, write_buffer_bytes: 10 << 20, ..RocksSettings::default() }
}

/// A short name out of pieces that are awkward as keys.
pub fn random_name(rng: &mut StdRng) -> String {
    const PIECES: [&str; 14] =
        ["a", "/", "b", "//", "\0", "\u{1}", "é", "\u{7FF}", "\u{FFFD}", "\u{10FFFF}", " ", "+", "z", "ab"];
    (0..rng.random_range(0..6)).map(|_| PIECES[rng.random_range(0..PIECES.len())]).collect()
}

fn position(offset: u64) -> Position {
    Position { segment: SegmentId(3), offset }
}

fn version_row(bucket: u64, key: &str, version: u64, delete_marker: bool) -> VersionRow {
    let put = VersionPut {
        bucket: BucketId(bucket),
        key: key.to_owned(),
        version: Sequence(version),
        null_version: false,
        delete_marker,
        modified_ms: 1_700_000_000_000 + version,
        size: if delete_marker { 0 } else { version * 10 },
        etag: if delete_marker { String::new() } else { "d41d8cd98f00b204e9800998ecf8427e".to_owned() },
        metadata: Metadata::default(),
        checksum: None,
        parts: Vec::new(),
        storage_type: StorageType::Passthrough,
        stored_bytes: 7,
        recipe: Recipe::default(),
        optimized: version.is_multiple_of(3),
        upload: version.is_multiple_of(2).then_some(UploadId(version)),
    };
    VersionRow { put, record: position(version * 8), record_len: 200, prior: vec![SegmentId(1), SegmentId(2)] }
}

pub fn bucket_row(bucket: u64, name: &str) -> BucketRow {
    let put = BucketPut { bucket: BucketId(bucket), name: name.to_owned(), created_ms: 5, settings: Vec::new() };
    BucketRow { put, record: position(64), record_len: 96, prior: vec![] }
}

fn upload_row(bucket: u64, key: &str, upload: u64) -> UploadRow {
    let put = UploadPut {
        upload: UploadId(upload),
        bucket: BucketId(bucket),
        key: key.to_owned(),
        started_ms: 9,
        metadata: Metadata::default(),
        checksum: None,
    };
    UploadRow { put, record: position(72), record_len: 104, prior: vec![SegmentId(9)] }
}

fn part_row(upload: u64, number: u16, part: u64) -> PartRow {
    let put = PartPut {
        upload: UploadId(upload),
        number,
        part: Sequence(part),
        modified_ms: 1,
        size: 2,
        etag: "d41d8cd98f00b204e9800998ecf8427e".to_owned(),
        checksum: None,
        storage_type: StorageType::Reference,
        stored_bytes: 4,
        recipe: Recipe::default(),
    };
    PartRow { put, record: position(80), record_len: 128, prior: vec![] }
}

fn document_row(scope: &str, name: &str, document: u64) -> DocumentRow {
    let (scope, name) = (scope.to_owned(), name.to_owned());
    let put = DocumentPut { scope, name, document: Sequence(document), modified_ms: 4, bytes: vec![1, 0, 255] };
    Row { put, record: position(88), record_len: 112, prior: vec![SegmentId(2)] }
}
