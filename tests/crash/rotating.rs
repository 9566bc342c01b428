//! Set pieces of rotation: windows that are given another form, so that references of removed objects can go.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use deltastore::index::IndexError;
use deltastore::store::bugs::Bugs;
use deltastore::store::{CollectOptions, OptimizeOptions, OptimizeReport, Policy, Store};
use deltastore_format::Hash;
use deltastore_segment::vfs::CrashMode;
use futures::executor::block_on;

use crate::disk::{Machine, segment_files};
use crate::optimizing::optimize;
use crate::plan::Plan;
use crate::power::{self, Losses};
use crate::scenarios::{Scenario, collect, put, random, rebuilt, work_out};
use crate::world::{World, inspect};

/// A version of one of several releases: each keeps three quarters of the one before it, and each fits one window.
fn version(release: u64, number: u64) -> Vec<u8> {
    const BLOCKS: u64 = 4;
    // The block at a place is as old as the last version that replaced it.
    let block = |place: u64| random(200 + release * 100 + (number + BLOCKS - place) / BLOCKS * BLOCKS + place, 220);
    (0..BLOCKS).flat_map(block).collect()
}

fn name(release: u64, number: u64) -> String {
    format!("release-{release}/{number}")
}

/// Versions that were optimized one after another, so that each is encoded against the one before it, the first of them
/// removed.
fn chains(machine: Machine, releases: u64, removed: u64) -> Result<World, String> {
    let mut world = World::on(machine, 21)?;
    world.parallel = 1;
    for number in 0..4 {
        for release in 0..releases {
            world.round(vec![put(&name(release, number), version(release, number))])?;
        }
        optimize(&world, Policy::Max, 1)?;
    }
    for release in 0..releases {
        let keys = (0..removed).map(|number| name(release, number)).collect();
        world.round(vec![Plan::delete("bucket", keys)])?;
    }
    collect(&world, 0.02)?;
    Ok(world)
}

fn reference_only_bytes(world: &World) -> Result<u64, String> {
    let stats = world.objects().store().stats().map_err(|error| error.to_string())?;
    Ok(stats.total.reference_only_bytes)
}

/// Rotation gives back what removed versions took, and a rebuild keeps to it.
pub fn gives_back(bugs: Bugs) -> Result<(), String> {
    for removed in 1..4 {
        let mut world = chains(Machine::new(bugs), 3, removed)?;
        let before = reference_only_bytes(&world)?;
        let done = optimize(&world, Policy::Max, 1)?;
        if before < 2000 || done.rebased == 0 || done.rebased > done.dependents || done.objects > 0 {
            return Err(format!("the scenario does not work: {before} bytes of references, {done:?}"));
        }
        collect(&world, 0.02)?;
        if reference_only_bytes(&world)? > 0 {
            return Err(format!("of {before} bytes, {} are left: {done:?}", reference_only_bytes(&world)?));
        }
        inspect(world.running.as_ref().ok_or("no process runs")?)?;
        let again = optimize(&world, Policy::Max, 1)?;
        if (again.orphaned_bytes, again.rebased) != (0, 0) {
            return Err(format!("there is still something to do: {again:?}"));
        }
        world.check_all()?;
        world.close();
        let (engine, found) = rebuilt(&world.machine, bugs)?;
        if let Some(difference) = world.state.difference(&found) {
            return Err(format!("after a rebuild: {difference}"));
        }
        let running = world.machine.start_with(engine, 1).map_err(|error| error.to_string())?;
        inspect(&running)?;
    }
    Ok(())
}

/// Power losses while windows are rotated and what they held is collected.
pub fn crashes(bugs: Bugs) -> Result<(), String> {
    let mut world = chains(Machine::new(bugs), 2, 1)?;
    optimize(&world, Policy::Max, 1)?;
    collect(&world, 0.02)?;
    world.check_all()?;
    world.round(vec![put("late", version(0, 5))])?;
    world.kill();
    power::crash(&world, 21, Losses::Everywhere, &AtomicU64::new(0))
}

