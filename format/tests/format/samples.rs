//! Fixed values of every type; the golden files are their encodings, so a change here is a change of the format.

use deltastore_format::{
    BucketId, BucketPut, Checksum, ChecksumAlgorithm, Codec, Commit, DecodeError, DocumentId, DocumentPut, Entry,
    EntryKind, Epoch, Hash, Manifest, Member, Metadata, Node, Op, Parity, PartId, PartInfo, PartPut, PlacedKind,
    Placement, Position, Recipe, RecordHeader, RecordKind, SegmentEntry, SegmentFooter, SegmentHeader, SegmentId,
    SegmentState, Sequence, StorageType, StoreHeader, StoreId, UploadId, UploadPut, VersionId, VersionPut, WindowHead,
};

/// An encoding, and the decode of its type followed by an encode of what that gave.
pub struct Sample {
    pub name: &'static str,
    pub bytes: Vec<u8>,
    pub again: fn(&[u8]) -> Result<Vec<u8>, DecodeError>,
}

/// The encoding of `$value`.
#[macro_export]
macro_rules! encoded {
    ($value:expr) => {{
        let mut bytes = Vec::new();
        $value.encode(&mut bytes);
        bytes
    }};
}

macro_rules! payload {
    ($name:literal, $type:ty, $value:expr) => {
        Sample { name: $name, bytes: encoded!($value), again: |bytes| Ok(encoded!(<$type>::decode(bytes)?)) }
    };
}

macro_rules! header {
    ($name:literal, $type:ty, $value:expr) => {
        Sample {
            name: $name,
            bytes: $value.to_bytes().to_vec(),
            again: |bytes| Ok(<$type>::decode(bytes)?.to_bytes().to_vec()),
        }
    };
}

/// One sample a type.
pub fn all() -> Vec<Sample> {
    let mut samples = headers();
    samples.extend([
        header!("manifest", Manifest, manifest()),
        payload!("segment_footer", SegmentFooter, segment_footer()),
        Sample { name: "window", bytes: window_payload(), again: window_again },
        payload!("node", Node, node()),
        payload!("member", Member, member()),
        payload!("nested_member", Member, nested_member()),
        payload!("parity", Parity, parity()),
        payload!("recipe", Recipe, recipe()),
        payload!("metadata", Metadata, metadata()),
        payload!("checksum", Checksum, checksum()),
        payload!("part_info", PartInfo, part_info(1)),
        payload!("bucket_put", BucketPut, bucket_put()),
        payload!("version_put", VersionPut, version_put()),
        payload!("uploaded_version", VersionPut, uploaded_version()),
        payload!("upload_put", UploadPut, upload_put()),
        payload!("part_put", PartPut, part_put()),
        payload!("op", Op, remove_version()),
        payload!("commit", Commit, commit()),
        payload!("healing_commit", Commit, healing_commit()),
        payload!("document_put", DocumentPut, document_put()),
        payload!("document_commit", Commit, document_commit()),
    ]);
    samples
}

/// The samples that carry a checksum of their own.
pub fn headers() -> Vec<Sample> {
    vec![
        header!("store_header", StoreHeader, store_header()),
        header!("segment_header", SegmentHeader, segment_header()),
        header!("record_header", RecordHeader, record_header()),
    ]
}

fn window_again(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let (head, head_len) = WindowHead::decode(bytes)?;
    let mut again = encoded!(head);
    again.extend_from_slice(&bytes[head_len..]);
    Ok(again)
}

fn hash(first: u8) -> Hash {
    Hash(std::array::from_fn(|at| first.wrapping_add(at as u8)))
}

fn position(segment: u64, offset: u64) -> Position {
    Position { segment: SegmentId(segment), offset }
}

fn store_id() -> StoreId {
    StoreId(std::array::from_fn(|at| 0xa0 + at as u8))
}

pub fn store_header() -> StoreHeader {
    StoreHeader { format_version: 1, store: store_id(), epoch: Epoch(1), created_ms: 1_700_000_000_000 }
}

