//! Damage to what many versions depend on: every object stays readable, and the store is as it was after the next pass.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use deltastore::index::{BlobRow, Index, MemEngine, ParityRow};
use deltastore::object::{Expect, Objects, PutInput, WriteConditions};
use deltastore::store::bugs::Bugs;
use deltastore::store::{OptimizeOptions, OptimizeReport, Policy, Store, Walk, Worker};
use deltastore_format::record::RECORD_HEADER_LEN;
use deltastore_format::{Hash, Metadata, Parity, PlacedKind, Position};
use deltastore_segment::vfs::{Fault, FaultError, FaultOp, SimVfs};
use deltastore_segment::{SegmentReader, segment_path};
use futures::StreamExt;
use futures::executor::block_on;

use crate::compressed::gzip;
use crate::world::{DIR, clock, folder, noise, open, rebuild, settings};

const VERSIONS: usize = 20;
const COPIES: usize = 9;

struct Versions {
    vfs: SimVfs,
    engine: MemEngine,
    bodies: BTreeMap<String, Vec<u8>>,
}

/// Versions that share nearly all of their bytes: windows, members and nodes that all of them depend on, and deltas
/// that few do.
fn versions() -> Versions {
    let (vfs, engine) = (SimVfs::new(), MemEngine::new());
    let folder = folder(Arc::new(vfs.clone()), Path::new(DIR), true).unwrap();
    let s3 = Objects::new(Store::open(folder, Arc::new(engine.clone()), clock(), settings(), Bugs::default()).unwrap());
    block_on(s3.create_bucket("bucket")).unwrap();
    let mut bodies = BTreeMap::new();
    for number in 0..VERSIONS {
        let text: Vec<u8> = noise(9000, 3).into_iter().map(|byte| b'a' + byte % 20).collect();
        let mut body = [noise(14_000, 1), gzip(&text, 6, None), noise(12_000, 2)].concat();
        body[500 + 20 * number..][..12].copy_from_slice(b"changed here");
        put(&s3, format!("version-{number}"), body, &mut bodies);
    }
    // The same bytes under many keys share their nodes: a member's, and a list of more windows than a recipe holds.
    let same = gzip(&noise(3000, 4).into_iter().map(|byte| b'a' + byte % 20).collect::<Vec<u8>>(), 6, None);
    for number in 0..COPIES {
        put(&s3, format!("member-{number}"), same.clone(), &mut bodies);
        put(&s3, format!("list-{number}"), noise(90_000, 5), &mut bodies);
    }
    let done = pass(&s3);
    assert!(done.parity > 10 && done.shared == done.parity, "{done:?}");
    Versions { vfs, engine, bodies }
}

fn put(s3: &Objects, key: String, body: Vec<u8>, bodies: &mut BTreeMap<String, Vec<u8>>) {
    block_on(s3.put_object(PutInput {
        bucket: "bucket".into(),
        key: key.clone(),
        body: futures::stream::iter([Ok(body.clone().into())]).boxed(),
        expect: Expect::default(),
        metadata: Metadata::default(),
        conditions: WriteConditions::default(),
    }))
    .unwrap();
    bodies.insert(key, body);
}

fn pass(s3: &Objects) -> OptimizeReport {
    let options = OptimizeOptions { policy: Some(Policy::Max), threads: 1, ..OptimizeOptions::default() };
    s3.store().optimize(&options, &AtomicBool::new(false), &mut |_| ()).unwrap()
}

impl Versions {
    fn check(&self, s3: &Objects, context: &str) {
        let mut worker = Worker::new();
        for row in s3.store().index().all_versions() {
            let put = row.unwrap().put;
            let mut walk = Walk::new(&put.recipe, 0..put.size);
            let mut body = Vec::new();
            let step = |walk: &mut Walk| s3.store().step(walk).unwrap_or_else(|error| panic!("{context}: {error}"));
            while let Some(entry) = step(&mut walk) {
                let bytes = s3.store().bytes_of(&entry, &mut worker);
                body.extend_from_slice(&bytes.unwrap_or_else(|error| panic!("{context}: {}: {error}", put.key)));
            }
            assert!(self.bodies[&put.key] == body, "{context}: wrong bytes in {}", put.key);
        }
    }
}

/// What many objects depend on, with its parity.
fn protected(s3: &Objects) -> Vec<(Hash, BlobRow, ParityRow)> {
    let index = s3.store().index();
    let with_row = |(hash, parity)| (hash, index.blob(&hash).unwrap().unwrap(), parity);
    index.all_parity(Hash::default()).map(|row| with_row(row.unwrap())).collect()
}

fn payload_len(vfs: &SimVfs, at: Position) -> u64 {
    let reader = SegmentReader::open(vfs, Path::new(DIR), at.segment).unwrap();
    reader.read(at.offset).unwrap().payload.len() as u64
}

