//! Properties that hold for any value and for any bytes.

use crate::{encoded, samples};
use deltastore_format::store::FORMAT_VERSION;
use deltastore_format::{
    BucketId, BucketPut, Checksum, ChecksumAlgorithm, Codec, Commit, DocumentPut, Durable, Entry, EntryKind, Epoch,
    Hash, Manifest, Member, Metadata, Node, Op, Parity, PartId, PartInfo, PartPut, PlacedKind, Placement, Position,
    Recipe, RecordHeader, RecordKind, SegmentEntry, SegmentFooter, SegmentHeader, SegmentId, SegmentState, Sequence,
    StorageType, StoreHeader, StoreId, UploadId, UploadPut, VersionId, VersionPut, WindowHead,
};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

#[test]
fn a_cut_encoding_is_refused_at_every_length() {
    for sample in samples::all() {
        for len in 0..sample.bytes.len() {
            assert!((sample.again)(&sample.bytes[..len]).is_err(), "{} cut to {len} bytes", sample.name);
        }
    }
}

#[test]
fn a_window_head_alone_is_refused_only_when_it_is_cut() {
    let payload = samples::window_payload();
    let (head, head_len) = WindowHead::decode(&payload).expect("whole");
    for len in 0..payload.len() {
        let decoded = WindowHead::decode_prefix(&payload[..len]).ok();
        assert_eq!(decoded, (len >= head_len).then(|| (head.clone(), head_len)), "cut to {len} bytes");
    }
}

/// Every value has one encoding: what decodes is encoded to the same bytes.
#[test]
fn a_flipped_bit_is_refused_or_is_another_value() {
    for sample in samples::all() {
        for bit in 0..sample.bytes.len() * 8 {
            let mut bytes = sample.bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if let Ok(again) = (sample.again)(&bytes) {
                assert_eq!(again, bytes, "{} with bit {bit} flipped", sample.name);
            }
        }
    }
}

#[test]
fn a_header_with_any_bit_flipped_is_refused() {
    for sample in samples::headers() {
        for bit in 0..sample.bytes.len() * 8 {
            let mut bytes = sample.bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!((sample.again)(&bytes).is_err(), "{} with bit {bit} flipped", sample.name);
        }
    }
}

#[test]
fn a_payload_with_any_bit_flipped_fails_its_record() {
    let (header, payload) = (samples::record_header(), samples::window_payload());
    for bit in 0..payload.len() * 8 {
        let mut bytes = payload.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(header.check_payload(&bytes).is_err(), "bit {bit} flipped");
    }
}

fn hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash)
}

fn position() -> impl Strategy<Value = Position> {
    (any::<u64>(), any::<u64>())
        .prop_map(|(segment, offset)| Position { segment: SegmentId(segment), offset: offset & !7 })
}

fn entry(kinds: &'static [EntryKind]) -> impl Strategy<Value = Entry> {
    (select(kinds), hash(), any::<u64>(), 1..=u64::MAX).prop_map(|(kind, hash, skip, len)| {
        let skip = skip.min(u64::MAX - len);
        Entry { kind, hash, skip, len }
    })
}

fn recipe() -> impl Strategy<Value = Recipe> {
    vec(entry(&[EntryKind::Window, EntryKind::Node, EntryKind::Member]), 0..=16).prop_map(|entries| Recipe { entries })
}

fn node() -> impl Strategy<Value = Node> {
    let leaf =
        vec(entry(&[EntryKind::Window, EntryKind::Member]), 1..=40).prop_map(|entries| Node { level: 0, entries });
    let inner = (1..=4u8, vec(entry(&[EntryKind::Window, EntryKind::Node]), 0..=40), entry(&[EntryKind::Node]))
        .prop_map(|(level, mut entries, node)| {
            entries.push(node);
            Node { level, entries }
        });
    prop_oneof![leaf, inner]
}

fn member() -> impl Strategy<Value = Member> {
    let slice = |most: u64, kinds: &'static [EntryKind]| {
        (select(kinds), hash(), 0..u64::MAX - most, 1..=most).prop_map(|(kind, hash, skip, len)| Entry {
            kind,
            hash,
            skip,
            len,
        })
    };
    let kinds = &[EntryKind::Window, EntryKind::Window, EntryKind::Member];
    (1..=16u32 << 20, hash(), vec(slice(6 << 10, &kinds[..1]), 1..=10), vec(slice(1 << 20, kinds), 0..=60))
        .prop_map(|(len, digest, program, view)| Member { len, digest, program, view })
}

