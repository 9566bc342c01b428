//! One test for each way an encoding can be wrong; each names the error it must end in.

use crate::{encoded, samples};
use deltastore_format::commit::{MAX_OPS, MAX_PLACED};
use deltastore_format::window::{MAX_FEATURES, MAX_REFERENCES};
use deltastore_format::{
    BucketPut, Checksum, Codec, Commit, DecodeError, EntryKind, Manifest, Member, Metadata, Node, NodePayload, Op,
    Parity, PartInfo, PartPut, Recipe, RecordHeader, SegmentFooter, SegmentHeader, StoreHeader, UploadId, UploadPut,
    VersionPut, WindowHead, crc32c,
};

/// `bytes` with `patch` at `at`.
fn patched(bytes: &[u8], at: usize, patch: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + patch.len()].copy_from_slice(patch);
    bytes
}

/// As [`patched`], with the header's checksum made right again.
fn resealed(bytes: &[u8], at: usize, patch: &[u8]) -> Vec<u8> {
    let bytes = patched(bytes, at, patch);
    let crc = crc32c(&bytes[..60]);
    patched(&bytes, 60, &crc.to_le_bytes())
}

/// Asserts that decoding fails with a variant (and the fields given).
macro_rules! refused {
    ($decoded:expr, $pattern:pat) => {{
        let decoded = $decoded;
        assert!(matches!(decoded, Err($pattern)), "{decoded:?} is not {}", stringify!($pattern));
    }};
}

use DecodeError as E;

mod manifests {
    use super::*;

    /// Where the entries begin, and how long each is.
    const ENTRIES: usize = 64;
    const ENTRY: usize = 32;

    /// As [`patched`], with both checksums made right again.
    fn sealed(at: usize, patch: &[u8]) -> Vec<u8> {
        let bytes = resealed(&samples::manifest().to_bytes(), at, patch);
        let end = bytes.len() - 4;
        let crc = crc32c(&bytes[ENTRIES..end]);
        patched(&bytes, end, &crc.to_le_bytes())
    }

    #[test]
    fn of_a_newer_build_or_store() {
        refused!(Manifest::decode(&sealed(4, &[2])), E::Version { found: 2, known: 1, .. });
        refused!(Manifest::decode(&sealed(28, &[99])), E::Version { found: 99, .. });
        refused!(Manifest::decode(&sealed(28, &[0])), E::Version { found: 0, .. });
    }

    #[test]
    fn wrong_magic_and_checksums() {
        let bytes = samples::manifest().to_bytes();
        refused!(Manifest::decode(&sealed(0, b"XXXX")), E::Magic { .. });
        refused!(Manifest::decode(&patched(&bytes, 40, &[1])), E::Checksum { .. });
        refused!(Manifest::decode(&patched(&bytes, ENTRIES + 8, &[1])), E::Checksum { .. });
    }

    #[test]
    fn a_count_over_what_is_there_or_the_limit() {
        refused!(Manifest::decode(&sealed(56, &[6])), E::Truncated { needed: 196, left: 164, .. });
        refused!(Manifest::decode(&sealed(56, &[4])), E::Trailing { left: 32, .. });
        refused!(Manifest::decode(&sealed(56, &[1, 0, 0, 1])), E::Limit { limit: 0x100_0000, .. });
    }

    #[test]
    fn ids_out_of_order_or_not_used_yet() {
        const ORDER: &str = "the order of segment ids";
        refused!(Manifest::decode(&sealed(ENTRIES, &[5])), E::Inconsistent { with: ORDER, .. });
        refused!(Manifest::decode(&sealed(ENTRIES, &[7])), E::Inconsistent { with: ORDER, .. });
        refused!(Manifest::decode(&sealed(48, &[12])), E::Inconsistent { with: ORDER, .. });
    }

    #[test]
    fn states_lengths_and_reserved_bytes() {
        let state = ENTRIES + 24;
        for unknown in [0, 6, 255] {
            refused!(Manifest::decode(&sealed(state, &[unknown])), E::Unknown { what: "state of a segment", .. });
        }
        refused!(Manifest::decode(&sealed(ENTRIES + 16, &[4])), E::Inconsistent { .. });
        for at in [state + 1, ENTRIES + ENTRY - 1] {
            refused!(Manifest::decode(&sealed(at, &[1])), E::Reserved { .. });
        }
    }
}

