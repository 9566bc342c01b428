//! An index that takes nothing for a while, and a clock that is set back.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use deltastore::object::ObjectError;
use deltastore::store::bugs::Bugs;
use deltastore::store::{Health, OptimizeOptions, Policy};
use deltastore_segment::vfs::Clock;
use futures::executor::block_on;

use crate::disk::Machine;
use crate::plan::Plan;
use crate::scenarios::{key, put, random};
use crate::world::World;

/// Clients wait for the index for a few seconds, no longer.
const PATIENCE: Duration = Duration::from_secs(30);

fn send(world: &World, plan: Plan) -> Result<(), ObjectError> {
    block_on(plan.request.send(world.objects())).map(drop)
}

/// While the index takes nothing, reads go on and writes are refused for now. A write that was refused so may be seen
/// later, as after a crash; what comes then finds a store that is whole.
#[test]
fn writes_are_refused_for_now_and_reads_go_on_while_the_index_takes_nothing() {
    let mut world = World::new(1, Bugs::default()).unwrap();
    world.round(vec![put("before", random(1, 3000))]).unwrap();
    let process = std::sync::Arc::clone(&world.running.as_ref().unwrap().process);
    process.index_refuses(u64::MAX);
    let start = Instant::now();
    for name in ["first", "second"] {
        let refused = send(&world, put(name, random(2, 3000))).unwrap_err();
        assert!(matches!(refused, ObjectError::NotNow(_)), "{refused:?}");
        assert_eq!((refused.code(), refused.status()), ("ServiceUnavailable", 503));
        assert!(matches!(world.objects().store().health(), Health::Stalled { .. }));
        let found = crate::state::State::read(world.objects().store()).unwrap();
        assert!(found.objects.keys().eq([&key("before")]), "nothing else is to be seen");
    }
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    process.index_refuses(0);
    let deadline = Instant::now() + PATIENCE;
    while world.objects().store().health() != Health::Ready {
        assert!(Instant::now() < deadline, "{:?}", world.objects().store().health());
        std::thread::sleep(Duration::from_millis(10));
    }
    // What the log took before it knew is there, the second never reached it.
    let first = put("first", random(2, 3000));
    world.state.apply(&first.changes);
    world.round(vec![put("third", random(3, 3000))]).unwrap();
    world.check_all().unwrap();
}

/// A store that is closed while its index takes nothing ends soon, and the next start has all that the log has.
#[test]
fn a_store_can_be_closed_while_the_index_takes_nothing() {
    let mut world = World::new(2, Bugs::default()).unwrap();
    let process = std::sync::Arc::clone(&world.running.as_ref().unwrap().process);
    process.index_refuses(u64::MAX);
    let objects = world.objects().clone();
    let plan = put("first", random(2, 3000));
    world.state.apply(&plan.changes);
    let sending = std::thread::spawn(move || block_on(plan.request.send(&objects)).map(drop));
    while world.objects().store().health() == Health::Ready {
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(matches!(sending.join().unwrap(), Err(ObjectError::NotNow(_))));
    let start = Instant::now();
    world.close();
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    world.up().unwrap();
    world.check_all().unwrap();
}

/// What was written while the clock was years ahead is optimized as anything else once it is set right.
pub fn clock_set_back(bugs: Bugs) -> Result<(), String> {
    let mut world = World::on(Machine::new(bugs), 3)?;
    let clock = std::sync::Arc::clone(&world.machine.clock);
    let right = clock.now_ms();
    clock.set(right + 20 * 365 * 24 * 3_600_000);
    world.round(vec![put("ahead", random(1, 3000))])?;
    clock.set(right);
    world.round(vec![put("recent", random(2, 3000))])?;
    let options = OptimizeOptions {
        policy: Some(Policy::Balanced),
        changed_before_ms: right - 60_000,
        threads: 1,
        ..OptimizeOptions::default()
    };
    let store = world.objects().store().clone();
    let report = store.optimize(&options, &AtomicBool::new(false), &mut |_| ()).map_err(|error| error.to_string())?;
    drop(store);
    if report.found != 1 {
        return Err(format!("{} objects are due, one is", report.found));
    }
    world.check_all()
}

#[test]
fn what_was_written_before_the_clock_was_set_back_is_optimized() {
    clock_set_back(Bugs::default()).unwrap();
}