fn window_head() -> impl Strategy<Value = WindowHead> {
    let codecs = select(&[Codec::ZstdReferences, Codec::Vcdiff, Codec::Approximate, Codec::ColumnsReferences][..]);
    let delta = (codecs, 1..=u8::MAX, vec(hash(), 1..=4));
    let plain =
        select(&[Codec::Raw, Codec::Zstd, Codec::Columns, Codec::Tokens][..]).prop_map(|codec| (codec, 0, vec![]));
    let lens = (0..=16u32 << 20, 0..=16u32 << 20);
    (prop_oneof![delta, plain], hash(), lens, vec(any::<u64>(), 0..=64), any::<bool>()).prop_map(
        |((codec, depth, references), hash, (raw_len, encoded_len), features, optimized)| {
            let encoded_len = if codec == Codec::Raw { raw_len } else { encoded_len };
            WindowHead { hash, codec, depth, optimized, raw_len, encoded_len, references, features }
        },
    )
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    vec((".{0,12}", ".{0,12}"), 0..4)
}

fn metadata() -> impl Strategy<Value = Metadata> {
    (pairs(), pairs(), pairs()).prop_map(|(headers, user, tags)| Metadata { headers, user, tags })
}

fn algorithm() -> impl Strategy<Value = ChecksumAlgorithm> {
    select(ChecksumAlgorithm::all().collect::<Vec<_>>())
}

fn checksum() -> impl Strategy<Value = Checksum> {
    (algorithm(), any::<bool>(), vec(any::<u8>(), 64)).prop_map(|(algorithm, composite, digest)| Checksum {
        algorithm,
        composite,
        value: digest[..algorithm.digest_len()].to_vec(),
    })
}

fn parts() -> impl Strategy<Value = Vec<PartInfo>> {
    let part = (any::<u64>(), option::of(checksum()));
    (btree_set(1..=10_000u16, 0..6), vec(part, 6)).prop_map(|(numbers, parts)| {
        let infos = numbers.into_iter().zip(parts);
        infos.map(|(number, (size, checksum))| PartInfo { number, size, checksum }).collect()
    })
}

fn storage_type() -> impl Strategy<Value = StorageType> {
    select(&[StorageType::Reference, StorageType::Delta, StorageType::Passthrough][..])
}

fn bucket_put() -> impl Strategy<Value = BucketPut> {
    (any::<u64>(), ".{1,20}", any::<u64>(), pairs()).prop_map(|(bucket, name, created_ms, settings)| BucketPut {
        bucket: BucketId(bucket),
        name,
        created_ms,
        settings,
    })
}

fn version_put() -> impl Strategy<Value = VersionPut> {
    let upload = option::of(any::<u64>().prop_map(UploadId));
    let content = (metadata(), option::of(checksum()), parts(), storage_type(), recipe(), upload);
    (any::<[u64; 5]>(), any::<[bool; 3]>(), ".{1,30}", "[0-9a-f-]{0,38}", content).prop_map(
        |(numbers, flags, key, etag, (metadata, checksum, parts, storage_type, recipe, upload))| VersionPut {
            bucket: BucketId(numbers[0]),
            key,
            version: Sequence(numbers[1]),
            null_version: flags[0],
            delete_marker: flags[1],
            modified_ms: numbers[2],
            size: numbers[3],
            etag,
            metadata,
            checksum,
            parts,
            storage_type,
            stored_bytes: numbers[4],
            recipe,
            optimized: flags[2],
            upload,
        },
    )
}

fn upload_put() -> impl Strategy<Value = UploadPut> {
    (any::<[u64; 3]>(), ".{1,30}", metadata(), option::of((algorithm(), any::<bool>()))).prop_map(
        |(numbers, key, metadata, checksum)| UploadPut {
            upload: UploadId(numbers[0]),
            bucket: BucketId(numbers[1]),
            key,
            started_ms: numbers[2],
            metadata,
            checksum,
        },
    )
}