mod headers {
    use super::*;

    #[test]
    fn bytes_after_the_end() {
        for sample in samples::all() {
            let mut bytes = sample.bytes.clone();
            bytes.push(0);
            refused!((sample.again)(&bytes), E::Trailing { left: 1, .. });
        }
    }

    #[test]
    fn nothing_at_all() {
        for sample in samples::all() {
            refused!((sample.again)(&[]), E::Truncated { left: 0, .. });
        }
    }

    #[test]
    fn wrong_magic() {
        for sample in samples::headers() {
            refused!((sample.again)(&resealed(&sample.bytes, 0, b"XXXX")), E::Magic { found: 0x5858_5858, .. });
            refused!((sample.again)(&[0; 64]), E::Magic { found: 0, .. });
        }
    }

    #[test]
    fn wrong_checksum() {
        for sample in samples::headers() {
            refused!((sample.again)(&patched(&sample.bytes, 60, &[0; 4])), E::Checksum { expected: 0, .. });
            refused!((sample.again)(&patched(&sample.bytes, 20, &[0xee])), E::Checksum { .. });
        }
    }

    #[test]
    fn newer_version() {
        for sample in samples::headers() {
            let version = E::Version { what: "", found: 9, known: 1 };
            let found = (sample.again)(&resealed(&sample.bytes, 4, &[9])).expect_err("newer");
            assert_eq!(std::mem::discriminant(&found), std::mem::discriminant(&version), "{found}");
            refused!((sample.again)(&resealed(&sample.bytes, 4, &[0])), E::Version { found: 0, .. });
        }
    }

    #[test]
    fn reserved_bytes() {
        let reserved: [(&str, &[usize]); 3] =
            [("store_header", &[28, 31, 40, 59]), ("segment_header", &[56, 59]), ("record_header", &[6, 7, 48, 59])];
        for (sample, (name, offsets)) in samples::headers().iter().zip(reserved) {
            assert_eq!(sample.name, name);
            for at in offsets {
                refused!((sample.again)(&resealed(&sample.bytes, *at, &[1])), E::Reserved { .. });
            }
        }
    }

    #[test]
    fn an_encryption_key() {
        const UNKNOWN: &str = "encryption key id";
        let segment = samples::segment_header().to_bytes();
        refused!(SegmentHeader::decode(&resealed(&segment, 52, &[9])), E::Unknown { what: UNKNOWN, value: 9 });
        let record = samples::record_header().to_bytes();
        refused!(RecordHeader::decode(&resealed(&record, 12, &[9])), E::Unknown { what: UNKNOWN, value: 9 });
    }

    #[test]
    fn record_kinds() {
        let bytes = samples::record_header().to_bytes();
        for kind in [0, 6, 255] {
            refused!(RecordHeader::decode(&resealed(&bytes, 5, &[kind])), E::Unknown { what: "record kind", .. });
        }
    }

    #[test]
    fn a_payload_over_the_limit() {
        let bytes = samples::record_header().to_bytes();
        let most = 64 << 20_u32;
        assert!(RecordHeader::decode(&resealed(&bytes, 8, &u32::to_le_bytes(most))).is_ok());
        refused!(
            RecordHeader::decode(&resealed(&bytes, 8, &u32::to_le_bytes(most + 1))),
            E::Limit { what: "record payload", value: 0x400_0001, limit: 0x400_0000 }
        );
    }

    #[test]
    fn a_record_off_the_alignment() {
        let bytes = samples::record_header().to_bytes();
        refused!(RecordHeader::decode(&resealed(&bytes, 24, &[68])), E::Inconsistent { what: "position", .. });
    }

    #[test]
    fn payloads_that_are_not_the_headers() {
        let (header, payload) = (samples::record_header(), samples::window_payload());
        refused!(header.check_payload(&payload[1..]), E::Truncated { needed: 141, left: 140, .. });
        refused!(header.check_payload(&[&payload[..], &[0]].concat()), E::Trailing { left: 1, .. });
        refused!(header.check_payload(&patched(&payload, 9, &[1])), E::Checksum { what: "record payload", .. });
    }

