//! The committed bytes of every type: what one build wrote, every later one reads and writes again.
//! `REGENERATE_GOLDEN=1` writes them anew, for a new format version.

use crate::samples;
use deltastore_format::{
    BucketPut, Checksum, Commit, DocumentPut, Manifest, Member, Metadata, Node, Op, Parity, PartInfo, PartPut, Recipe,
    RecordHeader, SegmentFooter, SegmentHeader, StoreHeader, UploadPut, VersionPut, WindowHead,
};
use std::path::PathBuf;

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "golden", &format!("{name}.bin")].iter().collect()
}

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).expect("the golden file is committed")
}

#[test]
fn encodings_are_the_committed_bytes() {
    for sample in samples::all() {
        if std::env::var_os("REGENERATE_GOLDEN").is_some() {
            std::fs::write(path(sample.name), &sample.bytes).expect("golden file written");
        }
        assert_eq!(sample.bytes, golden(sample.name), "{} is encoded differently", sample.name);
    }
}

#[test]
fn committed_bytes_decode_to_the_values() {
    assert_eq!(StoreHeader::decode(&golden("store_header")), Ok(samples::store_header()));
    assert_eq!(SegmentHeader::decode(&golden("segment_header")), Ok(samples::segment_header()));
    assert_eq!(RecordHeader::decode(&golden("record_header")), Ok(samples::record_header()));
    assert_eq!(samples::record_header().check_payload(&golden("window")), Ok(()));
    assert_eq!(Manifest::decode(&golden("manifest")), Ok(samples::manifest()));
    assert_eq!(SegmentFooter::decode(&golden("segment_footer")), Ok(samples::segment_footer()));
    assert_eq!(WindowHead::decode(&golden("window")), Ok((samples::window_head(), 136)));
    assert_eq!(Node::decode(&golden("node")), Ok(samples::node()));
    assert_eq!(Member::decode(&golden("member")), Ok(samples::member()));
    assert_eq!(Member::decode(&golden("nested_member")), Ok(samples::nested_member()));
    assert_eq!(Parity::decode(&golden("parity")), Ok(samples::parity()));
    assert_eq!(samples::parity().repair(&golden("window")), Some(golden("window")));
    assert_eq!(Recipe::decode(&golden("recipe")), Ok(samples::recipe()));
    assert_eq!(Metadata::decode(&golden("metadata")), Ok(samples::metadata()));
    assert_eq!(Checksum::decode(&golden("checksum")), Ok(samples::checksum()));
    assert_eq!(PartInfo::decode(&golden("part_info")), Ok(samples::part_info(1)));
    assert_eq!(BucketPut::decode(&golden("bucket_put")), Ok(samples::bucket_put()));
    assert_eq!(VersionPut::decode(&golden("version_put")), Ok(samples::version_put()));
    assert_eq!(VersionPut::decode(&golden("uploaded_version")), Ok(samples::uploaded_version()));
    assert_eq!(UploadPut::decode(&golden("upload_put")), Ok(samples::upload_put()));
    assert_eq!(PartPut::decode(&golden("part_put")), Ok(samples::part_put()));
    assert_eq!(Op::decode(&golden("op")), Ok(samples::remove_version()));
    assert_eq!(Commit::decode(&golden("commit")), Ok(samples::commit()));
    assert_eq!(DocumentPut::decode(&golden("document_put")), Ok(samples::document_put()));
    assert_eq!(Commit::decode(&golden("document_commit")), Ok(samples::document_commit()));
    assert_eq!(Commit::decode(&golden("healing_commit")), Ok(samples::healing_commit()));
}