pub fn segment_header() -> SegmentHeader {
    SegmentHeader {
        store: store_id(),
        segment: SegmentId(7),
        epoch: Epoch(1),
        salt: 0x1122_3344_5566_7788,
        created_ms: 1_700_000_000_001,
        key_id: 0,
    }
}

pub fn record_header() -> RecordHeader {
    RecordHeader::for_payload(RecordKind::Window, &window_payload(), position(7, 64), 0x1122_3344_5566_7788, Epoch(1))
}

/// One segment in each state.
pub fn manifest() -> Manifest {
    let entry =
        |segment, length, state| SegmentEntry { segment: SegmentId(segment), salt: segment << 40, length, state };
    Manifest {
        header: store_header(),
        generation: 77,
        next: SegmentId(13),
        segments: vec![
            entry(2, 268_435_520, SegmentState::Sealed),
            entry(5, 4096, SegmentState::Left),
            entry(6, 64, SegmentState::Going),
            entry(9, 1024, SegmentState::Forgotten),
            entry(12, 136, SegmentState::Open),
        ],
    }
}

pub fn segment_footer() -> SegmentFooter {
    SegmentFooter { windows: 3, nodes: 2, commits: 1, payload_bytes: 0x1_0000_0005 }
}

pub fn window_head() -> WindowHead {
    WindowHead {
        hash: hash(0x10),
        codec: Codec::ZstdReferences,
        depth: 1,
        optimized: false,
        raw_len: 1 << 20,
        encoded_len: 5,
        references: vec![hash(0x40), hash(0x80)],
        features: vec![1, 0xffff_ffff_ffff_fffe, 3],
    }
}

pub fn window_payload() -> Vec<u8> {
    let mut payload = encoded!(window_head());
    payload.extend_from_slice(b"delta");
    payload
}

pub fn entry(kind: EntryKind) -> Entry {
    Entry { kind, hash: hash(0x20), skip: 5, len: 1 << 40 }
}

pub fn member() -> Member {
    Member {
        len: 70_000,
        digest: hash(9),
        program: vec![Entry { len: 300, ..entry(EntryKind::Window) }],
        view: vec![Entry { len: 40_000, ..entry(EntryKind::Window) }; 2],
    }
}

pub fn nested_member() -> Member {
    let mut member = member();
    member.view[1].kind = EntryKind::Member;
    member
}

pub fn parity() -> Parity {
    Parity::new(PlacedKind::Window, hash(0x10), position(7, 64), &window_payload(), 64)
}

pub fn node() -> Node {
    Node { level: 1, entries: vec![entry(EntryKind::Window), entry(EntryKind::Node)] }
}