    #[test]
    fn store_of_a_newer_build() {
        let newer = StoreHeader { format_version: 9, ..samples::store_header() };
        refused!(StoreHeader::decode(&newer.to_bytes()), E::Version { what: "store header", found: 9, known: 8 });
    }
}

mod versions {
    use super::*;

    #[test]
    fn a_payload_of_another_version() {
        let versioned = [
            "segment_footer",
            "window",
            "node",
            "parity",
            "bucket_put",
            "version_put",
            "upload_put",
            "part_put",
            "document_put",
            "commit",
        ];
        let mut seen = 0;
        for sample in samples::all().iter().filter(|sample| versioned.contains(&sample.name)) {
            refused!((sample.again)(&patched(&sample.bytes, 0, &[2])), E::Version { found: 2, known: 1, .. });
            refused!((sample.again)(&patched(&sample.bytes, 0, &[0])), E::Version { found: 0, known: 1, .. });
            seen += 1;
        }
        assert_eq!(seen, versioned.len());
    }

    #[test]
    fn an_unknown_extension() {
        // The list of extensions is the last thing: a count of 1, tag 5, length 0.
        let extended = |mut bytes: Vec<u8>| {
            bytes.truncate(bytes.len() - 2);
            bytes.extend([1, 0, 5, 0, 0, 0, 0, 0]);
            bytes
        };
        const UNKNOWN: &str = "extension";
        refused!(BucketPut::decode(&extended(encoded!(samples::bucket_put()))), E::Unknown { what: UNKNOWN, value: 5 });
        refused!(
            VersionPut::decode(&extended(encoded!(samples::version_put()))),
            E::Unknown { what: UNKNOWN, value: 5 }
        );
        refused!(UploadPut::decode(&extended(encoded!(samples::upload_put()))), E::Unknown { what: UNKNOWN, value: 5 });
        refused!(PartPut::decode(&extended(encoded!(samples::part_put()))), E::Unknown { what: UNKNOWN, value: 5 });
        refused!(Commit::decode(&extended(encoded!(samples::commit()))), E::Unknown { what: UNKNOWN, value: 5 });
    }

    #[test]
    fn extensions_of_a_version() {
        let with = |extensions: &[u8]| {
            let mut bytes = encoded!(samples::version_put());
            bytes.truncate(bytes.len() - 2);
            bytes.extend(extensions);
            VersionPut::decode(&bytes)
        };
        let upload = [1, 0, 8, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0];
        let one = [&[1, 0][..], &upload].concat();
        assert_eq!(with(&one).map(|put| put.upload), Ok(Some(UploadId(7))));
        const WHAT: &str = "extension";
        refused!(with(&[&[2, 0][..], &upload, &upload].concat()), E::Inconsistent { what: WHAT, .. });
        refused!(with(&[&[2, 0][..], &upload, &[2, 0, 0, 0, 0, 0]].concat()), E::Unknown { what: WHAT, value: 2 });
        refused!(with(&[&one[..], &[0]].concat()), E::Trailing { .. });
        refused!(with(&one[..one.len() - 1]), E::Truncated { what: WHAT, needed: 8, left: 7 });
        refused!(with(&[1, 0, 1, 0, 7, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0]), E::Truncated { .. });
        refused!(with(&[1, 0, 1, 0, 9, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0]), E::Trailing { what: WHAT, left: 1 });
        refused!(with(&[1, 0, 1, 0, 255, 255, 255, 255]), E::Truncated { what: WHAT, needed: 0xffff_ffff, .. });
    }

    #[test]
    fn reserved_payload_bytes() {
        let footer = encoded!(samples::segment_footer());
        refused!(SegmentFooter::decode(&patched(&footer, 7, &[1])), E::Reserved { what: "segment footer" });
        let window = samples::window_payload();
        refused!(WindowHead::decode(&patched(&window, 5, &[2])), E::Reserved { what: "window flags" });
        refused!(WindowHead::decode(&patched(&window, 6, &[1])), E::Reserved { what: "window head" });
        let node = encoded!(samples::node());
        refused!(Node::decode(&patched(&node, 3, &[1])), E::Reserved { what: "node" });
        let commit = encoded!(samples::commit());
        refused!(Commit::decode(&patched(&commit, 1, &[8])), E::Reserved { what: "commit flags" });
        refused!(Commit::decode(&patched(&commit, 3, &[1])), E::Reserved { what: "commit" });
        let version = encoded!(samples::version_put());
        refused!(VersionPut::decode(&patched(&version, 1, &[8])), E::Reserved { what: "version flags" });
        let checksum = encoded!(samples::checksum());
        refused!(Checksum::decode(&patched(&checksum, 1, &[2])), E::Reserved { what: "checksum flags" });
    }
}

