//! Set pieces about writes on a store with damage: what is acknowledged can be read, also after a replay.

use std::path::Path;

use deltastore::object::GetInput;
use deltastore::store::bugs::Bugs;
use deltastore_format::EntryKind;
use deltastore_segment::segment_path;
use futures::TryStreamExt;
use futures::executor::block_on;

use crate::disk::{DIR, Machine};
use crate::scenarios::{Scenario, SlowPut, collect, put, random, repeated, work_out};
use crate::world::World;

/// A world that verifies whatever something links to.
fn distrusting(seed: u64, bugs: Bugs) -> Result<World, String> {
    let mut machine = Machine::new(bugs);
    machine.settings.verified_ms = 0;
    World::on(machine, seed)
}

fn get(world: &World, key: &str) -> Result<Vec<u8>, String> {
    let input = GetInput { bucket: "bucket".into(), key: key.into(), ..GetInput::default() };
    let objects = world.objects();
    block_on(async {
        let output = objects.get_object(input).await.map_err(|error| format!("GET of {key}: {error}"))?;
        let chunks: Vec<bytes::Bytes> =
            output.body.try_collect().await.map_err(|error| format!("GET of {key}: {error}"))?;
        Ok(chunks.concat())
    })
}

fn holds(world: &World, key: &str, body: &[u8], when: &str) -> Result<(), String> {
    match get(world, key)? == body {
        true => Ok(()),
        false => Err(format!("{when}: {key} has other bytes")),
    }
}

/// Flips a bit in the record of every window of an object.
fn damage(world: &World, key: &str) -> Result<(), String> {
    let index = world.objects().store().index();
    let text = |error: deltastore::index::IndexError| error.to_string();
    let bucket = index.bucket("bucket").map_err(text)?.ok_or("no bucket")?.put.bucket;
    let row = index.current(bucket, key).map_err(text)?.ok_or("no object")?;
    for entry in row.put.recipe.entries.iter().filter(|entry| entry.kind == EntryKind::Window) {
        let blob = index.blob(&entry.hash).map_err(text)?.ok_or("no window")?;
        let file = segment_path(Path::new(DIR), blob.position.segment);
        let middle = blob.position.offset + 64 + (blob.record_len - 64) / 2;
        world.machine.vfs.corrupt(&file, middle, 1).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn restart(world: &mut World, index: usize) -> Result<(), String> {
    world.close();
    world.running = Some(world.machine.start(index, 1).map_err(|error| error.to_string())?);
    Ok(())
}

/// The same bytes again, to another key: both can be read, at once and after a crash that takes the index back to
/// before the write.
pub fn same_bytes_again(bugs: Bugs) -> Result<(), String> {
    let mut world = distrusting(31, bugs)?;
    let body = random(31, 3000);
    world.round(vec![put("old", body.clone())])?;
    restart(&mut world, 0)?;
    let before = world.machine.index_states(world.machine.vfs.journal_len()).pop().ok_or("no index")?.crash(0);
    damage(&world, "old")?;
    if get(&world, "old").is_ok() {
        return Err("the scenario does not work: the damage is not met".into());
    }
    world.round(vec![put("new", body.clone())])?;
    for when in ["at once", "after a replay"] {
        holds(&world, "new", &body, when)?;
        holds(&world, "old", &body, when)?;
        if when == "at once" {
            world.kill();
            world.running = Some(world.machine.start_with(before.crash(0), 2).map_err(|error| error.to_string())?);
        }
    }
    Ok(())
}

/// Bytes that resemble those of a damaged window which is still in the cache.
pub fn like_what_is_damaged(bugs: Bugs) -> Result<(), String> {
    let mut world = distrusting(32, bugs)?;
    let body = random(32, 3000);
    let mut like = body.clone();
    (0..like.len()).step_by(300).for_each(|at| like[at] ^= 1);
    world.round(vec![put("old", body.clone())])?;
    holds(&world, "old", &body, "before the damage")?;
    damage(&world, "old")?;
    world.round(vec![put("new", like.clone())])?;
    restart(&mut world, 0)?;
    if get(&world, "old").is_ok() {
        return Err("the scenario does not work: the damage is not met".into());
    }
    holds(&world, "new", &like, "after a restart")
}

/// Two uploads share windows; the one commits, a collection moves them and removes their segment, and the other heals
/// something.
pub fn form_that_is_gone(bugs: Bugs) -> Result<(), String> {
    let mut machine = Machine::new(bugs);
    machine.settings.verified_ms = 0;
    machine.settings.expand = None;
    let mut world = World::on(machine, 33)?;
    let (old, block) = (random(33, 3000), random(34, 9000));
    world.round(vec![put("old", old.clone())])?;
    let first = SlowPut::start(&world, "first", repeated(&block));
    let second = SlowPut::start(&world, "second", repeated(&block));
    first.finish_with(&mut world, "first", random(35, 3000))?;
    if collect(&world, 0.0)? == 0 {
        return Err("the scenario does not work: nothing was moved".into());
    }
    damage(&world, "old")?;
    let healed = world.objects().store().damage_counts().healed_blobs;
    second.finish_with(&mut world, "second", old.clone())?;
    if world.objects().store().damage_counts().healed_blobs == healed {
        return Err("the scenario does not work: nothing was healed".into());
    }
    let body = |rest: &[u8]| [&repeated(&block)[..], rest].concat();
    for when in ["at once", "after a restart"] {
        holds(&world, "first", &body(&random(35, 3000)), when)?;
        holds(&world, "second", &body(&old), when)?;
        restart(&mut world, 0)?;
    }
    Ok(())
}

#[test]
fn set_pieces_about_damage_work_out() {
    let scenarios: [Scenario; 3] = [
        ("same bytes again", same_bytes_again),
        ("like what is damaged", like_what_is_damaged),
        ("form that is gone", form_that_is_gone),
    ];
    work_out(&scenarios);
}