pub fn recipe() -> Recipe {
    Recipe { entries: vec![entry(EntryKind::Node), entry(EntryKind::Window)] }
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

pub fn metadata() -> Metadata {
    Metadata {
        headers: pairs(&[("content-type", "text/plain"), ("cache-control", "no-store")]),
        user: pairs(&[("größe", "groß")]),
        tags: pairs(&[("team", "")]),
    }
}

pub fn checksum() -> Checksum {
    Checksum { algorithm: ChecksumAlgorithm::Crc64Nvme, composite: false, value: (1..=8).collect() }
}

pub fn part_info(number: u16) -> PartInfo {
    PartInfo { number, size: 5 << 20, checksum: Some(checksum()) }
}

pub fn bucket_put() -> BucketPut {
    BucketPut {
        bucket: BucketId(9),
        name: "releases".into(),
        created_ms: 1_700_000_000_002,
        settings: pairs(&[("versioning", "enabled")]),
    }
}

pub fn version_put() -> VersionPut {
    VersionPut {
        bucket: BucketId(9),
        key: "a//b/ключ.tar".into(),
        version: Sequence(11),
        null_version: true,
        delete_marker: false,
        modified_ms: 1_700_000_000_003,
        size: 2 << 40,
        etag: "d41d8cd98f00b204e9800998ecf8427e-2".into(),
        metadata: metadata(),
        checksum: Some(Checksum { algorithm: ChecksumAlgorithm::Crc32c, composite: true, value: vec![1, 2, 3, 4] }),
        parts: vec![part_info(1), PartInfo { number: 10_000, size: 1, checksum: None }],
        storage_type: StorageType::Delta,
        stored_bytes: 12_345,
        recipe: recipe(),
        optimized: false,
        upload: None,
    }
}

/// A version with its extension, and checksums of the newer algorithms.
pub fn uploaded_version() -> VersionPut {
    let checksum = |algorithm: ChecksumAlgorithm, composite| Checksum {
        algorithm,
        composite,
        value: (1..).take(algorithm.digest_len()).collect(),
    };
    let newer = ChecksumAlgorithm::all().skip(5);
    VersionPut {
        checksum: Some(checksum(ChecksumAlgorithm::Sha512, true)),
        parts: (1..)
            .zip(newer)
            .map(|(number, algorithm)| PartInfo { number, size: 1, checksum: Some(checksum(algorithm, false)) })
            .collect(),
        upload: Some(UploadId(0x0102_0304_0506_0708)),
        ..version_put()
    }
}

pub fn upload_put() -> UploadPut {
    UploadPut {
        upload: UploadId(12),
        bucket: BucketId(9),
        key: "big".into(),
        started_ms: 1_700_000_000_004,
        metadata: metadata(),
        checksum: Some((ChecksumAlgorithm::Sha256, true)),
    }
}

pub fn part_put() -> PartPut {
    PartPut {
        upload: UploadId(12),
        number: 3,
        part: Sequence(13),
        modified_ms: 1_700_000_000_005,
        size: 1 << 40,
        etag: "d41d8cd98f00b204e9800998ecf8427e".into(),
        checksum: None,
        storage_type: StorageType::Passthrough,
        stored_bytes: 99,
        recipe: Recipe { entries: vec![entry(EntryKind::Window)] },
    }
}

pub fn remove_version() -> Op {
    let segments = vec![SegmentId(3), SegmentId(7)];
    let id = VersionId { bucket: BucketId(9), key: "old".into(), version: Sequence(10) };
    Op::remove::<VersionPut>(id, segments)
}

pub fn document_put() -> DocumentPut {
    DocumentPut {
        scope: "policy".into(),
        name: "read only".into(),
        document: Sequence(14),
        modified_ms: 1_700_000_000_007,
        bytes: b"{\"Version\":\"2012-10-17\"}".to_vec(),
    }
}

/// Documents put and removed.
pub fn document_commit() -> Commit {
    let removed = DocumentId { scope: "policy".into(), name: "read only".into(), document: Sequence(13) };
    let ops = vec![Op::remove::<DocumentPut>(removed, vec![SegmentId(3)]), Op::put(document_put(), vec![SegmentId(2)])];
    Commit { relocated: false, placed: vec![], ops, ..commit() }
}

/// One operation of each kind that version 1 had.
pub fn commit() -> Commit {
    let prior = || vec![SegmentId(2)];
    let segments = || vec![SegmentId(3), SegmentId(7)];
    Commit {
        time_ms: 1_700_000_000_006,
        durable_upto: position(7, 4096),
        relocated: true,
        healing: false,
        placed: vec![
            Placement { kind: PlacedKind::Window, hash: hash(1), position: position(7, 64) },
            Placement { kind: PlacedKind::Node, hash: hash(2), position: position(7, 512) },
        ],
        ops: vec![
            Op::put(bucket_put(), vec![]),
            Op::remove::<BucketPut>(BucketId(8), segments()),
            Op::put(version_put(), prior()),
            remove_version(),
            Op::put(upload_put(), prior()),
            Op::remove::<UploadPut>(UploadId(5), segments()),
            Op::put(part_put(), prior()),
            Op::remove::<PartPut>(PartId { upload: UploadId(12), number: 4, part: Sequence(6) }, segments()),
        ],
    }
}

/// A commit that places records in place of damaged ones.
pub fn healing_commit() -> Commit {
    Commit { relocated: false, healing: true, ops: vec![remove_version()], ..commit() }
}
