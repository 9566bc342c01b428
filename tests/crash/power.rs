//! The crash test: power loss after every call of a recorded life, in every mode, also during the recovery that
//! follows.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use deltastore::store::bugs::Bugs;
use deltastore::store::{CollectOptions, OptimizeOptions, Policy, StoreError};
use deltastore_format::Metadata;
use deltastore_segment::vfs::{CrashMode, Fault, FaultError, FaultOp, Vfs};
use futures::executor::block_on;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::disk::{Machine, Running, segment_files};
use crate::plan::{Bodies, Plan, fresh};
use crate::state::{Change, State};
use crate::world::{World, in_parallel, inspect, setting};

/// Images of each call and mode.
const IMAGES: u64 = 2;
/// More flushes back than any crash keeps: the index is gone.
const NO_INDEX: usize = usize::MAX - 1;

/// How often power is lost in a life.
#[derive(Clone, Copy)]
pub enum Losses {
    /// After every call, in every mode, with several images each.
    Everywhere,
    /// Once after every call, in some mode: for what shows in many places of a rare life.
    Sampled,
}

/// A short life with restarts, kills, collections and now and then a failing disk.
pub fn workload(seed: u64, bugs: Bugs) -> Result<World, String> {
    let mut world = World::new(seed, bugs)?;
    world.parallel = 1 + seed as usize % 4;
    if seed.is_multiple_of(6) {
        // Several segments between two syncs.
        world.bodies = Bodies::new(16_000);
    }
    let result = life(seed, &mut world);
    match result {
        Ok(()) => Ok(world),
        Err(error) => Err(format!("seed {seed}: {error}\n  {}", world.story())),
    }
}

pub fn life(seed: u64, world: &mut World) -> Result<(), String> {
    for step in 0..world.rng.random_range(8..28) {
        match world.rng.random_range(0..100) {
            0..76 => world.step()?,
            76..81 => world.optimize()?,
            81..85 => world.collect()?,
            85..88 => {
                world.close();
                world.up()?;
            }
            88..91 => {
                world.kill();
                world.up()?;
            }
            91..96 => {
                let calls = world.machine.vfs.journal_len() + world.rng.random_range(0..12);
                world.running.as_ref().expect("a process runs").process.dies_at(calls);
                let plans = world.plans();
                world.round(plans)?;
                match world.rng.random_range(0..3) {
                    0 => world.collect()?,
                    1 => world.optimize()?,
                    _ => {}
                }
                world.kill();
                world.up()?;
            }
            _ if seed % 3 == 1 => {
                let after = world.rng.random_range(0..4);
                let partial = world.rng.random_range(0..3000);
                // A segment that cannot be made, listed or removed refuses nothing: the old one is used on, or
                // collected later.
                let (mut path, kind) = ("segments", world.rng.random_range(0..8));
                let fault = match kind {
                    0 => Fault::new(FaultOp::Create, 0, FaultError::NoSpace).times(after + 1),
                    1 => Fault::new(FaultOp::Create, 0, FaultError::Io).times(after + 1),
                    2 => Fault::new(FaultOp::Remove, 0, FaultError::Io).times(after + 1),
                    3 | 4 => {
                        path = "SEGMENTS";
                        let op = if kind == 3 { FaultOp::Rename } else { FaultOp::Create };
                        Fault::new(op, after, FaultError::Io).times(1 + partial as u64 % 3)
                    }
                    _ => Fault::new(FaultOp::Write, after, FaultError::NoSpace).partial(partial),
                };
                world.note(format!("{fault:?}"));
                world.full = true;
                world.machine.vfs.fail(fault.on(path));
            }
            _ if seed % 3 == 2 && step > 6 => {
                let after = world.rng.random_range(0..3);
                world.broken = true;
                let fault = match world.rng.random_range(0..6) {
                    0 => Fault::new(FaultOp::SyncDir, 0, FaultError::Io),
                    1 => {
                        // An append that can be neither finished nor taken back.
                        world.machine.vfs.fail(Fault::new(FaultOp::SetLen, 0, FaultError::Io).on("segments"));
                        Fault::new(FaultOp::Write, after, FaultError::Io)
                    }
                    _ => Fault::new(FaultOp::SyncData, after, FaultError::Io),
                };
                world.note(format!("{fault:?}"));
                world.machine.vfs.fail(fault.on("segments"));
                for _ in 0..3 {
                    let plans = world.plans();
                    world.round(plans)?;
                }
                break;
            }
            _ => world.collect()?,
        }
    }
    world.kill();
    Ok(())
}

