//! Set pieces of parity: what many objects depend on is given it, keeps it and loses it, wherever the power is lost.

use std::sync::atomic::AtomicU64;

use deltastore::store::bugs::Bugs;
use deltastore::store::{Policy, Stats};
use deltastore_format::Hash;

use crate::disk::Machine;
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
    let mut world = World::on(Machine::new(bugs), 31)?;
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

#[test]
fn set_pieces_of_parity_work_out() {
    let scenarios: [Scenario; 3] = [
        ("compaction keeps it", compaction_keeps_it),
        ("goes with dependents", goes_with_dependents),
        ("crashes", crashes),
    ];
    work_out(&scenarios);
}