mod parity {
    use super::*;

    fn decode(at: usize, bytes: &[u8]) -> Result<Parity, E> {
        Parity::decode(&patched(&encoded!(samples::parity()), at, bytes))
    }

    #[test]
    fn kinds_and_reserved_bytes() {
        refused!(decode(1, &[3]), E::Unknown { what: "parity kind", value: 3 });
        refused!(decode(2, &[1]), E::Reserved { what: "parity" });
    }

    #[test]
    fn blocks_that_no_writer_makes() {
        refused!(decode(8, &u32::to_le_bytes(0)), E::Empty { what: "parity's block" });
        refused!(decode(8, &u32::to_le_bytes(65)), E::Inconsistent { what: "parity's block", .. });
        refused!(decode(8, &u32::to_le_bytes(142)), E::Limit { what: "parity's block", value: 142, limit: 141 });
        refused!(decode(4, &u32::to_le_bytes(0)), E::Limit { what: "parity's block", value: 64, limit: 0 });
        let long = [1 << 20_u32, (64 << 10) + 64].map(u32::to_le_bytes).concat();
        refused!(decode(4, &long), E::Limit { what: "parity's block", limit: 0x1_0000, .. });
    }

    #[test]
    fn more_or_less_than_its_lengths_say() {
        refused!(decode(4, &u32::to_le_bytes((64 << 20) + 1)), E::Limit { what: "parity's payload", .. });
        refused!(decode(4, &u32::to_le_bytes(64 << 20)), E::Truncated { needed: 0x40_0000, .. });
        // One block less: its checksum is left over.
        refused!(decode(4, &u32::to_le_bytes(128)), E::Trailing { left: 4, .. });
        refused!(decode(4, &u32::to_le_bytes(193)), E::Truncated { needed: 64, left: 60, .. });
    }
}

mod windows {
    use super::*;

    fn decode(change: impl FnOnce(&mut WindowHead)) -> Result<(WindowHead, usize), DecodeError> {
        let mut head = samples::window_head();
        change(&mut head);
        WindowHead::decode_prefix(&encoded!(head))
    }

    #[test]
    fn unknown_codec() {
        let bytes = patched(&samples::window_payload(), 1, &[8]);
        refused!(WindowHead::decode(&bytes), E::Unknown { what: "codec", value: 8 });
    }

    #[test]
    fn lengths_over_the_limits() {
        refused!(decode(|head| head.raw_len = (16 << 20) + 1), E::Limit { what: "window length", .. });
        refused!(decode(|head| head.encoded_len = (64 << 20) + 1), E::Limit { what: "encoded length", .. });
    }

    #[test]
    fn lists_over_the_limits() {
        let limit = MAX_REFERENCES as u64;
        let references = decode(|head| head.references = vec![head.references[0]; MAX_REFERENCES + 1]);
        assert_eq!(references, Err(E::Limit { what: "window references", value: limit + 1, limit }));
        let limit = MAX_FEATURES as u64;
        let features = decode(|head| head.features = vec![0; MAX_FEATURES + 1]);
        assert_eq!(features, Err(E::Limit { what: "window features", value: limit + 1, limit }));
        // More than the count's byte holds.
        refused!(decode(|head| head.features = vec![0; 256]), E::Limit { value: 255, .. });
    }

    #[test]
    fn references_that_do_not_fit_the_codec() {
        for codec in [Codec::Raw, Codec::Zstd, Codec::Columns, Codec::Tokens] {
            let decoded = decode(|head| head.codec = codec);
            refused!(decoded, E::Inconsistent { what: "window references", with: "its codec" });
        }
        for codec in [Codec::ZstdReferences, Codec::Vcdiff, Codec::Approximate, Codec::ColumnsReferences] {
            let decoded = decode(|head| {
                head.codec = codec;
                head.references.clear();
            });
            refused!(decoded, E::Inconsistent { what: "window references", with: "its codec" });
        }
    }