/// What must be there after the first `at` calls, and what may be.
fn expected(world: &World, at: usize) -> (State, Vec<&[Change]>) {
    let mut state = State::default();
    let mut open = Vec::new();
    for event in &world.events {
        if event.end <= at {
            if event.applied {
                state.apply(&event.changes);
            }
        } else if event.start <= at {
            open.push(&event.changes[..]);
        }
    }
    (state, open)
}

/// Loses power after the calls of a life; counts the states.
pub fn crash(world: &World, seed: u64, losses: Losses, states: &AtomicU64) -> Result<(), String> {
    let mut rng = StdRng::seed_from_u64(seed ^ 0xc0ffee);
    for at in 0..=world.machine.vfs.journal_len() {
        let (base, open) = expected(world, at);
        let (modes, images) = match losses {
            Losses::Everywhere => (&CrashMode::ALL[..], IMAGES),
            Losses::Sampled => (std::slice::from_ref(CrashMode::ALL.choose(&mut rng).expect("not empty")), 1),
        };
        for &mode in modes {
            for _ in 0..images {
                let image: u64 = rng.random();
                crash_once(world, at, mode, image, (&base, &open[..]), states).map_err(|error| {
                    let calls = world.machine.vfs.describe();
                    format!(
                        "seed {seed}, power loss after call {at} ({mode:?}, image {image}): {error}\n  {}\n calls before:\n  {}",
                        world.story(),
                        calls[at.saturating_sub(12)..at].join("\n  ")
                    )
                })?;
            }
        }
    }
    Ok(())
}

