//! Starts and maintenance on a disk whose calls fail one by one: creating, opening, renaming, cutting, removing,
//! syncing names.
//!
//! A start may fail then, with nothing lost: the next one, and one after a power loss, finds all that was acknowledged.

use std::sync::atomic::{AtomicU64, Ordering};

use deltastore::store::CollectOptions;
use deltastore::store::bugs::Bugs;
use deltastore_segment::vfs::{CrashMode, Fault, FaultError, FaultOp};
use futures::executor::block_on;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::disk::Machine;
use crate::plan::Plan;
use crate::scenarios::{put, random};
use crate::state::State;
use crate::world::{World, in_parallel, inspect};

const OPS: [FaultOp; 9] = [
    FaultOp::Create,
    FaultOp::Open,
    FaultOp::Read,
    FaultOp::Write,
    FaultOp::SetLen,
    FaultOp::SyncData,
    FaultOp::SyncDir,
    FaultOp::Rename,
    FaultOp::Remove,
];
/// Calls of one kind that a start or a collection makes at most here.
const CALLS: u64 = 24;

/// A machine whose log is to be cut and replayed, or read whole because the index is gone; and what is on it.
fn crashed(seed: u64) -> Result<(Machine, State), String> {
    let mut world = World::new(seed, Bugs::default())?;
    for number in 0..8 {
        world.round(vec![put(&format!("{number}"), random(number, 4000))])?;
    }
    world.round(vec![Plan::delete("bucket", (0..5).map(|number| number.to_string()).collect())])?;
    let at = world.machine.vfs.journal_len();
    world.kill();
    let index = if seed.is_multiple_of(2) { 1 } else { usize::MAX - 1 };
    Ok((world.machine.power_loss(at, seed, CrashMode::Random, index), world.state))
}

fn every_fault() -> impl Iterator<Item = (FaultOp, u64, FaultError)> {
    let places = OPS.into_iter().flat_map(|op| (0..CALLS).map(move |after| (op, after)));
    places.flat_map(|(op, after)| [FaultError::Io, FaultError::NoSpace].map(|error| (op, after, error)))
}

/// The store opens as if nothing had failed, and has what is expected.
fn comes_up(machine: &Machine, expected: &State) -> Result<(), String> {
    let running = machine.start(0, 1).map_err(|error| format!("the store does not open: {error}"))?;
    let found = inspect(&running)?;
    if let Some(difference) = expected.difference(&found) {
        return Err(difference);
    }
    if found.buckets.is_empty() {
        return block_on(running.objects.create_bucket("late")).map(drop).map_err(|error| error.to_string());
    }
    let plan = put("after", random(99, 500));
    block_on(plan.request.send(&running.objects)).map(drop).map_err(|error| error.to_string())
}

fn after_a_failure(machine: &Machine, expected: &State, rng: &mut StdRng) -> Result<(), String> {
    let mode = *CrashMode::ALL.choose(rng).expect("not empty");
    let lost = machine.power_loss(machine.vfs.journal_len(), rng.random(), mode, rng.random_range(0..2));
    comes_up(&lost, expected).map_err(|error| format!("after a power loss ({mode:?}): {error}"))?;
    machine.vfs.clear_faults();
    comes_up(machine, expected)
}

#[test]
fn a_start_that_fails_at_any_call_loses_nothing() {
    let faults: Vec<_> = every_fault().collect();
    let failed = AtomicU64::new(0);
    in_parallel(0..faults.len() as u64, |number| {
        let (op, after, error) = faults[number as usize];
        let (machine, expected) = crashed(number)?;
        machine.vfs.fail(Fault::new(op, after, error));
        failed.fetch_add(u64::from(machine.start(0, number).is_err()), Ordering::Relaxed);
        after_a_failure(&machine, &expected, &mut StdRng::seed_from_u64(number))
            .map_err(|reason| format!("call {after} of {op:?} fails with {error:?}: {reason}"))
    })
    .unwrap();
    println!("{} of {} starts failed", failed.load(Ordering::Relaxed), faults.len());
    assert!(failed.into_inner() > 20);
}