/// Offsets in a record of which each is damaged in turn: of its header and all over its payload.
fn offsets(at: Position, payload: u64) -> Vec<u64> {
    let from = at.offset + RECORD_HEADER_LEN as u64;
    let mut offsets = vec![at.offset, at.offset + 9, at.offset + 45];
    offsets.extend((0..6).map(|part| from + part * (payload - 1) / 5));
    offsets
}

/// Nothing is lost, and after the next pass there are two good records of everything again, in two segments. Whether a
/// read met the damage.
fn made_up_for(world: &Versions, vfs: &SimVfs, engine: &MemEngine, context: &str) -> bool {
    let s3 = open(vfs, engine).unwrap_or_else(|error| panic!("{context}: {error}"));
    world.check(&s3, context);
    // Bytes of a head that no read needs are left to the look at all records.
    let met = s3.store().mended_reads() > 0;
    let done = pass(&s3);
    assert_eq!((done.damaged, done.held_back), (0, false), "{context}: {done:?}");
    let checked = s3.store().mend_all(false, &AtomicBool::new(false), &mut |_| ()).unwrap();
    assert_eq!((checked.mended, checked.lost, checked.dropped), (u64::from(!met), 0, 0), "{context}");
    assert_eq!(checked.checked, done.shared, "{context}");
    for (_, row, parity) in protected(&s3) {
        assert_ne!(row.position.segment, parity.position.segment, "{context}");
    }
    world.check(&s3, context);
    met
}

#[test]
fn a_flip_in_what_many_depend_on_costs_nothing() {
    let world = versions();
    let s3 = open(&world.vfs, &world.engine).unwrap();
    let all = protected(&s3);
    drop(s3);
    assert!(all.iter().filter(|(_, row, _)| row.kind == PlacedKind::Node).count() >= 2, "a member and a list");
    let (mut met, mut tried) = (0, 0);
    for (number, (hash, row, _)) in all.iter().enumerate() {
        let offsets = offsets(row.position, payload_len(&world.vfs, row.position));
        // All places of one record are many opens of the store: each record has two of them in turn.
        for offset in offsets.iter().skip(number % offsets.len()).step_by(5) {
            let vfs = world.vfs.snapshot();
            vfs.corrupt(&segment_path(Path::new(DIR), row.position.segment), *offset, 0x10).unwrap();
            let context = format!("{:?} {hash} at {} + {}", row.kind, row.position, offset - row.position.offset);
            met += usize::from(made_up_for(&world, &vfs, &world.engine.crash(usize::MAX), &context));
            tried += 1;
        }
    }
    assert!(met * 10 > tried * 8, "reads met {met} of {tried} flips");
}

#[test]
fn a_rebuild_knows_damaged_records_by_their_parity() {
    let world = versions();
    let s3 = open(&world.vfs, &world.engine).unwrap();
    let all = protected(&s3);
    drop(s3);
    for (number, (hash, row, _)) in all.iter().enumerate() {
        let offsets = offsets(row.position, payload_len(&world.vfs, row.position));
        let offset = offsets[number % offsets.len()];
        let vfs = world.vfs.snapshot();
        vfs.corrupt(&segment_path(Path::new(DIR), row.position.segment), offset, 0x10).unwrap();
        let context = format!("{:?} {hash} at {} + {}", row.kind, row.position, offset - row.position.offset);
        let (engine, damage) = rebuild(&vfs).unwrap();
        assert!(!damage.is_empty(), "{context}");
        made_up_for(&world, &vfs, &engine, &context);
    }
}

/// A rebuild during which one read fails either fails, or makes the same index: no parity is taken for missing.
#[test]
fn a_read_that_fails_for_now_is_not_taken_for_damage() {
    let world = versions();
    let s3 = open(&world.vfs, &world.engine).unwrap();
    let all = protected(&s3);
    drop(s3);
    let (_, row, _) = all.iter().rfind(|(_, row, _)| payload_len(&world.vfs, row.position) > 2000).unwrap();
    let damaged = world.vfs.snapshot();
    damaged.corrupt(&segment_path(Path::new(DIR), row.position.segment), row.position.offset + 700, 0x10).unwrap();
    let rows = |engine: &MemEngine| {
        let index = Index::open(Arc::new(engine.clone())).unwrap();
        let parity: Vec<_> = index.all_parity(Hash::default()).map(Result::unwrap).collect();
        (index.all_blobs(Hash::default()).map(Result::unwrap).collect::<Vec<_>>(), parity)
    };
    let (engine, _) = rebuild(&damaged.snapshot()).unwrap();
    let expected = rows(&engine);
    assert_eq!(expected.1.len(), all.len());
    let (mut failed, mut passed) = (0, 0);
    for after in 0.. {
        let vfs = damaged.snapshot();
        vfs.fail(Fault::new(FaultOp::Read, after, FaultError::Io).on("segments"));
        match rebuild(&vfs) {
            Ok((engine, _)) => {
                assert!(rows(&engine) == expected, "read {after} failed, and the index is another");
                passed += 1;
            }
            Err(error) => {
                assert!(!error.is_damage(), "read {after}: {error}");
                (failed, passed) = (failed + 1, 0);
            }
        }
        // Beyond the last read.
        if passed == 20 {
            break;
        }
    }
    assert!(failed > all.len(), "{failed} reads failed");
}