fn part_put() -> impl Strategy<Value = PartPut> {
    let content = (option::of(checksum()), storage_type(), recipe());
    (any::<[u64; 5]>(), 1..=10_000u16, "[0-9a-f]{32}", content).prop_map(
        |(numbers, number, etag, (checksum, storage_type, recipe))| PartPut {
            upload: UploadId(numbers[0]),
            number,
            part: Sequence(numbers[1]),
            modified_ms: numbers[2],
            size: numbers[3],
            etag,
            checksum,
            storage_type,
            stored_bytes: numbers[4],
            recipe,
        },
    )
}

fn segments() -> impl Strategy<Value = Vec<SegmentId>> {
    vec(any::<u64>().prop_map(SegmentId), 0..5)
}

fn op() -> impl Strategy<Value = Op> {
    let ids = any::<[u64; 2]>();
    prop_oneof![
        (bucket_put(), segments()).prop_map(|(put, prior)| Op::put(put, prior)),
        (version_put(), segments()).prop_map(|(put, prior)| Op::put(put, prior)),
        (upload_put(), segments()).prop_map(|(put, prior)| Op::put(put, prior)),
        (part_put(), segments()).prop_map(|(put, prior)| Op::put(put, prior)),
        (document_put(), segments()).prop_map(|(put, prior)| Op::put(put, prior)),
        (any::<u64>(), segments()).prop_map(|(id, segments)| Op::remove::<BucketPut>(BucketId(id), segments)),
        (any::<u64>(), segments()).prop_map(|(id, segments)| Op::remove::<UploadPut>(UploadId(id), segments)),
        (ids, ".{1,30}", segments()).prop_map(|(ids, key, segments)| {
            let id = VersionId { bucket: BucketId(ids[0]), key, version: Sequence(ids[1]) };
            Op::remove::<VersionPut>(id, segments)
        }),
        (ids, 1..=10_000u16, segments()).prop_map(|(ids, number, segments)| {
            Op::remove::<PartPut>(PartId { upload: UploadId(ids[0]), number, part: Sequence(ids[1]) }, segments)
        }),
        (document_put(), segments()).prop_map(|(put, segments)| Op::remove::<DocumentPut>(put.id(), segments)),
    ]
}

fn document_put() -> impl Strategy<Value = DocumentPut> {
    (".{1,12}", ".{1,30}", any::<[u64; 2]>(), vec(any::<u8>(), 0..40)).prop_map(|(scope, name, ids, bytes)| {
        DocumentPut { scope, name, document: Sequence(ids[0]), modified_ms: ids[1], bytes }
    })
}

fn commit() -> impl Strategy<Value = Commit> {
    let placed = (select(&[PlacedKind::Window, PlacedKind::Node][..]), hash(), position())
        .prop_map(|(kind, hash, position)| Placement { kind, hash, position });
    (any::<u64>(), position(), any::<[bool; 2]>(), vec(placed, 0..8), vec(op(), 0..6)).prop_map(
        |(time_ms, durable_upto, [relocated, healing], placed, ops)| Commit {
            time_ms,
            durable_upto,
            relocated,
            healing,
            placed,
            ops,
        },
    )
}

/// Asserts that `$value` decodes from its encoding.
macro_rules! assert_round_trip {
    ($type:ty, $value:expr) => {
        prop_assert_eq!(<$type>::decode(&encoded!($value)), Ok($value))
    };
}

