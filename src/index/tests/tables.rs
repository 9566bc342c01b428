//! Every table: what is staged is read back.

use super::*;
use deltastore_format::{Codec, DocumentPut, Durable, Hash, PlacedKind};

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
        write(&index, |batch| rows.iter().rev().for_each(|row| index.stage_row(batch, row)));
        assert_eq!(all(index.buckets()), rows);
        for row in &rows {
            assert_eq!(index.bucket(&row.put.name).unwrap().as_ref(), Some(row));
            assert_eq!(index.bucket_by_id(row.put.bucket).unwrap().as_ref(), Some(row));
        }
        write(&index, |batch| index.stage_remove_row(batch, &rows[1].put));
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
        write(&index, |batch| rows.iter().for_each(|row| index.stage_row(batch, row)));
        assert!(!index.bucket_is_empty(bucket).unwrap());
        assert!(index.bucket_is_empty(BucketId(1)).unwrap());
        assert_eq!(index.current(bucket, "a").unwrap(), Some(rows[0].clone()));
        assert_eq!(all(index.versions(bucket, "a")), rows[..2]);
        assert_eq!(index.version(bucket, "a", Sequence(2)).unwrap(), Some(rows[1].clone()));
        assert_eq!(index.version(bucket, "a", Sequence(3)).unwrap(), None);
        assert_eq!(index.current(bucket, "").unwrap(), None);
        assert_eq!(all(index.all_versions()), rows);
        assert_eq!(all(index.bucket_versions(bucket)), rows);
        write(&index, |batch| index.stage_remove_row(batch, &rows[0].put));
        assert_eq!(index.current(bucket, "a").unwrap(), Some(rows[1].clone()));
    });
}

#[test]
fn uploads() {
    on_both(|index| {
        let rows = [upload_row(1, "a", 4), upload_row(1, "a", 9), upload_row(1, "a/b", 2), upload_row(2, "a", 3)];
        write(&index, |batch| rows.iter().rev().for_each(|row| index.stage_row(batch, row)));
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
        write(&index, |batch| index.stage_remove_row(batch, &rows[2].put));
        assert_eq!(index.upload_by_id(UploadId(2)).unwrap(), None);
        assert_eq!(index.upload(BucketId(1), "a/b", UploadId(2)).unwrap(), None);
    });
}