    #[test]
    fn depth_that_does_not_fit_the_codec() {
        refused!(decode(|head| head.depth = 0), E::Inconsistent { what: "window depth", .. });
        let plain = decode(|head| {
            head.codec = Codec::Zstd;
            head.references.clear();
        });
        refused!(plain, E::Inconsistent { what: "window depth", .. });
    }

    #[test]
    fn a_raw_window_of_another_length() {
        let raw = decode(|head| {
            head.codec = Codec::Raw;
            head.references.clear();
            head.depth = 0;
        });
        refused!(raw, E::Inconsistent { what: "encoded length", .. });
    }

    #[test]
    fn a_window_that_references_itself() {
        refused!(
            decode(|head| head.references[1] = head.hash),
            E::Inconsistent { what: "window references", with: "its own hash" }
        );
    }

    #[test]
    fn encoded_bytes_that_are_not_as_long_as_the_head_says() {
        let payload = samples::window_payload();
        refused!(
            WindowHead::decode(&payload[..payload.len() - 1]),
            E::Truncated { what: "window bytes", needed: 5, left: 4 }
        );
        let longer = [&payload[..], &[0]].concat();
        refused!(WindowHead::decode(&longer), E::Trailing { what: "window bytes", left: 1 });
    }
}

mod recipes {
    use super::*;

    #[test]
    fn too_many_entries() {
        let recipe = Recipe { entries: vec![samples::entry(EntryKind::Window); 17] };
        refused!(Recipe::decode(&encoded!(recipe)), E::Limit { what: "recipe entries", value: 17, limit: 16 });
        let node = Node { level: 0, entries: vec![samples::entry(EntryKind::Window); 1025] };
        refused!(Node::decode(&encoded!(node)), E::Limit { what: "node entries", value: 1025, limit: 1024 });
    }

    #[test]
    fn counts_that_the_bytes_cannot_hold() {
        refused!(Recipe::decode(&[16, 0, 0, 0]), E::Truncated { what: "recipe entries", needed: 784, left: 0 });
        refused!(Recipe::decode(&[255; 4]), E::Limit { what: "recipe entries", value: 0xffff_ffff, .. });
    }

    #[test]
    fn a_node_without_entries() {
        let node = Node { level: 0, entries: vec![] };
        refused!(Node::decode(&encoded!(node)), E::Empty { what: "node entries" });
    }

    #[test]
    fn a_node_too_high() {
        let node = Node { level: 5, ..samples::node() };
        refused!(Node::decode(&encoded!(node)), E::Limit { what: "node level", value: 5, limit: 4 });
    }

    #[test]
    fn a_level_that_does_not_fit_the_entries() {
        let node = Node { level: 0, ..samples::node() };
        refused!(Node::decode(&encoded!(node)), E::Inconsistent { what: "node level", .. });
        let node = Node { level: 1, entries: vec![samples::entry(EntryKind::Window)] };
        refused!(Node::decode(&encoded!(node)), E::Inconsistent { what: "node level", .. });
    }

    #[test]
    fn members() {
        let bytes = encoded!(samples::member());
        refused!(Member::decode(&patched(&bytes, 0, &[1])), E::Unknown { what: "member version", value: 1 });
        refused!(Member::decode(&patched(&bytes, 2, &[1])), E::Reserved { what: "member" });
        let with = |change: fn(&mut Member)| {
            let mut member = samples::member();
            change(&mut member);
            Member::decode(&encoded!(member))
        };
        refused!(with(|member| member.len = 0), E::Empty { what: "member length" });
        refused!(with(|member| member.len = (16 << 20) + 1), E::Limit { what: "member length", .. });
        refused!(with(|member| member.program.clear()), E::Empty { what: "member program" });
        refused!(with(|member| member.program[0].len = 65_537), E::Limit { what: "member program", .. });
        refused!(with(|member| member.view[0].len = u64::MAX - 5), E::Limit { what: "member view", .. });
        refused!(with(|member| member.view[1].kind = EntryKind::Node), E::Inconsistent { what: "member view", .. });
        for kind in [EntryKind::Node, EntryKind::Member] {
            let mut member = samples::nested_member();
            member.program[0].kind = kind;
            refused!(Member::decode(&encoded!(member)), E::Inconsistent { what: "member program", .. });
        }
        // Each form has one version.
        let nested = encoded!(samples::nested_member());
        refused!(Member::decode(&patched(&nested, 0, &[2])), E::Inconsistent { what: "member view", .. });
        refused!(Member::decode(&patched(&bytes, 0, &[3])), E::Inconsistent { what: "member version", .. });
        refused!(Member::decode(&patched(&bytes, 0, &[4])), E::Unknown { what: "member version", value: 4 });
        let many = Member { view: vec![samples::entry(EntryKind::Window); 1025], ..samples::member() };
        refused!(Member::decode(&encoded!(many)), E::Limit { what: "member view", value: 1025, limit: 1024 });
    }