proptest! {
    #[test]
    fn commits_round_trip(commit in commit()) {
        assert_round_trip!(Commit, commit);
    }

    #[test]
    fn operations_and_puts_round_trip(
        op in op(), bucket in bucket_put(), version in version_put(), upload in upload_put(), part in part_put(), document in document_put(),
    ) {
        assert_round_trip!(Op, op);
        assert_round_trip!(BucketPut, bucket);
        assert_round_trip!(VersionPut, version);
        assert_round_trip!(UploadPut, upload);
        assert_round_trip!(PartPut, part);
        assert_round_trip!(DocumentPut, document);
    }

    #[test]
    fn recipes_nodes_and_descriptions_round_trip(
        recipe in recipe(), node in node(), member in member(), metadata in metadata(), checksum in checksum(), parts in parts(),
    ) {
        assert_round_trip!(Recipe, recipe);
        assert_round_trip!(Node, node);
        assert_round_trip!(Member, member);
        assert_round_trip!(Metadata, metadata);
        assert_round_trip!(Checksum, checksum);
        for part in parts {
            assert_round_trip!(PartInfo, part);
        }
    }

    #[test]
    fn parity_round_trips_and_repairs(
        payload in vec(any::<u8>(), 1..3000), blocks in 1..9u32, whole in any::<bool>(), position in position(), at in any::<usize>(),
    ) {
        let block_len = if whole { u32::MAX } else { blocks * 64 };
        let parity = Parity::new(PlacedKind::Node, Hash([3; 32]), position, &payload, block_len);
        let mut found = payload.clone();
        found[at % payload.len()] ^= 1;
        prop_assert_eq!(parity.repair(&found), Some(payload));
        assert_round_trip!(Parity, parity);
    }

    #[test]
    fn window_heads_round_trip(head in window_head()) {
        let mut payload = encoded!(head);
        let head_len = payload.len();
        prop_assert!(head_len <= deltastore_format::window::MAX_WINDOW_HEAD_LEN);
        prop_assert_eq!(WindowHead::decode_prefix(&payload), Ok((head.clone(), head_len)));
        payload.resize(head_len + head.encoded_len.min(4096) as usize, 7);
        prop_assert_eq!(WindowHead::decode(&payload).is_ok(), head.encoded_len <= 4096);
    }

    #[test]
    fn headers_round_trip(
        store in any::<[u8; 16]>(), numbers in any::<[u64; 3]>(), epoch in any::<u32>(), position in position(),
        kind in select(&[RecordKind::Window, RecordKind::Node, RecordKind::Commit, RecordKind::Footer, RecordKind::Parity][..]),
        payload in vec(any::<u8>(), 0..300),
    ) {
        let (store, epoch) = (StoreId(store), Epoch(epoch));
        let header = StoreHeader { format_version: 1 + numbers[0] as u32 % FORMAT_VERSION, store, epoch, created_ms: numbers[0] };
        prop_assert_eq!(StoreHeader::decode(&header.to_bytes()), Ok(header));
        let [segment, salt, created_ms] = numbers;
        let header = SegmentHeader { store, segment: SegmentId(segment), epoch, salt, created_ms, key_id: 0 };
        prop_assert_eq!(SegmentHeader::decode(&header.to_bytes()), Ok(header));
        let header = RecordHeader::for_payload(kind, &payload, position, salt, epoch);
        prop_assert_eq!(header.check_payload(&payload), Ok(()));
        prop_assert_eq!(RecordHeader::decode(&header.to_bytes()), Ok(header));
        let footer = SegmentFooter { windows: segment, nodes: salt, commits: created_ms, payload_bytes: salt };
        assert_round_trip!(SegmentFooter, footer);
    }

    #[test]
    fn manifests(
        ids in btree_set(0..u64::MAX, 0..20), numbers in any::<[u64; 4]>(), store in any::<[u8; 16]>().prop_map(StoreId),
    ) {
        use SegmentState::{Forgotten, Going, Left, Open, Sealed};
        let [generation, salt, created_ms, length] = numbers;
        let header = StoreHeader { format_version: FORMAT_VERSION, store, epoch: Epoch(1), created_ms };
        let entry = |(number, id): (usize, &u64)| SegmentEntry {
            segment: SegmentId(*id),
            salt: salt ^ *id,
            length: length & !7,
            state: [Open, Sealed, Left, Going, Forgotten][number % 5],
        };
        let segments = ids.iter().enumerate().map(entry).collect();
        let next = SegmentId(ids.last().map_or(0, |last| last + 1));
        let manifest = Manifest { header, generation, next, segments };
        prop_assert_eq!(Manifest::decode(&manifest.to_bytes()), Ok(manifest));
    }

    #[test]
    fn any_bytes_are_refused_or_are_one_value(bytes in vec(any::<u8>(), 0..200)) {
        for sample in samples::all() {
            if let Ok(again) = (sample.again)(&bytes) {
                prop_assert_eq!(&again, &bytes, "{}", sample.name);
            }
        }
    }
}
