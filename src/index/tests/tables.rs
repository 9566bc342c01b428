//! Every table: what is staged is read back.

use super::*;
use deltastore_format::{Codec, Hash, PlacedKind};

fn write(index: &Index, stage: impl Fn(&mut Batch)) {
    let mut batch = Batch::new();
    stage(&mut batch);
    index.write(batch).unwrap();
}

fn all<R>(rows: Rows<'_, R>) -> Vec<R> {
    rows.map(Result::unwrap).collect()
}

#[test]
fn meta() {
    on_both(|index| {
        assert_eq!(index.applied().unwrap(), None);
        assert_eq!(index.next_sequence().unwrap(), Sequence(1));
        write(&index, |batch| {
            index.stage_applied(batch, position(4096));
            index.stage_next_sequence(batch, Sequence(77));
        });
        assert_eq!(index.applied().unwrap(), Some(position(4096)));
        assert_eq!(index.next_sequence().unwrap(), Sequence(77));
        assert!(Index::open(index.engine().clone()).is_ok());
    });
}

#[test]
fn versions_of_the_index_are_checked() {
    on_both(|index| {
        write(&index, |batch| batch.put(Family::Meta, *b"version", 9u32.to_le_bytes()));
        assert_eq!(
            Index::open(index.engine().clone()).err(),
            Some(IndexError::VersionNewer { found: 9, known: INDEX_VERSION })
        );
        write(&index, |batch| {
            batch.delete(Family::Meta, *b"version");
            batch.put(Family::Parts, [1], [1]);
        });
        assert!(matches!(Index::open(index.engine().clone()).err(), Some(IndexError::Damaged { .. })));
    });
}

#[test]
fn buckets() {
    on_both(|index| {
        let rows = [bucket_row(3, "alpha"), bucket_row(1, "beta"), bucket_row(2, "z.z")];
        write(&index, |batch| rows.iter().rev().for_each(|row| index.stage_bucket(batch, row)));
        assert_eq!(all(index.buckets()), rows);
        for row in &rows {
            assert_eq!(index.bucket(&row.put.name).unwrap().as_ref(), Some(row));
            assert_eq!(index.bucket_by_id(row.put.bucket).unwrap().as_ref(), Some(row));
        }
        write(&index, |batch| index.stage_remove_bucket(batch, BucketId(1), "beta"));
        assert_eq!(index.bucket("beta").unwrap(), None);
        assert_eq!(index.bucket_by_id(BucketId(1)).unwrap(), None);
        assert_eq!(all(index.buckets()), [rows[0].clone(), rows[2].clone()]);
    });
}

#[test]
fn versions() {
    on_both(|index| {
        let bucket = BucketId(u64::MAX);
        let row = |key: &str, version, marker| version_row(u64::MAX, key, version, marker);
        assert!(index.bucket_is_empty(bucket).unwrap());
        let rows = [row("a", 300, true), row("a", 2, false), row("a\0", 5, false), row("a/b", 6, false)];
        write(&index, |batch| rows.iter().for_each(|row| index.stage_version(batch, row)));
        assert!(!index.bucket_is_empty(bucket).unwrap());
        assert!(index.bucket_is_empty(BucketId(1)).unwrap());
        assert_eq!(index.current(bucket, "a").unwrap(), Some(rows[0].clone()));
        assert_eq!(all(index.versions(bucket, "a")), rows[..2]);
        assert_eq!(index.version(bucket, "a", Sequence(2)).unwrap(), Some(rows[1].clone()));
        assert_eq!(index.version(bucket, "a", Sequence(3)).unwrap(), None);
        assert_eq!(index.current(bucket, "").unwrap(), None);
        assert_eq!(all(index.all_versions()), rows);
        assert_eq!(all(index.bucket_versions(bucket)), rows);
        write(&index, |batch| index.stage_remove_version(batch, bucket, "a", Sequence(300)));
        assert_eq!(index.current(bucket, "a").unwrap(), Some(rows[1].clone()));
    });
}