/// Segments end while windows are rotated, and the index is flushed between any two of them: it never knows of a window
/// what the disk does not hold, and what ended is on disk, too.
pub fn losses(bugs: Bugs) -> Result<(), String> {
    let mut world = chains(Machine::new(bugs), 24, 1)?;
    let (vfs, segments) = (world.machine.vfs.clone(), segment_files(&world.machine).len());
    let (store, mut moments, mut rotated) = (world.objects().store().clone(), Vec::new(), 0);
    let options = OptimizeOptions { policy: Some(Policy::Max), threads: 1, ..OptimizeOptions::default() };
    let done = store.optimize(&options, &AtomicBool::new(false), &mut |report| {
        if std::mem::replace(&mut rotated, report.rebased) < report.rebased {
            moments.push((vfs.journal_len(), store.index().flush()));
        }
    });
    let done = done.map_err(|error| error.to_string())?;
    drop(store);
    if done.rebased < 12 || segment_files(&world.machine).len() <= segments {
        return Err(format!("the scenario does not work: {done:?}, of {segments} segments"));
    }
    world.kill();
    for (number, (at, flushed)) in (0..).zip(moments) {
        flushed.map_err(|error| error.to_string())?;
        for mode in [CrashMode::DropAll, CrashMode::Random] {
            let lost = |error: String| format!("power loss {mode:?} after rotation {number}, call {at}: {error}");
            let running = world.machine.power_loss(at, number, mode, 0).start(0, number);
            let found = inspect(&running.map_err(|error| lost(error.to_string()))?).map_err(lost)?;
            world.state.difference(&found).map_or(Ok(()), |difference| Err(lost(difference)))?;
        }
    }
    Ok(())
}

/// Windows of which the first is retired are rotated beside others that are encoded against them.
pub fn no_circle(bugs: Bugs) -> Result<(), String> {
    let mut world = chains(Machine::new(bugs), 24, 1)?;
    let done = optimize(&world, Policy::Max, 1)?;
    if done.rebased < 12 {
        return Err(format!("the scenario does not work: {done:?}"));
    }
    collect(&world, 0.02)?;
    inspect(world.running.as_ref().ok_or("no process runs")?)?;
    world.check_all()
}

/// What a window is to be encoded against anew is removed, and a collection is about to take it.
pub fn remove_meanwhile(bugs: Bugs) -> Result<(), String> {
    (0..6).try_for_each(|round| remove_once(bugs, Duration::from_micros(300 * round)))
}

fn remove_once(bugs: Bugs, pause: Duration) -> Result<(), String> {
    let mut world = chains(Machine::new(bugs), 8, 2)?;
    let objects = world.objects().clone();
    let store = objects.store();
    let (mut changes, mut failed) = (Vec::new(), Ok(()));
    let (sender, receiver) = crossbeam_channel::unbounded();
    let done = std::thread::scope(|scope| {
        let collector = scope.spawn(|| {
            receiver.iter().try_for_each(|()| {
                std::thread::sleep(pause);
                store.collect(CollectOptions { min_dead: 0.02, seal_active: true }, &mut |_| ()).map(drop)
            })
        });
        // Newest versions that need no others any more: they have just been rotated, and the next ones are to need
        // them.
        let mut remove = |_: &OptimizeReport| {
            let Ok(keys) = bases(store) else { return };
            for key in keys {
                let Plan { request, changes: gone, .. } = Plan::delete("bucket", vec![key]);
                failed = failed.clone().and(block_on(request.send(&objects)).map(drop));
                changes.extend(gone);
                let _ = sender.send(());
            }
        };
        let options = OptimizeOptions { policy: Some(Policy::Max), threads: 1, ..OptimizeOptions::default() };
        let done = store.optimize(&options, &AtomicBool::new(false), &mut remove);
        drop(sender);
        collector.join().map_err(|_| "a collection panicked")?.map_err(|error| error.to_string())?;
        done.map_err(|error| error.to_string())
    })?;
    failed.map_err(|error| error.to_string())?;
    if done.rebased == 0 || changes.is_empty() {
        return Err(format!("the scenario does not work: {done:?}"));
    }
    drop(objects);
    world.state.apply(&changes);
    collect(&world, 0.02)?;
    inspect(world.running.as_ref().ok_or("no process runs")?)?;
    world.check_all()
}

/// Newest versions whose windows are encoded against no others.
fn bases(store: &Store) -> Result<Vec<String>, IndexError> {
    let mut found = Vec::new();
    for row in store.index().all_versions() {
        let put = row?.put;
        let windows: Vec<Hash> = put.recipe.entries.iter().map(|entry| entry.hash).collect();
        let rows = store.index().blobs(&windows)?;
        if put.key.ends_with("/3") && rows.iter().flatten().all(|row| row.references.is_empty()) {
            found.push(put.key);
        }
    }
    Ok(found)
}

#[test]
fn set_pieces_of_rotation_work_out() {
    let scenarios: [Scenario; 5] = [
        ("gives back", gives_back),
        ("crashes", crashes),
        ("losses", losses),
        ("no circle", no_circle),
        ("remove meanwhile", remove_meanwhile),
    ];
    work_out(&scenarios);
}
