//! Damage under a store that is open: nothing is cached, so that every read meets it.

use std::collections::{BTreeMap, BTreeSet};

use crate::map::{Place, Region, places};
use crate::world::{World, get, open};

/// Bytes between two flips.
const STRIDE: u64 = 7;

#[test]
fn no_flip_under_an_open_store_serves_a_wrong_byte() {
    let world = World::new();
    let s3 = open(&world.vfs, &world.engine).unwrap();
    let mut flips: BTreeMap<Region, usize> = BTreeMap::new();
    let mut failed = 0;
    for place in places(&world, &s3) {
        // Another phase for each record, so that all fields of a kind are met.
        for offset in (place.at.offset + place.at.offset % STRIDE..place.end).step_by(STRIDE as usize) {
            let bits = if offset.is_multiple_of(2) { 1 << (offset / 2 % 8) } else { 0xff };
            world.vfs.corrupt(&place.path(), offset, bits).unwrap();
            let region = place.region(offset);
            failed += check(&world, &s3, &place, offset, region);
            *flips.entry(region).or_default() += 1;
            world.vfs.corrupt(&place.path(), offset, bits).unwrap();
        }
    }
    world.check(&s3, &BTreeSet::new(), "healed");
    let total: usize = flips.values().sum();
    println!("{total} flips under an open store, {failed} reads refused; {flips:?}");
    assert!(total > 3_000 && failed > 2_000 && flips.len() >= 10, "{flips:?}");
}

fn check(world: &World, s3: &deltastore::object::Objects, place: &Place, offset: u64, region: Region) -> usize {
    let context = format!("{:?} at {} + {}", place.kind, place.at, offset - place.at.offset);
    let mut failed = 0;
    let others = world.objects.keys().nth(offset as usize % world.objects.len());
    for name in place.needed_by.iter().chain(others) {
        let right = &world.objects[name];
        let middle = right.len() as u64 / 2;
        let ranges = [None, (middle > 0).then_some((middle, middle + 300))];
        for range in ranges.into_iter().take(if right.is_empty() { 1 } else { 2 }) {
            let expected = match range {
                None => &right[..],
                Some((from, to)) => &right[from as usize..right.len().min(to as usize + 1)],
            };
            match get(s3, *name, range) {
                Ok(found) => assert!(found == expected, "{context}: wrong bytes in {name:?} {range:?}"),
                Err(error) => {
                    assert!(place.needed_by.contains(name), "{context}: {name:?} {range:?}: {error:?}");
                    let text = format!("{error:?}").to_lowercase();
                    // The very record, by segment and offset.
                    let named = text.contains(&place.at.segment.to_string())
                        || text.contains(&format!("segmentid({})", place.at.segment.0));
                    assert!(named && text.contains(&place.at.offset.to_string()), "{context}: {text}");
                    failed += 1;
                }
            }
        }
    }
    if offset.is_multiple_of(5) && region != Region::Padding {
        let found = s3.store().fsck(&mut |_| ()).unwrap();
        let subject = place.at.segment.to_string();
        let named = found.problems.iter().any(|problem| problem.to_string().contains(&subject));
        // The header of a file that is open is looked at when it is opened.
        assert!(named || place.kind.is_none(), "{context}: fsck: {:?}", found.problems);
    }
    failed
}