#[test]
fn uploads() {
    on_both(|index| {
        let rows = [upload_row(1, "a", 4), upload_row(1, "a", 9), upload_row(1, "a/b", 2), upload_row(2, "a", 3)];
        write(&index, |batch| rows.iter().rev().for_each(|row| index.stage_upload(batch, row)));
        assert_eq!(all(index.all_uploads()), rows);
        assert_eq!(all(index.upload_ids(UploadId(3))), [UploadId(3), UploadId(4), UploadId(9)]);
        assert_eq!(index.upload(BucketId(1), "a", UploadId(9)).unwrap(), Some(rows[1].clone()));
        assert_eq!(index.upload(BucketId(2), "a", UploadId(9)).unwrap(), None);
        assert_eq!(index.upload_by_id(UploadId(2)).unwrap(), Some(rows[2].clone()));
        let mut query = ListQuery { max: 1, ..ListQuery::default() };
        let mut listed = Vec::new();
        loop {
            let page = index.list_uploads(BucketId(1), &query).unwrap();
            listed.extend(page.entries);
            query.after = page.next;
            if !page.truncated {
                break;
            }
        }
        assert_eq!(listed, rows[..3].iter().cloned().map(ListEntry::Object).collect::<Vec<_>>());
        write(&index, |batch| index.stage_remove_upload(batch, BucketId(1), "a/b", UploadId(2)));
        assert_eq!(index.upload_by_id(UploadId(2)).unwrap(), None);
        assert_eq!(index.upload(BucketId(1), "a/b", UploadId(2)).unwrap(), None);
    });
}

#[test]
fn parts() {
    on_both(|index| {
        let rows = [part_row(7, 1, 20), part_row(7, 2, 11), part_row(7, 256, 12), part_row(7, 10_000, 13)];
        write(&index, |batch| {
            rows.iter().for_each(|row| index.stage_part(batch, row));
            index.stage_part(batch, &part_row(8, 1, 14));
        });
        assert_eq!(all(index.parts(UploadId(7))), rows);
        assert_eq!(all(index.all_parts()).len(), 5);
        assert_eq!(index.part(UploadId(7), 256).unwrap(), Some(rows[2].clone()));
        assert_eq!(index.part(UploadId(7), 3).unwrap(), None);
        assert_eq!(index.list_parts(UploadId(7), None, 2).unwrap(), (rows[..2].to_vec(), true));
        assert_eq!(index.list_parts(UploadId(7), Some(2), 2).unwrap(), (rows[2..].to_vec(), false));
        assert_eq!(index.list_parts(UploadId(7), Some(10_000), 2).unwrap(), (vec![], false));
        assert_eq!(index.list_parts(UploadId(7), None, 0).unwrap(), (vec![], false));
        write(&index, |batch| index.stage_remove_part(batch, UploadId(7), 1));
        assert_eq!(all(index.parts(UploadId(7))), rows[1..]);
    });
}

#[test]
fn blobs_and_links() {
    on_both(|index| {
        let window = BlobRow {
            kind: PlacedKind::Window,
            position: position(640),
            record_len: 1 << 33,
            cold: true,
            raw_len: 1 << 20,
            codec: Codec::Vcdiff,
            depth: 2,
            references: vec![Hash([8; 32]), Hash([9; 32])],
        };
        let node = BlobRow {
            kind: PlacedKind::Node,
            codec: Codec::Raw,
            cold: false,
            raw_len: 0,
            depth: 0,
            references: vec![],
            ..window.clone()
        };
        let (first, second, none) = (Hash([1; 32]), Hash([2; 32]), Hash([3; 32]));
        write(&index, |batch| {
            index.stage_blob(batch, &first, &window);
            index.stage_blob(batch, &second, &node);
            index.stage_links(batch, &first, 2);
            index.stage_links(batch, &first, -1);
        });
        assert_eq!(index.blob(&first).unwrap(), Some(window.clone()));
        assert_eq!(index.blobs(&[none, second, first]).unwrap(), [None, Some(node.clone()), Some(window)]);
        assert_eq!(all(index.all_blobs(second)), [(second, node)]);
        assert_eq!(index.links_of(&[first, second]).unwrap(), [1, 0]);
        write(&index, |batch| {
            index.stage_remove_blob(batch, &first);
            index.stage_remove_links(batch, &first);
        });
        assert_eq!(index.blob(&first).unwrap(), None);
        assert_eq!(all(index.all_links(Hash::default())), []);
    });
}

