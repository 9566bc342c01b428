//! Set pieces of parity: what many objects depend on is given it, keeps it and loses it, wherever the power is lost.

use std::path::Path;
use std::sync::atomic::AtomicU64;

use deltastore::index::IndexError;
use deltastore::segment::segment_path;
use deltastore::store::bugs::Bugs;
use deltastore::store::{Policy, Stats};
use deltastore_format::{Hash, SegmentId};

use crate::disk::{DIR, Machine, segment_files};
use crate::optimizing::optimize;
use crate::plan::Plan;
use crate::power::{self, Losses};
use crate::scenarios::{Scenario, collect, put, random, work_out};
use crate::world::{World, inspect};

/// One of many versions that share most of their bytes, some of which compress.
fn version(number: u64) -> Vec<u8> {
    let text: Vec<u8> = random(70, 3000).into_iter().map(|byte| b'a' + byte % 16).collect();
    [random(71, 1500), random(80 + number, 200), text].concat()
}

fn name(number: u64) -> String {
    format!("version-{number}")
}

fn versions(bugs: Bugs, count: u64) -> Result<World, String> {
    versions_on(Machine::new(bugs), count)
}

fn versions_on(machine: Machine, count: u64) -> Result<World, String> {
    let mut world = World::on(machine, 31)?;
    world.parallel = 1;
    for number in 0..count {
        world.round(vec![put(&name(number), version(number))])?;
    }
    Ok(world)
}

fn stats(world: &World) -> Result<Stats, String> {
    world.objects().store().stats().map_err(|error| error.to_string())
}

fn inspected(world: &World) -> Result<(), String> {
    inspect(world.running.as_ref().ok_or("no process runs")?).map(drop)
}

/// Power losses while parity is written and moved, and while that which it is for is moved and removed.
pub fn crashes(bugs: Bugs) -> Result<(), String> {
    let mut world = versions(bugs, 4)?;
    optimize(&world, Policy::Max, 1)?;
    if stats(&world)?.parity == 0 {
        return Err("the scenario does not work: nothing has parity".into());
    }
    collect(&world, 0.02)?;
    world.round(vec![Plan::delete("bucket", vec![name(0), name(2)])])?;
    collect(&world, 0.02)?;
    world.round(vec![put(&name(9), version(9))])?;
    optimize(&world, Policy::Max, 1)?;
    world.kill();
    power::crash(&world, 31, Losses::Everywhere, &AtomicU64::new(0))
}

/// Segments with parity, and with what it is for, are compacted in turn: all of it stays, in other segments.
pub fn compaction_keeps_it(bugs: Bugs) -> Result<(), String> {
    let mut world = versions(bugs, 6)?;
    optimize(&world, Policy::Max, 1)?;
    collect(&world, 0.02)?;
    let before = stats(&world)?.parity;
    for round in 0..6 {
        // Something that dies in each segment, so that all of them are compacted.
        world.round(vec![put("doomed", random(100 + round, 4000))])?;
        world.round(vec![Plan::delete("bucket", vec!["doomed".into()])])?;
        collect(&world, 0.0)?;
        inspected(&world)?;
        let after = stats(&world)?.parity;
        if before == 0 || after != before {
            return Err(format!("{before} blobs had parity, {after} have it after compaction {round}"));
        }
    }
    world.check_all()?;
    let rebuilt = stats(&world)?.parity;
    if rebuilt != before { Err(format!("{before} blobs had parity, {rebuilt} after a rebuild")) } else { Ok(()) }
}

/// What loses its dependents loses its parity, and what is removed takes it along.
pub fn goes_with_dependents(bugs: Bugs) -> Result<(), String> {
    let mut world = versions(bugs, 5)?;
    optimize(&world, Policy::Max, 1)?;
    world.round(vec![Plan::delete("bucket", (1..5).map(name).collect())])?;
    let done = optimize(&world, Policy::Max, 1)?;
    if done.shared > 0 || stats(&world)?.parity > 0 {
        return Err(format!("one object is left, and {} blobs have parity: {done:?}", stats(&world)?.parity));
    }
    world.round(vec![put(&name(1), version(1))])?;
    optimize(&world, Policy::Max, 1)?;
    if stats(&world)?.parity == 0 {
        return Err("the scenario does not work: nothing has parity".into());
    }
    world.round(vec![Plan::delete("bucket", vec![name(0), name(1)])])?;
    collect(&world, 0.02)?;
    let left = world.objects().store().index().all_parity(Hash::default()).count();
    if left > 0 { Err(format!("nothing is left, and {left} blobs have parity")) } else { world.check_all() }
}

/// Parity outlives the windows that it is for, which are then stored again in another form: a rebuild may not take
/// those for damaged.
pub fn outlives_what_it_is_for(bugs: Bugs) -> Result<(), String> {
    let mut machine = Machine::new(bugs);
    machine.settings.optimized_cut = machine.settings.cut;
    let mut world = versions_on(machine, 4)?;
    optimize(&world, Policy::Max, 1)?;
    let (index, text) = (world.objects().store().index().clone(), |error: IndexError| error.to_string());
    let mut places = Vec::new();
    for row in index.all_parity(Hash::default()) {
        let (hash, row) = row.map_err(text)?;
        let blob = index.blob(&hash).map_err(text)?.ok_or("parity of nothing")?;
        places.push((hash, blob.position.segment, row.position.segment));
    }
    world.round(vec![put("alive", random(90, 20_000))])?;
    world.round(vec![Plan::delete("bucket", (0..4).map(name).collect())])?;
    collect(&world, 0.9)?;
    for number in 0..2 {
        world.round(vec![put(&name(number), version(number))])?;
    }
    let there = |id: SegmentId| segment_files(&world.machine).contains(&segment_path(Path::new(DIR), id));
    let is_case = |(hash, of_blob, of_parity): &(Hash, SegmentId, SegmentId)| {
        !there(*of_blob) && there(*of_parity) && index.blob(hash).is_ok_and(|row| row.is_some_and(|row| !row.optimized))
    };
    if !places.iter().any(is_case) {
        return Err("the scenario does not work: no segment with parity outlives the record that it is for".into());
    }
    drop(index);
    world.check_all()
}

#[test]
fn set_pieces_of_parity_work_out() {
    let scenarios: [Scenario; 4] = [
        ("compaction keeps it", compaction_keeps_it),
        ("outlives what it is for", outlives_what_it_is_for),
        ("goes with dependents", goes_with_dependents),
        ("crashes", crashes),
    ];
    work_out(&scenarios);
}
