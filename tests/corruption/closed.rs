//! Damage to a store that is closed: opened with its index, opened without, rebuilt, collected, and healed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use deltastore::store::CollectOptions;
use deltastore_format::RecordKind;
use deltastore_segment::vfs::SimVfs;

use crate::map::{Place, Region, places};
use crate::world::{World, open, rebuild};

/// Flips tried in each test, spread over all records.
const FLIPS: usize = 600;

#[test]
fn a_store_opened_after_the_flip() {
    each_flip("opened", |world, place, offset, bits| {
        let vfs = flipped(world, place, offset, bits);
        let engine = world.engine.crash(usize::MAX);
        let context =
            format!("{:?} {:?} at {} + {}", place.kind, place.region(offset), place.at, offset - place.at.offset);
        let s3 = open(&vfs, &engine).unwrap_or_else(|error| panic!("{context}: {error}"));
        if place.kind.is_none() {
            let damage = s3.store().damage();
            assert!(damage.iter().any(|damage| damage.covers(place.at)), "{context}: {damage:?}");
        }
        world.check(&s3, &place.needed_by, &context);
        world.check_lists(&s3, &BTreeSet::new(), &context);
        world.check_upload(&s3, &context);
        s3.store().collect(CollectOptions::THOROUGH, &mut |_| ()).unwrap_or_else(|error| panic!("{context}: {error}"));
        world.check(&s3, &place.needed_by, &context);
        drop(s3);
        if place.region(offset) != Region::Padding {
            take_back(place, &vfs, offset, bits, &context);
        }
        whole_again(world, &vfs, &context);
    });
}

#[test]
fn a_store_rebuilt_after_the_flip() {
    each_flip("rebuilt", |world, place, offset, bits| {
        let vfs = flipped(world, place, offset, bits);
        let context =
            format!("{:?} {:?} at {} + {}", place.kind, place.region(offset), place.at, offset - place.at.offset);
        let (engine, damage) = rebuild(&vfs).unwrap_or_else(|error| panic!("{context}: {error}"));
        let padding = place.region(offset) == Region::Padding;
        let named = damage.iter().any(|damage| damage.covers(place.at) && !damage.reason.is_empty());
        assert!(named || padding, "{context}: {damage:?}");
        let s3 = open(&vfs, &engine).unwrap_or_else(|error| panic!("{context}: {error}"));
        // A commit tells itself which bit of it is wrong.
        world.check(&s3, &place.needed_by, &context);
        world.check_lists(&s3, &BTreeSet::new(), &context);
        world.check_upload(&s3, &context);
        if !padding {
            let found = s3.store().fsck(&mut |_| ()).unwrap();
            assert!(!found.problems.is_empty(), "{context}: fsck finds nothing");
        }
        s3.store().collect(CollectOptions::THOROUGH, &mut |_| ()).unwrap_or_else(|error| panic!("{context}: {error}"));
        world.check(&s3, &place.needed_by, &context);
        drop(s3);
        if !padding {
            take_back(place, &vfs, offset, bits, &context);
        }
        whole_again(world, &vfs, &context);
    });
}

/// Takes a flip back, unless its segment went with what was in it: a commit was copied, and a window or node that
/// nothing needs was dropped.
fn take_back(place: &Place, vfs: &SimVfs, offset: u64, bits: u8, context: &str) {
    let region = place.region(offset);
    let dead = matches!(region, Region::Payload(1 | 2)) && place.needed_by.is_empty();
    let copied = matches!(region, Region::Payload(3) | Region::RecordHeader(3));
    if vfs.read_file(&place.path()).is_ok() {
        vfs.corrupt(&place.path(), offset, bits).unwrap();
    } else {
        assert!(dead || copied, "{context}: a damaged segment was removed");
    }
}

/// The damage is taken back: nothing that it hid may have been dropped meanwhile.
fn whole_again(world: &World, vfs: &SimVfs, context: &str) {
    let context = format!("{context}, healed");
    let (engine, damage) = rebuild(vfs).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(damage.is_empty(), "{context}: {damage:?}");
    let s3 = open(vfs, &engine).unwrap_or_else(|error| panic!("{context}: {error}"));
    world.check(&s3, &BTreeSet::new(), &context);
    world.check_lists(&s3, &BTreeSet::new(), &context);
    world.check_upload(&s3, &context);
    let found = s3.store().fsck(&mut |_| ()).unwrap();
    assert!(found.problems.is_empty(), "{context}: {:?}", found.problems);
}

fn flipped(world: &World, place: &Place, offset: u64, bits: u8) -> SimVfs {
    let vfs = world.vfs.snapshot();
    vfs.corrupt(&place.path(), offset, bits).unwrap();
    vfs
}

/// Flips spread evenly over the bytes of all places; every place gets some, in each of its regions.
fn each_flip(what: &str, check: impl Fn(&World, &Place, u64, u8) + Sync) {
    let world = World::new();
    let s3 = open(&world.vfs, &world.engine).unwrap();
    let places = places(&world, &s3);
    drop(s3);
    let bytes: u64 = places.iter().map(|place| place.end - place.at.offset).sum();
    let stride = (bytes / FLIPS as u64).max(1);
    let mut flips = Vec::new();
    for (number, place) in places.iter().enumerate() {
        let mut seen = BTreeSet::new();
        for offset in place.at.offset..place.end {
            if seen.insert(place.region(offset)) || offset % stride == number as u64 % stride {
                flips.push((place, offset, 1u8 << (offset % 8)));
            }
        }
    }
    let done = AtomicUsize::new(0);
    let next = Arc::new(AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((place, offset, bits)) = flips.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(&world, place, *offset, *bits);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let kinds: BTreeSet<_> = places.iter().map(|place| place.kind.map(|kind: RecordKind| kind as u8)).collect();
    println!("{} flips of a store {what}, {} places, {bytes} bytes", done.into_inner(), places.len());
    assert!(kinds.len() == 5, "{kinds:?}");
}