#[test]
fn sketches_keep_the_newest() {
    on_both(|index| {
        let entry = |n: u8| SketchEntry { hash: Hash([n; 32]), space: 7, bucket: BucketId(1), depth: n, raw_len: 9 };
        let mut batch = Batch::new();
        index.stage_sketch(&mut batch, &[10, 11, 10], entry(1)).unwrap();
        index.stage_sketch(&mut batch, &[10], entry(2)).unwrap();
        index.write(batch).unwrap();
        assert_eq!(index.sketches(&[11, 12, 10]).unwrap(), [vec![entry(1)], vec![], vec![entry(2), entry(1)]]);
        for n in 3..=10 {
            let mut batch = Batch::new();
            index.stage_sketch(&mut batch, &[10], entry(n)).unwrap();
            index.stage_sketch(&mut batch, &[10], entry(2)).unwrap();
            index.write(batch).unwrap();
        }
        assert_eq!(index.sketches(&[10]).unwrap(), [[2, 10, 9, 8, 7, 6, 5, 4].map(entry)]);
    });
}

#[test]
fn segments() {
    on_both(|index| {
        write(&index, |batch| {
            index.stage_segment(batch, SegmentId(1), SegmentRow { sealed: true });
            index.stage_live(batch, SegmentId(1), 100);
            index.stage_live(batch, SegmentId(1), -30);
            index.stage_live(batch, SegmentId(2), 5);
            index.stage_segment(batch, SegmentId(3), SegmentRow { sealed: false });
        });
        let (sealed, open) = (SegmentRow { sealed: true }, SegmentRow { sealed: false });
        assert_eq!(
            index.segments().unwrap(),
            [(SegmentId(1), sealed, 70), (SegmentId(2), open, 5), (SegmentId(3), open, 0)]
        );
        assert_eq!((index.segment(SegmentId(1)).unwrap(), index.live(SegmentId(1)).unwrap()), (Some(sealed), 70));
        assert_eq!((index.segment(SegmentId(9)).unwrap(), index.live(SegmentId(9)).unwrap()), (None, 0));
        write(&index, |batch| index.stage_remove_segment(batch, SegmentId(1)));
        assert_eq!(index.segments().unwrap().len(), 2);
    });
}

#[test]
fn rows_that_cannot_be_decoded_are_named() {
    on_both(|index| {
        for family in Family::ALL.into_iter().filter(|family| *family != Family::Meta) {
            write(&index, |batch| batch.put(family, [&[0u8; 8][..], b"k", &[0; 10]].concat(), [0xEE; 3]));
        }
        write(&index, |batch| batch.put(Family::Blobs, [4; 32], [0xEE; 3]));
        let corrupt = |error: Option<IndexError>| matches!(error, Some(IndexError::Corrupt { .. }));
        assert!(corrupt(index.current(BucketId(0), "k").err()));
        assert!(corrupt(index.list_current(BucketId(0), &ListQuery { max: 1, ..ListQuery::default() }).err()));
        assert!(corrupt(index.blob(&Hash([4; 32])).err()));
        assert!(corrupt(index.all_links(Hash::default()).next().unwrap().err()));
        assert!(corrupt(index.segments().err()));
        assert!(corrupt(index.parts(UploadId(0)).next().unwrap().err()));
        assert!(corrupt(index.buckets().next().unwrap().err()));
    });
}