fn crash_once(
    world: &World,
    at: usize,
    mode: CrashMode,
    image: u64,
    (base, open): (&State, &[&[Change]]),
    states: &AtomicU64,
) -> Result<(), String> {
    let mut rng = StdRng::seed_from_u64(image);
    let index = *[0, 0, 0, 1, 2, NO_INDEX].choose(&mut rng).expect("not empty");
    let machine = world.machine.power_loss(at, image, mode, index);
    let running = start(&machine, image)?;
    let recovered = machine.vfs.journal_len();
    let found = inspect(&running)?;
    base.settle(open, &found).map_err(|error| format!("index {index} back: {error}"))?;
    states.fetch_add(1, Ordering::Relaxed);
    if rng.random_ratio(1, 4) {
        let during = rng.random_range(0..=recovered);
        let mode = *CrashMode::ALL.choose(&mut rng).expect("not empty");
        let index = *[0, 1, NO_INDEX].choose(&mut rng).expect("not empty");
        let again = machine.power_loss(during, rng.random(), mode, index);
        let of_recovery = |error| format!("then after call {during} of {recovered} of the recovery: {error}");
        let second = inspect(&start(&again, image).map_err(of_recovery)?).map_err(of_recovery)?;
        match during == recovered {
            // It has served what it found.
            true => found.settle(&[], &second).map_err(of_recovery)?,
            false => base.settle(open, &second).map_err(of_recovery)?,
        };
        states.fetch_add(1, Ordering::Relaxed);
    }
    if rng.random_ratio(1, 6) {
        lose_segment(world, at, mode, image, index, (base, open), &mut rng)?;
        states.fetch_add(1, Ordering::Relaxed);
    }
    if rng.random_ratio(1, 16) {
        go_on(&machine, running, found, &mut rng).map_err(|error| format!("going on after it: {error}"))?;
        states.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// A segment's file goes after the power loss: what is lost with it is missed, or nothing was. It comes back, and all
/// is there.
fn lose_segment(
    world: &World,
    at: usize,
    mode: CrashMode,
    image: u64,
    index: usize,
    (base, open): (&State, &[&[Change]]),
    rng: &mut StdRng,
) -> Result<(), String> {
    let machine = world.machine.power_loss(at, image, mode, index);
    let files = segment_files(&machine);
    // The newest is what the manifest may not know yet.
    let last = files.last().filter(|_| rng.random_bool(0.6));
    let Some(path) = last.or_else(|| files.choose(rng)) else { return Ok(()) };
    let lost = |error| format!("without {}, index {index} back: {error}", path.display());
    let bytes = machine.vfs.read_file(path).map_err(|error| lost(error.to_string()))?;
    machine.vfs.remove(path).map_err(|error| lost(error.to_string()))?;
    match machine.start(0, image) {
        // All segments are gone.
        Err(StoreError::Unusable(_)) => {}
        Err(error) => return Err(lost(format!("the store does not open: {error}"))),
        Ok(running) if running.objects.store().damage().is_empty() => {
            let found = inspect(&running).map_err(lost)?;
            base.settle(open, &found).map_err(|error| lost(format!("it is not missed: {error}")))?;
            return Ok(());
        }
        Ok(_) => {}
    }
    // A torn tail that became the middle of the log may look like damage.
    if !matches!(mode, CrashMode::DropAll | CrashMode::KeepAll) {
        return Ok(());
    }
    let again = |error: String| lost(format!("then it is back: {error}"));
    let file = machine.vfs.create(path).map_err(|error| again(error.to_string()))?;
    file.write_all_at(&bytes, 0).map_err(|error| again(error.to_string()))?;
    let found = inspect(&start(&machine, image).map_err(again)?).map_err(again)?;
    base.settle(open, &found).map(drop).map_err(again)
}

fn start(machine: &Machine, seed: u64) -> Result<Running, String> {
    machine.start(0, seed).map_err(|error| format!("the store does not open: {error}"))
}

/// The recovered store takes writes, collects, and keeps all of it over a restart and a rebuild.
fn go_on(machine: &Machine, running: Running, mut state: State, rng: &mut StdRng) -> Result<(), String> {
    let mut plans = Vec::new();
    if !state.buckets.contains("bucket") {
        plans.push(Plan::create_bucket("bucket"));
    }
    if !state.buckets.contains("late") {
        plans.push(Plan::create_bucket("late"));
    }
    let key = |name: &str| ("bucket".to_owned(), name.to_owned());
    plans.push(Plan::put(key("new"), fresh(rng, 4000).into(), Metadata::default()));
    plans.push(Plan::put(key("a"), fresh(rng, 400).into(), Metadata::default()));
    plans.push(Plan::delete("bucket", vec!["b".into(), "dir/c".into()]));
    for plan in plans {
        block_on(plan.request.send(&running.objects)).map_err(|error| error.to_string())?;
        state.apply(&plan.changes);
    }
    let store = running.objects.store();
    if rng.random_bool(0.5) {
        let options = OptimizeOptions { policy: Some(Policy::Balanced), threads: 1, ..OptimizeOptions::default() };
        let report = store.optimize(&options, &AtomicBool::new(false), &mut |_| ());
        let report = report.map_err(|error| format!("optimize failed: {error}"))?;
        if report.damaged > 0 {
            return Err(format!("optimizing met damage: {report:?}"));
        }
    }
    store.collect(CollectOptions::THOROUGH, &mut |_| ()).map_err(|error| format!("collect failed: {error}"))?;
    state.settle(&[], &inspect(&running)?)?;
    drop(running);
    let running = start(machine, 1)?;
    state.settle(&[], &inspect(&running)?).map_err(|error| format!("after a restart: {error}"))?;
    drop(running);
    let running = machine.start_with(machine.rebuilt()?, 1).map_err(|error| error.to_string())?;
    let found = inspect(&running).map_err(|error| format!("after rebuild-index: {error}"))?;
    state.settle(&[], &found).map_err(|error| format!("after rebuild-index: {error}"))?;
    Ok(())
}

#[test]
fn nothing_acknowledged_is_lost_in_a_power_loss() {
    let first = setting("DELTASTORE_CRASH_SEED", 1);
    let wanted = setting("DELTASTORE_CRASH_STATES", 100_000);
    let states = AtomicU64::new(0);
    let start = std::time::Instant::now();
    let result = in_parallel(first..first + 10_000, |seed| {
        if states.load(Ordering::Relaxed) >= wanted {
            return Ok(());
        }
        let world = workload(seed, Bugs::default())?;
        crash(&world, seed, Losses::Everywhere, &states)
    });
    let states = states.into_inner();
    println!("crash test: {states} crash states from seed {first} on in {:?}", start.elapsed());
    if let Err(error) = result {
        panic!("DELTASTORE_CRASH_SEED: {error}");
    }
    assert!(states >= wanted);
}
