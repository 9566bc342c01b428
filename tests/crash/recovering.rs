//! Set pieces of recovery: what a start makes of the end of the log is there at the next start, too.

use std::path::{Path, PathBuf};

use deltastore::store::bugs::Bugs;
use deltastore_format::segment::SEGMENT_HEADER_LEN;
use deltastore_segment::vfs::{CrashMode, Vfs};

use crate::disk::{DIR, Machine, segment_files};
use crate::scenarios::{Scenario, put, random, work_out};
use crate::state::State;
use crate::world::{World, inspect};

/// Calls in which a PUT of more than one segment is done.
const CALLS: usize = 48;
/// Most times that each of them is tried: how many calls write the same bytes differs, and only one is the right one.
const ROUNDS: usize = 20;

/// A process dies with a commit, and a segment that ended, in the page cache, which the next one finds there and
/// serves. Then the power goes.
pub fn served_after_a_kill(bugs: Bugs) -> Result<(), String> {
    for calls in (0..ROUNDS).flat_map(|_| 0..CALLS) {
        let mut world = World::on(Machine::new(bugs), 51)?;
        world.round(vec![put("before", random(1, 700))])?;
        let dies_at = world.machine.vfs.journal_len() + calls;
        world.running.as_ref().ok_or("no process runs")?.process.dies_at(dies_at);
        world.round(vec![put("late", random(2, 14_000))])?;
        let answered = world.state.objects.len();
        world.kill();
        let in_page_cache = is_first_segment_unsynced(&world.machine)?;
        world.up()?;
        let is_served = world.state.objects.len() > answered;
        world.objects().store().index().flush().map_err(|error| error.to_string())?;
        let at = world.machine.vfs.journal_len();
        let lost = world.machine.power_loss(at, 1, CrashMode::DropAll, 0);
        holds(&lost, &world.state).map_err(|error| format!("died after {calls} calls, then lost power: {error}"))?;
        if in_page_cache && is_served {
            return Ok(());
        }
    }
    Err("the scenario does not work: no commit was served whose segment was in the page cache".into())
}

/// Whether a power loss would take something from the first segment, which ended.
fn is_first_segment_unsynced(machine: &Machine) -> Result<bool, String> {
    let first = segment_files(machine).into_iter().next().ok_or("no segment")?;
    let lost = machine.power_loss(machine.vfs.journal_len(), 1, CrashMode::DropAll, 0);
    let read = |machine: &Machine| machine.vfs.read_file(&first).map_err(|error| error.to_string());
    Ok(read(machine)? != read(&lost)?)
}

/// The newest segment, which is empty, is not restored with the rest, and no manifest is: the log ends behind a footer
/// and goes on in a new segment. The process after the next starts from there.
pub fn end_behind_a_footer(bugs: Bugs) -> Result<(), String> {
    let mut world = World::on(Machine::new(bugs), 52)?;
    let states = world.machine.index_states(world.machine.vfs.journal_len());
    let old = states.last().ok_or("no state of the index")?.crash(0);
    let newest = empty_segment(&mut world)?;
    world.kill();
    world.machine = world.machine.power_loss(world.machine.vfs.journal_len(), 1, CrashMode::KeepAll, 0);
    for path in [newest, Path::new(DIR).join("SEGMENTS"), Path::new(DIR).join("SEGMENTS.copy")] {
        world.machine.vfs.remove(&path).map_err(|error| error.to_string())?;
    }
    let running = world.machine.start_with(old, 1).map_err(|error| format!("the store does not open: {error}"))?;
    // It says that the manifests were missing, but not that anything is damaged.
    if let Some(damage) = running.objects.store().damage().first() {
        return Err(format!("recovery met damage: {damage}"));
    }
    world.state.difference(&State::read(running.objects.store())?).map_or(Ok(()), Err)?;
    running.objects.store().index().flush().map_err(|error| error.to_string())?;
    let recovered = world.machine.flushes.lock().last().map(|flush| flush.state.crash(0));
    world.running = Some(running);
    world.round(vec![put("after", random(4, 700))])?;
    world.kill();
    let again = world.machine.start_with(recovered.ok_or("no state of the index")?, 1);
    let again = again.map_err(|error| format!("the store does not open again: {error}"))?;
    let found = inspect(&again).map_err(|error| format!("at the second start: {error}"))?;
    world.state.difference(&found).map_or(Ok(()), Err)
}

/// Puts objects until one ends a segment, so that the next is empty; its path.
fn empty_segment(world: &mut World) -> Result<PathBuf, String> {
    for number in 0..200 {
        world.round(vec![put(&format!("{number}"), random(100 + number, 300))])?;
        let newest = segment_files(&world.machine).pop().ok_or("no segment")?;
        let len = world.machine.vfs.read_file(&newest).map_err(|error| error.to_string())?.len();
        if len == SEGMENT_HEADER_LEN {
            return Ok(newest);
        }
    }
    Err("the scenario does not work: no object ended a segment".into())
}

/// The store opens and has what was served.
fn holds(machine: &Machine, served: &State) -> Result<(), String> {
    let running = machine.start(0, 1).map_err(|error| format!("the store does not open: {error}"))?;
    served.difference(&inspect(&running)?).map_or(Ok(()), Err)
}

#[test]
fn set_pieces_of_recovery_work_out() {
    let scenarios: [Scenario; 2] =
        [("served after a kill", served_after_a_kill), ("end behind a footer", end_behind_a_footer)];
    work_out(&scenarios);
}