#[test]
fn a_first_start_that_fails_at_any_call_can_be_repeated() {
    for (op, after, error) in every_fault() {
        let machine = Machine::new(Bugs::default());
        machine.vfs.fail(Fault::new(op, after, error));
        drop(machine.start(0, 1));
        let mut rng = StdRng::seed_from_u64(after);
        after_a_failure(&machine, &State::default(), &mut rng)
            .unwrap_or_else(|reason| panic!("call {after} of {op:?} fails with {error:?}: {reason}"));
    }
}

/// Collections, seals and new segments meet calls that fail; writes go on or are refused, and nothing acknowledged is
/// lost.
#[test]
fn a_running_store_whose_calls_fail_loses_nothing() {
    // Calls on segments and their folder, and those on the manifests.
    let of_segments = every_fault().filter(|(op, ..)| *op != FaultOp::SyncData && *op != FaultOp::Write);
    let of_manifests = every_fault().filter(|(op, ..)| !matches!(op, FaultOp::Open | FaultOp::Read | FaultOp::SetLen));
    let of = |path| move |(op, after, error)| (op, after, error, path);
    let faults: Vec<_> = of_segments.map(of("segments")).chain(of_manifests.map(of("SEGMENTS"))).collect();
    let failed = AtomicU64::new(0);
    in_parallel(0..faults.len() as u64, |number| {
        let (op, after, error, path) = faults[number as usize];
        let mut world = World::new(number, Bugs::default())?;
        for number in 0..6 {
            world.round(vec![put(&format!("{number}"), random(number, 4000))])?;
        }
        world.machine.vfs.fail(Fault::new(op, after, error).on(path));
        // A failed sync of names ends writing; what fails later says so.
        (world.full, world.broken) = (true, true);
        world.round(vec![Plan::delete("bucket", vec!["0".into(), "1".into(), "3".into()])])?;
        let collected = world.objects().store().collect(CollectOptions::THOROUGH, &mut |_| ());
        failed.fetch_add(u64::from(collected.is_err()), Ordering::Relaxed);
        for number in 6..9 {
            world.round(vec![put(&format!("{number}"), random(number, 9000))])?;
        }
        world.machine.vfs.clear_faults();
        let of_call = |reason| format!("call {after} of {op:?} on {path} fails with {error:?}: {reason}");
        world.power_loss().map_err(of_call)?;
        world.check_all().map_err(of_call)
    })
    .unwrap();
    println!("{} of {} collections failed", failed.load(Ordering::Relaxed), faults.len());
    assert!(failed.into_inner() > 20);
}

/// A sector that cannot be read is named by fsck, as damage is, and the rest is checked all the same.
#[test]
fn fsck_names_what_the_disk_cannot_read() {
    let mut world = World::new(1, Bugs::default()).unwrap();
    for number in 0..4 {
        world.round(vec![put(&format!("{number}"), random(number, 4000))]).unwrap();
    }
    let store = world.objects().store();
    let whole = store.fsck(&mut |_| ()).unwrap();
    assert!(whole.problems.is_empty() && whole.blobs > 8, "{whole:?}");
    for after in 0..CALLS {
        world.machine.vfs.fail(Fault::new(FaultOp::Read, after, FaultError::Io).on("segments"));
        let report = store.fsck(&mut |_| ()).unwrap_or_else(|error| panic!("read {after} fails: {error}"));
        assert_eq!(report.problems.len(), 1, "read {after} fails: {report:?}");
        assert_eq!((report.blobs, report.versions), (whole.blobs, whole.versions));
        world.machine.vfs.clear_faults();
    }
    assert!(store.fsck(&mut |_| ()).unwrap().problems.is_empty());
}