#[test]
fn parts() {
    on_both(|index| {
        let rows = [part_row(7, 1, 20), part_row(7, 2, 11), part_row(7, 256, 12), part_row(7, 10_000, 13)];
        write(&index, |batch| {
            rows.iter().for_each(|row| index.stage_row(batch, row));
            index.stage_row(batch, &part_row(8, 1, 14));
        });
        assert_eq!(all(index.parts(UploadId(7))), rows);
        assert_eq!(all(index.all_parts()).len(), 5);
        assert_eq!(index.part(UploadId(7), 256).unwrap(), Some(rows[2].clone()));
        assert_eq!(index.part(UploadId(7), 3).unwrap(), None);
        assert_eq!(index.list_parts(UploadId(7), None, 2).unwrap(), (rows[..2].to_vec(), true));
        assert_eq!(index.list_parts(UploadId(7), Some(2), 2).unwrap(), (rows[2..].to_vec(), false));
        assert_eq!(index.list_parts(UploadId(7), Some(10_000), 2).unwrap(), (vec![], false));
        assert_eq!(index.list_parts(UploadId(7), None, 0).unwrap(), (vec![], false));
        write(&index, |batch| index.stage_remove_row(batch, &rows[0].put));
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
            optimized: true,
            raw_len: 1 << 20,
            codec: Codec::Vcdiff,
            depth: 2,
            references: vec![Hash([8; 32]), Hash([9; 32])],
        };
        let node = BlobRow {
            kind: PlacedKind::Node,
            codec: Codec::Raw,
            optimized: false,
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
fn live_bytes() {
    on_both(|index| {
        write(&index, |batch| {
            index.stage_live(batch, SegmentId(1), 100);
            index.stage_live(batch, SegmentId(1), -30);
            index.stage_live(batch, SegmentId(2), 5);
        });
        let live = |segment| index.live(SegmentId(segment)).unwrap();
        assert_eq!([1, 2, 9].map(live), [70, 5, 0]);
    });
}

#[test]
fn documents() {
    on_both(|index| {
        let rows = [
            document_row("a", "x", 3),
            document_row("a", "x\0y", 9),
            document_row("a\0", "x", 5),
            document_row("b", "z", 4),
        ];
        write(&index, |batch| rows.iter().rev().for_each(|row| index.stage_row(batch, row)));
        assert_eq!(all(index.all_rows::<DocumentPut>()), rows);
        assert_eq!(all(index.documents("a")), rows[..2]);
        assert_eq!(all(index.documents("c")), []);
        assert_eq!(index.document("a", "x\0y").unwrap().as_ref(), Some(&rows[1]));
        assert_eq!(index.document("a", "y").unwrap(), None);
        assert_eq!(index.row(&rows[0].put.id()).unwrap().as_ref(), Some(&rows[0]));
        // Put again, it is another.
        let again = document_row("a", "x", 12);
        write(&index, |batch| index.stage_row(batch, &again));
        assert_eq!(index.row::<DocumentPut>(&rows[0].put.id()).unwrap(), None);
        assert_eq!(index.document("a", "x").unwrap().as_ref(), Some(&again));
        write(&index, |batch| index.stage_remove_row(batch, &again.put));
        assert_eq!(all(index.documents("a")), rows[1..2]);
    });
}

#[test]
fn rows_of_version_2_are_brought_up() {
    on_both(|index| {
        let (bucket, upload) = (bucket_row(7, "bucket"), upload_row(7, "key", 12));
        let old = |prior: &[SegmentId], record, put: &dyn Fn(&mut Vec<u8>)| {
            let mut value = Vec::new();
            wire::push_position(&mut value, record);
            wire::push_segments(&mut value, prior);
            put(&mut value);
            value
        };
        write(&index, |batch| {
            let key = upload.put.key();
            batch.put(Family::Buckets, *b"\0bucket", old(&[], bucket.record, &|out| bucket.put.encode(out)));
            batch.put(Family::Buckets, [&[1][..], &7u64.to_be_bytes()].concat(), *b"bucket");
            batch.put(Family::Uploads, [&[1][..], &12u64.to_be_bytes()].concat(), key.clone());
            batch.put(Family::Uploads, key, old(&upload.prior, upload.record, &|out| upload.put.encode(out)));
            batch.put(Family::Meta, *b"version", 2u32.to_le_bytes());
        });
        for _ in 0..2 {
            let index = Index::open(index.engine().clone()).unwrap();
            let found = index.bucket_by_id(BucketId(7)).unwrap();
            assert_eq!(found, Some(BucketRow { record_len: 0, ..bucket.clone() }));
            let found = index.upload_by_id(UploadId(12)).unwrap();
            assert_eq!(found, Some(UploadRow { record_len: 0, ..upload.clone() }));
            assert!(index.has_drifted().unwrap());
        }
        index.clear().unwrap();
        assert!(!index.has_drifted().unwrap(), "a rebuild counts anew");
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
        write(&index, |batch| batch.put(Family::Segments, [&[0; 8][..], &[1]].concat(), [0xEE; 3]));
        assert!(corrupt(index.live(SegmentId(0)).err()));
        write(&index, |batch| batch.put(Family::Small, [9, 1], [0xEE; 3]));
        assert!(corrupt(index.all_rows::<DocumentPut>().next().unwrap().err()));
        assert!(corrupt(index.parts(UploadId(0)).next().unwrap().err()));
        assert!(corrupt(index.buckets().next().unwrap().err()));
    });
}

#[cfg(feature = "invariants")]
#[test]
#[should_panic(expected = "invariant: the counter Links")]
fn more_links_are_taken_away_than_there_were() {
    let index = Index::open(Arc::new(MemEngine::new())).unwrap();
    write(&index, |batch| {
        index.stage_links(batch, &Hash([1; 32]), 2);
        index.stage_links(batch, &Hash([1; 32]), -3);
    });
}
