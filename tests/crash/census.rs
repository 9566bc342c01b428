//! What occurs in random lives, counted at their ends: a life in which nothing is expanded or stored anew proves little about that.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use deltastore::segment::SegmentReader;
use deltastore::store::Walk;
use deltastore_format::{EntryKind, Hash, NodePayload};

use crate::disk::DIR;
use crate::world::World;

/// Lives in which each thing occurs.
static LIVES: [AtomicU64; 11] = [const { AtomicU64::new(0) }; 11];
const NAMES: [&str; 11] = [
    "members",
    "overlapping members",
    "cold windows",
    "cold references",
    "optimized versions",
    "joined uploads",
    "nested members",
    "rotated windows",
    "parity",
    "manifests that list a new segment",
    "segments removed after their manifest",
];
/// What occurs in an eighth of all lives only.
const RARE: [&str; 4] = ["overlapping members", "joined uploads", "nested members", "rotated windows"];

/// Counts one life.
pub fn take(world: &World) -> Result<(), String> {
    let Some(running) = &world.running else { return Ok(()) };
    let store = running.objects.store();
    let text = |error: deltastore::index::IndexError| error.to_string();
    let mut found = [false; 11];
    (found[9], found[10]) = manifests(world);
    found[5] = world.joined > 0;
    found[7] = world.rotated > 0;
    found[8] = world.parity > 0;
    for row in store.index().all_blobs(Hash::default()) {
        let (_, row) = row.map_err(text)?;
        found[2] |= row.cold;
        found[3] |= row.cold && !row.references.is_empty();
    }
    for row in store.index().all_versions() {
        let put = row.map_err(text)?.put;
        found[4] |= put.optimized;
        let mut walk = Walk::new(&put.recipe, 0..put.size);
        let mut ends: HashMap<Hash, u64> = HashMap::new();
        while let Some(entry) = store.step(&mut walk).map_err(|error| error.to_string())? {
            if entry.kind != EntryKind::Member {
                continue;
            }
            found[0] = true;
            let at = store.index().blob(&entry.hash).map_err(text)?.ok_or("a member that is missing")?.position;
            let reader = SegmentReader::open(&world.machine.vfs, Path::new(DIR), at.segment);
            let record = reader.and_then(|reader| reader.read(at.offset)).map_err(|error| error.to_string())?;
            let Ok(NodePayload::Member(member)) = NodePayload::decode(&record.payload) else {
                return Err("a member that is none".into());
            };
            found[6] |= member.is_nested();
            found[1] |= member.view.iter().any(|slice| ends.get(&slice.hash).is_some_and(|end| slice.skip < *end));
            ends.extend(member.view.iter().map(|slice| (slice.hash, slice.skip + slice.len)));
        }
    }
    for (count, found) in LIVES.iter().zip(found) {
        count.fetch_add(u64::from(found), Ordering::Relaxed);
    }
    Ok(())
}

/// Whether the disk saw the manifest replaced and synced with its folder, and segments removed.
fn manifests(world: &World) -> (bool, bool) {
    let calls = world.machine.vfs.describe();
    let mut replaced = 0;
    for window in calls.windows(2) {
        let renamed = window[0].contains("rename") && window[0].contains("SEGMENTS");
        replaced += usize::from(renamed && window[1].contains("sync") && !window[1].contains("segments"));
    }
    // Both files, for the empty store and for its first segment at least.
    let removed = calls.iter().any(|call| call.contains("remove") && call.contains(".seg"));
    (replaced > 4, removed && replaced > 6)
}

/// Checks that everything occurred often in so many lives.
pub fn demand(lives: u64) {
    let counts: Vec<_> = NAMES.iter().zip(&LIVES).map(|(name, count)| (*name, count.load(Ordering::Relaxed))).collect();
    println!("of {lives} lives, with {counts:?}");
    assert!(counts.iter().all(|(name, count)| count * if RARE.contains(name) { 8 } else { 2 } >= lives));
}