    #[test]
    fn the_first_byte_of_a_node_record_tells_what_it_is() {
        let list = NodePayload::decode(&encoded!(samples::node()));
        assert_eq!(list, Ok(NodePayload::List(samples::node())));
        let member = NodePayload::decode(&encoded!(samples::member()));
        assert_eq!(member, Ok(NodePayload::Member(samples::member())));
        assert_eq!(member.map(|member| member.links().count()), Ok(3));
        refused!(NodePayload::decode(&[4]), E::Version { .. });
    }

    #[test]
    fn entry_kinds_that_are_reserved() {
        let bytes = encoded!(samples::recipe());
        for kind in [3, 4, 255] {
            refused!(Recipe::decode(&patched(&bytes, 4, &[kind])), E::Unknown { what: "recipe entry kind", .. });
        }
    }

    #[test]
    fn an_entry_that_yields_nothing() {
        let mut recipe = samples::recipe();
        recipe.entries[1].len = 0;
        refused!(Recipe::decode(&encoded!(recipe)), E::Empty { what: "recipe entry length" });
    }

    #[test]
    fn an_entry_that_ends_beyond_64_bits() {
        let mut recipe = samples::recipe();
        recipe.entries[0].skip = u64::MAX - recipe.entries[0].len + 1;
        refused!(Recipe::decode(&encoded!(recipe)), E::Inconsistent { what: "recipe entry length", .. });
    }
}

mod descriptions {
    use super::*;

    fn pair(name_len: usize, value_len: usize) -> (String, String) {
        ("n".repeat(name_len), "v".repeat(value_len))
    }

    #[test]
    fn metadata_over_the_limits() {
        let metadata = |user| encoded!(Metadata { user, ..Metadata::default() });
        assert!(Metadata::decode(&metadata(vec![pair(2048, 8192); 256])).is_ok());
        refused!(
            Metadata::decode(&metadata(vec![pair(1, 1); 257])),
            E::Limit { what: "user metadata", value: 257, limit: 256 }
        );
        refused!(Metadata::decode(&metadata(vec![pair(2049, 1)])), E::Limit { value: 2049, limit: 2048, .. });
        refused!(Metadata::decode(&metadata(vec![pair(1, 8193)])), E::Limit { value: 8193, limit: 8192, .. });
    }

    #[test]
    fn text_that_is_not_utf_8() {
        let bytes = encoded!(samples::metadata());
        // The first name starts after two lengths.
        refused!(Metadata::decode(&patched(&bytes, 8, &[0xff])), E::Utf8 { what: "metadata headers" });
    }

    #[test]
    fn text_longer_than_the_bytes_left() {
        let bytes = encoded!(samples::metadata());
        refused!(
            Metadata::decode(&patched(&bytes, 4, &[0, 4])),
            E::Truncated { what: "metadata headers", needed: 1024, .. }
        );
    }

    #[test]
    fn checksums() {
        let bytes = encoded!(samples::checksum());
        for algorithm in [0, 11, 255] {
            let unknown = Checksum::decode(&patched(&bytes, 0, &[algorithm]));
            refused!(unknown, E::Unknown { what: "checksum algorithm", .. });
        }
        // SHA-1 with eight bytes.
        refused!(Checksum::decode(&patched(&bytes, 0, &[4])), E::Inconsistent { what: "checksum length", .. });
        let long = Checksum { value: vec![0; 300], ..samples::checksum() };
        refused!(Checksum::decode(&encoded!(long)), E::Inconsistent { what: "checksum length", .. });
    }

