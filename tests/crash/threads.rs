//! The model test with a server's jobs: collector, optimizer, parity and the rewriting of multipart uploads run as they
//! do in `serve`, on a disk that fills up, with the space reserve on, while the clock is set now and then.

use std::path::Path;
use std::time::{Duration, Instant};

use deltastore::store::bugs::Bugs;
use deltastore::store::{Collector, Health, JobError, JobHandle, MultipartRewriter, Optimizer, ParityPass, Settings};
use deltastore_segment::vfs::Clock;
use rand::Rng;

use crate::disk::Machine;
use crate::plan::Plan;
use crate::state::State;
use crate::world::{World, in_parallel, setting};

/// What a store keeps free with segments this small.
const RESERVE: u64 = 16 << 20;
/// What objects may take beside it.
const ROOM: u64 = 160 << 10;
const PAUSE: Duration = Duration::from_millis(20);
/// A disk must have room again within this time of being emptied.
const PATIENCE: Duration = Duration::from_secs(30);

fn threads(world: &World) -> Result<Vec<JobHandle>, String> {
    let store = world.objects().store();
    let text = |error: JobError| error.to_string();
    Ok(vec![
        store.start_job(Collector::new(PAUSE)).map_err(text)?,
        store.start_job(MultipartRewriter).map_err(text)?,
        store.start_job(Optimizer::new(PAUSE)).map_err(text)?,
        store.start_job(ParityPass::new(PAUSE)).map_err(text)?,
    ])
}

fn len(world: &World, path: &Path) -> usize {
    world.machine.vfs.read_file(path).map_or(0, |bytes| bytes.len())
}

/// Gives the disk the room that it has beside what is stored.
fn make_room(world: &World) {
    let used: usize = world.machine.vfs.files().iter().map(|path| len(world, path)).sum();
    world.machine.vfs.set_free_bytes((RESERVE + ROOM).saturating_sub(used as u64));
}

/// One life; how often the disk was full, how many versions the optimizer's thread had a hand in, and how often power
/// was lost.
fn life(seed: u64, steps: u64) -> Result<(u64, u64, u64), String> {
    let mut machine = Machine::new(Bugs::default());
    machine.settings = Settings { reserve_bytes: RESERVE + (12 << 10), ..machine.settings };
    machine.vfs.set_free_bytes(RESERVE + ROOM);
    let mut world = World::on(machine, seed)?;
    (world.full, world.parallel) = (true, 3);
    let (mut full, mut optimized, mut lost) = (0, 0, 0);
    let mut running = Some(threads(&world)?);
    let result = (0..steps).try_for_each(|_| -> Result<(), String> {
        match world.rng.random_range(0..100) {
            0..80 => {
                let plans = world.plans();
                world.round(plans)?;
            }
            80..90 => std::thread::sleep(PAUSE * 2),
            90..94 => world.set_clock(),
            94 => drop(world.machine.clock.advance(120_000)),
            95 => {
                // Somebody else fills the disk for a while.
                world.machine.vfs.set_free_bytes(RESERVE);
                let plans = world.plans();
                world.round(plans)?;
                full += u64::from(world.objects().store().health() == Health::Full);
                make_room(&world);
            }
            96 => {
                drop(running.take());
                world.close();
                world.up()?;
                running = Some(threads(&world)?);
            }
            97 => {
                // In the midst of what the threads do.
                world.power_loss()?;
                drop(running.take());
                make_room(&world);
                lost += 1;
                running = Some(threads(&world)?);
            }
            98 => {
                world.kill();
                drop(running.take());
                world.up()?;
                running = Some(threads(&world)?);
            }
            _ => agrees(&world)?,
        }
        full += u64::from(world.objects().store().health() == Health::Full);
        Ok(())
    });
    result
        .and_then(|()| {
            let now = world.machine.clock.now_ms();
            world.machine.clock.set(now + 3_600_000);
            // A quiet second: the optimizer yields to clients.
            std::thread::sleep(Duration::from_secs(1));
            for row in world.objects().store().index().all_versions() {
                optimized += u64::from(row.map_err(|error| error.to_string())?.put.optimized);
            }
            empties(&mut world)?;
            drop(running.take());
            world.check_all()
        })
        .map_err(|error| format!("seed {seed}: {error}\n  {}", world.story()))?;
    Ok((full, optimized, lost))
}

/// What is there is what must be. It is read without pins, so a recipe may be replaced and its windows collected
/// meanwhile: then once more.
fn agrees(world: &World) -> Result<(), String> {
    let read = || {
        let found = State::read(world.objects().store())?;
        world.state.difference(&found).map_or(Ok(()), Err)
    };
    (0..5).find_map(|_| read().ok()).map_or_else(read, Ok)
}

/// Deletes everything: deletions are never refused, and the disk has room again by itself.
fn empties(world: &mut World) -> Result<(), String> {
    world.full = false;
    let keys: Vec<_> = world.state.objects.keys().cloned().collect();
    for (bucket, key) in keys {
        world.round(vec![Plan::delete(&bucket, vec![key])])?;
    }
    let deadline = Instant::now() + PATIENCE;
    while world.objects().store().health() != Health::Ready {
        if Instant::now() > deadline {
            return Err(format!("{:?} for {PATIENCE:?}", world.objects().store().health()));
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

#[test]
fn lives_with_a_servers_threads_match_the_model() {
    let (first, lives) = (setting("DELTASTORE_THREADS_SEED", 1), setting("DELTASTORE_THREADS_LIVES", 12));
    let sums = parking_lot::Mutex::new((0, 0, 0));
    let lived = in_parallel(first..first + lives, |seed| {
        let (full, optimized, lost) = life(seed, 250)?;
        let mut sums = sums.lock();
        *sums = (sums.0 + full, sums.1 + optimized, sums.2 + lost);
        Ok(())
    });
    if let Err(error) = lived {
        panic!("DELTASTORE_THREADS_SEED: {error}");
    }
    let (full, optimized, lost) = sums.into_inner();
    let found = format!("full after {full} steps, {optimized} versions optimized by the thread, {lost} power losses");
    println!("{found}");
    assert!(full > 0 && optimized > 0 && lost > 0, "{found}");
}
