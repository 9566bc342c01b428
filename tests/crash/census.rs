//! What occurs in random lives, looked for whenever a life is checked: a life in which nothing is expanded or stored
//! anew proves little about that.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use deltastore::segment::SegmentReader;
use deltastore::store::Walk;
use deltastore_format::{EntryKind, Hash, NodePayload};

use crate::disk::DIR;
use crate::world::World;

const KINDS: usize = 11;
/// Lives in which each thing occurs.
static LIVES: [AtomicU64; KINDS] = [const { AtomicU64::new(0) }; KINDS];
const NAMES: [&str; KINDS] = [
    "members",
    "overlapping members",
    "optimized windows",
    "optimized references",
    "optimized versions",
    "joined uploads",
    "nested members",
    "rotated windows",
    "parity",
    "manifests that list a new segment",
    "segments removed after their manifest",
];
/// What occurs in a sixteenth of all lives only, at least.
const RARE: [&str; 3] = ["overlapping members", "joined uploads", "nested members"];
/// Fewer lives may lack anything.
const ENOUGH: u64 = 50;

/// What occurred in one life.
#[derive(Default)]
pub struct Census([bool; KINDS]);

impl Census {
    /// Adds what is there now.
    pub fn look(&mut self, world: &World) -> Result<(), String> {
        let now = look(world)?;
        self.0.iter_mut().zip(now).for_each(|(found, now)| *found |= now);
        Ok(())
    }

    /// Counts the life.
    pub fn end(self) {
        for (count, found) in LIVES.iter().zip(self.0) {
            count.fetch_add(u64::from(found), Ordering::Relaxed);
        }
    }
}

fn look(world: &World) -> Result<[bool; KINDS], String> {
    let mut found = [false; KINDS];
    let Some(running) = &world.running else { return Ok(found) };
    let store = running.objects.store();
    let text = |error: deltastore::index::IndexError| error.to_string();
    (found[9], found[10]) = manifests(world);
    found[5] = world.joined > 0;
    found[7] = world.rotated > 0;
    found[8] = world.parity > 0;
    for row in store.index().all_blobs(Hash::default()) {
        let (_, row) = row.map_err(text)?;
        found[2] |= row.optimized;
        found[3] |= row.optimized && !row.references.is_empty();
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
    Ok(found)
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
    let often = |(name, count): &(&str, u64)| count * if RARE.contains(name) { 16 } else { 2 } >= lives;
    assert!(lives < ENOUGH || counts.iter().all(often), "of {lives} lives, with {counts:?}");
}