    #[test]
    fn part_numbers() {
        let part = encoded!(samples::part_info(1));
        refused!(PartInfo::decode(&patched(&part, 0, &[0, 0])), E::Empty { what: "part number" });
        refused!(
            PartInfo::decode(&encoded!(samples::part_info(10_001))),
            E::Limit { what: "part number", value: 10_001, limit: 10_000 }
        );
        refused!(PartInfo::decode(&patched(&part, 10, &[2])), E::Unknown { what: "part checksum", value: 2 });
    }

    #[test]
    fn parts_out_of_order() {
        for numbers in [[2, 1], [2, 2]] {
            let put = VersionPut { parts: numbers.map(samples::part_info).to_vec(), ..samples::version_put() };
            refused!(VersionPut::decode(&encoded!(put)), E::Inconsistent { what: "part number", .. });
        }
    }

    #[test]
    fn too_many_parts() {
        let put = VersionPut { parts: vec![samples::part_info(1); 10_001], ..samples::version_put() };
        refused!(VersionPut::decode(&encoded!(put)), E::Limit { what: "parts", value: 10_001, limit: 10_000 });
    }
}

mod commits {
    use super::*;
    use deltastore_format::{
        BucketId, DocumentId, DocumentPut, PartId, PlacedKind, Placement, Position, SegmentId, Sequence, UploadId,
        VersionId,
    };

    #[test]
    fn keys() {
        let with = |key: String| VersionPut::decode(&encoded!(VersionPut { key, ..samples::version_put() }));
        assert!(with("k".repeat(1024)).is_ok());
        refused!(with("k".repeat(1025)), E::Limit { what: "key", value: 1025, limit: 1024 });
        refused!(with(String::new()), E::Empty { what: "key" });
        let upload = UploadPut { key: String::new(), ..samples::upload_put() };
        refused!(UploadPut::decode(&encoded!(upload)), E::Empty { what: "key" });
        let (bucket, version) = (BucketId(1), Sequence(2));
        let removal = Op::remove::<VersionPut>(VersionId { bucket, key: "k".repeat(1025), version }, vec![]);
        refused!(Op::decode(&encoded!(removal)), E::Limit { what: "key", .. });
    }

    #[test]
    fn bucket_names_and_settings() {
        let with = |name: &str, settings| {
            BucketPut::decode(&encoded!(BucketPut { name: name.into(), settings, ..samples::bucket_put() }))
        };
        refused!(with("", vec![]), E::Empty { what: "bucket name" });
        refused!(with(&"b".repeat(256), vec![]), E::Limit { what: "bucket name", value: 256, limit: 255 });
        let setting = |name_len: usize, value_len: usize| ("n".repeat(name_len), "v".repeat(value_len));
        assert!(with("b", vec![setting(255, 256 << 10); 64]).is_ok());
        refused!(with("b", vec![setting(1, 1); 65]), E::Limit { what: "bucket settings", value: 65, limit: 64 });
        refused!(with("b", vec![setting(256, 1)]), E::Limit { value: 256, limit: 255, .. });
        refused!(with("b", vec![setting(1, (256 << 10) + 1)]), E::Limit { limit: 0x4_0000, .. });
    }

    #[test]
    fn documents() {
        let with = |scope: usize, name: usize, len: usize| {
            let (scope, name, bytes) = ("s".repeat(scope), "n".repeat(name), vec![7; len]);
            DocumentPut::decode(&encoded!(DocumentPut { scope, name, bytes, ..samples::document_put() }))
        };
        assert!(with(64, 1024, 1 << 20).is_ok() && with(1, 1, 0).is_ok());
        refused!(with(65, 1, 1), E::Limit { what: "scope", value: 65, limit: 64 });
        refused!(with(0, 1, 1), E::Empty { what: "scope" });
        refused!(with(1, 1025, 1), E::Limit { what: "document name", value: 1025, limit: 1024 });
        refused!(with(1, 0, 1), E::Empty { what: "document name" });
        refused!(with(1, 1, (1 << 20) + 1), E::Limit { what: "document bytes", limit: 0x10_0000, .. });
        let long = DocumentId { scope: "s".repeat(65), name: "n".into(), document: Sequence(1) };
        refused!(Op::decode(&encoded!(Op::remove::<DocumentPut>(long, vec![]))), E::Limit { what: "scope", .. });
    }