#[test]
fn a_lost_sector_costs_nothing_and_two_damaged_places_are_told() {
    let world = versions();
    let s3 = open(&world.vfs, &world.engine).unwrap();
    let all = protected(&s3);
    drop(s3);
    let long = |(_, row, _): &&(Hash, BlobRow, ParityRow)| payload_len(&world.vfs, row.position) > 2000;
    let (hash, row, parity) = all.iter().find(long).expect("one has blocks");
    let reader = SegmentReader::open(&world.vfs, Path::new(DIR), parity.position.segment).unwrap();
    let parity = Parity::decode(&reader.read(parity.position.offset).unwrap().payload).unwrap();
    assert!(!parity.is_copy());
    let path = segment_path(Path::new(DIR), row.position.segment);
    // The header goes with the first of them.
    for from in [row.position.offset, row.position.offset.next_multiple_of(512), row.position.offset + 512] {
        let vfs = world.vfs.snapshot();
        (from..from + 512).for_each(|offset| vfs.corrupt(&path, offset, 0xff).unwrap());
        made_up_for(&world, &vfs, &world.engine.crash(usize::MAX), &format!("512 bytes of {hash} from {from}"));
    }
    let vfs = world.vfs.snapshot();
    let payload = row.position.offset + RECORD_HEADER_LEN as u64;
    for offset in [payload, payload + u64::from(parity.payload_len) - 1] {
        vfs.corrupt(&path, offset, 1).unwrap();
    }
    let s3 = open(&vfs, &world.engine.crash(usize::MAX)).unwrap();
    let checked = s3.store().mend_all(false, &AtomicBool::new(false), &mut |_| ()).unwrap();
    assert_eq!((checked.mended, checked.lost), (0, 1));
}

#[test]
fn damaged_parity_is_written_again() {
    let world = versions();
    let s3 = open(&world.vfs, &world.engine).unwrap();
    let all = protected(&s3);
    drop(s3);
    let vfs = world.vfs.snapshot();
    for (_, _, parity) in &all {
        let path = segment_path(Path::new(DIR), parity.position.segment);
        vfs.corrupt(&path, parity.position.offset + parity.record_len / 2, 4).unwrap();
    }
    let s3 = open(&vfs, &world.engine.crash(usize::MAX)).unwrap();
    let found = s3.store().fsck(&mut |_| ()).unwrap().problems;
    assert!(found.iter().filter(|problem| problem.subject.starts_with("parity")).count() == all.len(), "{found:?}");
    let checked = s3.store().mend_all(false, &AtomicBool::new(false), &mut |_| ()).unwrap();
    assert_eq!((checked.checked, checked.dropped), (all.len() as u64, all.len() as u64));
    assert_eq!(pass(&s3).parity, all.len() as u64);
    let checked = s3.store().mend_all(false, &AtomicBool::new(false), &mut |_| ()).unwrap();
    assert_eq!((checked.checked, checked.dropped, checked.mended), (all.len() as u64, 0, 0));
    world.check(&s3, "with new parity");
}

#[test]
fn a_lost_segment_takes_no_second_copy_along() {
    let world = versions();
    let s3 = open(&world.vfs, &world.engine).unwrap();
    let all = protected(&s3);
    drop(s3);
    let mut copies = 0;
    for id in all.iter().map(|(_, row, _)| row.position.segment).collect::<std::collections::BTreeSet<_>>() {
        let vfs = world.vfs.snapshot();
        let s3 = open(&vfs, &world.engine.crash(usize::MAX)).unwrap();
        let path = segment_path(Path::new(DIR), id);
        let len = vfs.read_file(&path).unwrap().len() as u64;
        (0..len).for_each(|offset| vfs.corrupt(&path, offset, 0x5a).unwrap());
        for (hash, row, parity) in all.iter().filter(|(_, row, _)| row.position.segment == id) {
            let reader = SegmentReader::open(&vfs, Path::new(DIR), parity.position.segment).unwrap();
            let parity = Parity::decode(&reader.read(parity.position.offset).unwrap().payload).unwrap();
            if parity.is_copy() && row.kind == PlacedKind::Window && row.references.is_empty() {
                copies += 1;
                s3.store().window(hash, &mut Worker::new()).unwrap();
            }
        }
    }
    assert!(copies > 0, "no window has a second copy");
}