    #[test]
    fn etags() {
        let put = VersionPut { etag: "e".repeat(65), ..samples::version_put() };
        refused!(VersionPut::decode(&encoded!(put)), E::Limit { what: "etag", value: 65, limit: 64 });
        let put = PartPut { etag: "e".repeat(65), ..samples::part_put() };
        refused!(PartPut::decode(&encoded!(put)), E::Limit { what: "etag", value: 65, limit: 64 });
    }

    #[test]
    fn storage_types() {
        let version = patched(&encoded!(samples::version_put()), 2, &[3]);
        refused!(VersionPut::decode(&version), E::Unknown { what: "storage type", value: 3 });
        let part = patched(&encoded!(samples::part_put()), 1, &[3]);
        refused!(PartPut::decode(&part), E::Unknown { what: "storage type", value: 3 });
    }

    #[test]
    fn part_numbers_of_puts_and_removals() {
        let put = PartPut { number: 0, ..samples::part_put() };
        refused!(PartPut::decode(&encoded!(put)), E::Empty { what: "part number" });
        let removal = Op::remove::<PartPut>(PartId { upload: UploadId(1), number: 10_001, part: Sequence(2) }, vec![]);
        refused!(Op::decode(&encoded!(removal)), E::Limit { what: "part number", .. });
    }

    #[test]
    fn optional_checksums() {
        // The marker stands before algorithm, flags and the extensions' count.
        let upload = encoded!(samples::upload_put());
        let unknown = UploadPut::decode(&patched(&upload, upload.len() - 5, &[2]));
        refused!(unknown, E::Unknown { what: "upload checksum", value: 2 });
    }

    #[test]
    fn operation_kinds() {
        let bytes = encoded!(samples::remove_version());
        for kind in [0, 11, 255] {
            refused!(Op::decode(&patched(&bytes, 0, &[kind])), E::Unknown { what: "operation kind", .. });
        }
    }

    #[test]
    fn segment_lists_over_the_limit() {
        let removal = |count| Op::remove::<BucketPut>(BucketId(1), vec![SegmentId(1); count]);
        assert!(Op::decode(&encoded!(removal(1 << 16))).is_ok());
        refused!(Op::decode(&encoded!(removal((1 << 16) + 1))), E::Limit { what: "segment list", .. });
    }

    #[test]
    fn placed_kinds_and_positions() {
        // The first placed thing follows 28 bytes and a count; its position follows kind and hash.
        let bytes = encoded!(samples::commit());
        refused!(Commit::decode(&patched(&bytes, 32, &[3])), E::Unknown { what: "placed kind", value: 3 });
        refused!(Commit::decode(&patched(&bytes, 32 + 33 + 8, &[65])), E::Inconsistent { what: "position", .. });
        // The position that everything before is durable up to.
        refused!(Commit::decode(&patched(&bytes, 20, &[1])), E::Inconsistent { what: "position", .. });
    }

    #[test]
    fn too_much_in_one_commit() {
        let placed = Placement { kind: PlacedKind::Window, hash: Default::default(), position: Position::default() };
        let commit = Commit { placed: vec![placed; MAX_PLACED + 1], ops: vec![], ..samples::commit() };
        refused!(Commit::decode(&encoded!(commit)), E::Limit { what: "placed", .. });
        let removal = Op::remove::<BucketPut>(BucketId(1), vec![]);
        let commit = Commit { placed: vec![], ops: vec![removal; MAX_OPS + 1], ..samples::commit() };
        refused!(Commit::decode(&encoded!(commit)), E::Limit { what: "operations", .. });
    }

    #[test]
    fn counts_that_the_bytes_cannot_hold() {
        let empty = Commit { placed: vec![], ops: vec![], ..samples::commit() };
        let bytes = encoded!(empty);
        refused!(
            Commit::decode(&patched(&bytes, 28, &[0, 0, 16, 0])),
            E::Truncated { what: "placed", needed: 0x310_0000, left: 6 }
        );
        refused!(
            Commit::decode(&patched(&bytes, 32, &[0, 0, 1, 0])),
            E::Truncated { what: "operations", needed: 0xd_0000, left: 2 }
        );
    }
}
