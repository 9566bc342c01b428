//! Set pieces: meetings of uploads, deletions and collections that random lives seldom arrange.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use deltastore::index::MemEngine;
use deltastore::object::{EtagPattern, Expect, ObjectError, PutInput, WriteConditions};
use deltastore::store::CollectOptions;
use deltastore::store::bugs::Bugs;
use deltastore_format::{Metadata, VersionPut};
use deltastore_segment::vfs::{CrashMode, Fault, FaultError, FaultOp, Vfs};
use futures::channel::oneshot;
use futures::executor::block_on;
use futures::future::join_all;
use futures::{FutureExt, StreamExt, stream};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::disk::{DIR, Machine, segment_files};
use crate::plan::{Plan, Request, completion, md5};
use crate::state::{Change, Object, Part, State};
use crate::world::{World, inspect};

pub fn random(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    StdRng::seed_from_u64(seed).fill(&mut bytes[..]);
    bytes
}

pub fn key(name: &str) -> (String, String) {
    ("bucket".into(), name.into())
}

pub fn put(name: &str, body: Vec<u8>) -> Plan {
    Plan::put(key(name), Arc::new(body), Metadata::default())
}

/// An upload whose first 256 KiB the store has worked on while the rest waits to be sent.
pub struct SlowPut {
    rest: oneshot::Sender<Result<Bytes, ObjectError>>,
    answer: std::thread::JoinHandle<Result<VersionPut, ObjectError>>,
    first: Vec<u8>,
}

impl SlowPut {
    pub fn start(world: &World, name: &str, first: Vec<u8>) -> Self {
        let (rest, waiting) = oneshot::channel();
        let sent = Bytes::from(first.clone());
        let rest_of = waiting.map(|rest| rest.unwrap_or(Err(ObjectError::IncompleteBody { expected: 0, found: 0 })));
        let body = stream::iter([Ok(sent)]).chain(stream::once(rest_of)).boxed();
        let (bucket, key) = key(name);
        let (expect, metadata, conditions) = (Expect::default(), Metadata::default(), WriteConditions::default());
        let input = PutInput { bucket, key, body, expect, metadata, conditions };
        let objects = world.objects().clone();
        let answer = std::thread::spawn(move || block_on(objects.put_object(input)));
        // Until its windows are prepared; too short a pause only makes the scenario an easier one.
        std::thread::sleep(Duration::from_millis(150));
        Self { rest, answer, first }
    }

    fn finish(self, world: &mut World, name: &str) -> Result<(), String> {
        self.finish_with(world, name, random(99, 3000))
    }

    pub fn finish_with(self, world: &mut World, name: &str, rest: Vec<u8>) -> Result<(), String> {
        let body = [&self.first[..], &rest].concat();
        drop(self.rest.send(Ok(Bytes::from(rest))));
        let put = self.answer.join().map_err(|_| "the upload panicked")?.map_err(|error| error.to_string())?;
        let object = Object { body, etag: put.etag, metadata: Metadata::default(), parts: Vec::new(), upload: None };
        world.state.objects.insert(key(name), Arc::new(object));
        Ok(())
    }

    fn fail(self) {
        drop(self.rest);
        drop(self.answer.join());
    }
}

pub fn repeated(block: &[u8]) -> Vec<u8> {
    block.iter().copied().cycle().take((256 << 10) + 100).collect()
}

pub fn collect(world: &World, min_dead: f64) -> Result<u64, String> {
    let options = CollectOptions { min_dead, seal_active: true };
    let report = world.objects().store().collect(options, &mut |_| ()).map_err(|error| error.to_string())?;
    Ok(report.segments)
}

/// The search for compressed members waits for more than the scenarios send.
fn unexpanded(seed: u64, bugs: Bugs) -> Result<World, String> {
    let mut machine = Machine::new(bugs);
    machine.settings.expand = None;
    World::on(machine, seed)
}

/// A collection while an upload counts on what was just deleted, and on what it has appended itself.
pub fn collect_during_upload(bugs: Bugs) -> Result<(), String> {
    let mut world = unexpanded(1, bugs)?;
    let block = random(1, 9000);
    world.round(vec![put("old", block.clone())])?;
    let new = random(2, 5000);
    let slow = SlowPut::start(&world, "slow", repeated(&[block, new].concat()));
    world.round(vec![Plan::delete("bucket", vec!["old".into()])])?;
    collect(&world, 0.02)?;
    collect(&world, 0.02)?;
    slow.finish(&mut world, "slow")?;
    world.check_all()
}

/// An upload shares a window with another that fails, after which the window's reference is collected.
pub fn shared_with_a_failed_upload(bugs: Bugs) -> Result<(), String> {
    let mut world = unexpanded(2, bugs)?;
    let mut block = random(3, 9000);
    world.round(vec![put("old", block.clone())])?;
    (0..block.len()).step_by(300).for_each(|at| block[at] ^= 1);
    let first = SlowPut::start(&world, "first", repeated(&block));
    let second = SlowPut::start(&world, "second", repeated(&block));
    world.round(vec![Plan::delete("bucket", vec!["old".into()])])?;
    first.fail();
    collect(&world, 0.02)?;
    second.finish(&mut world, "second")?;
    world.check_all()
}

/// Several clients create the same key, each only if it does not exist.
pub fn conditional_creations(bugs: Bugs) -> Result<(), String> {
    let mut machine = Machine::new(bugs);
    machine.sync_time = Duration::from_millis(2);
    let world = World::on(machine, 3)?;
    for round in 0..20 {
        let sent = (0..4u8).map(|client| {
            let mut plan = put(&format!("key-{round}"), vec![client; 100]);
            if let Request::Put { conditions, .. } = &mut plan.request {
                conditions.if_none_match = Some(EtagPattern::Any);
            }
            plan.request.send(world.objects())
        });
        let answers = block_on(join_all(sent));
        let created = answers.iter().filter(|answer| answer.is_ok()).count();
        if created != 1 {
            return Err(format!("{created} clients created one key"));
        }
    }
    let running = world.running.as_ref().ok_or("no process runs")?;
    inspect(running).map(drop)
}

/// A rebuild must not bring back a collected window whose reference is gone: a later upload would count on it.
pub fn rebuild_over_garbage(bugs: Bugs) -> Result<(), String> {
    let mut world = World::new(4, bugs)?;
    let block = random(5, 1000);
    let mut like = block.clone();
    like[500] ^= 1;
    world.round(vec![put("reference", block)])?;
    world.round(vec![put("garbage", random(6, 8_600))])?;
    world.round(vec![put("alike", like.clone())])?;
    world.round(vec![put("alive", random(7, 14_000))])?;
    world.round(vec![Plan::delete("bucket", vec!["reference".into(), "garbage".into(), "alike".into()])])?;
    if collect(&world, 0.6)? == 0 {
        return Err("the scenario does not work: nothing was collected".into());
    }
    world.close();
    let (index, _) = rebuilt(&world.machine, bugs)?;
    let running = world.machine.start_with(index, 1).map_err(|error| error.to_string())?;
    // A write verifies what it counts on and would heal it; that it is there at all is wrong.
    inspect(&running).map_err(|error| format!("after a rebuild: {error}"))?;
    world.running = Some(running);
    world.round(vec![put("alike", like)])?;
    world.check_all()
}

/// A put whose first copy outlives its compaction is removed: the removal must last as long as that copy does.
pub fn removal_of_an_older_copy(bugs: Bugs) -> Result<(), String> {
    let mut world = unexpanded(9, bugs)?;
    world.round(vec![put("key", random(10, 600))])?;
    world.round(vec![put("garbage", random(11, 14_000))])?;
    world.round(vec![Plan::delete("bucket", vec!["garbage".into()])])?;
    let first = segment_files(&world.machine).into_iter().next().ok_or("no segment")?;
    // Compacted, but its file stays; then two bits of its first commit, that of the bucket, are damaged, so that it is
    // left as it is from then on.
    world.machine.vfs.fail(Fault::new(FaultOp::Remove, 0, FaultError::Io).on("0000000000000001"));
    let copied = collect(&world, 0.3).is_err() && last_segment_names(&world.machine, b"key")?;
    if !copied || !segment_files(&world.machine).contains(&first) {
        return Err("the scenario does not work: the first segment was removed, or nothing copied from it".into());
    }
    world.machine.vfs.clear_faults();
    world.machine.vfs.corrupt(&first, 140, 0x21).map_err(|error| error.to_string())?;
    world.round(vec![Plan::delete("bucket", vec!["key".into()])])?;
    for round in 0..4 {
        world.round(vec![put("filler", random(12 + round, 14_000))])?;
        world.round(vec![Plan::delete("bucket", vec!["filler".into()])])?;
        collect(&world, 0.01)?;
    }
    world.close();
    // The manifest still says that the first segment is going, and a start would end that. Without it the file counts.
    if !segment_files(&world.machine).contains(&first) {
        return Err("the scenario does not work: the older copy is gone".into());
    }
    for name in ["SEGMENTS", "SEGMENTS.copy"] {
        world.machine.vfs.remove(&Path::new(DIR).join(name)).map_err(|error| error.to_string())?;
    }
    let (_, found) = rebuilt(&world.machine, bugs)?;
    if found.objects.contains_key(&key("key")) {
        return Err("a removed object came back from an older copy".into());
    }
    Ok(())
}

/// True when the newest segment holds a commit about this key.
fn last_segment_names(machine: &Machine, key: &[u8]) -> Result<bool, String> {
    let last = segment_files(machine).into_iter().next_back().ok_or("no segment")?;
    let bytes = machine.vfs.read_file(&last).map_err(|error| error.to_string())?;
    Ok(bytes.windows(key.len()).any(|window| window == key))
}

/// The index after a start without one, which rebuilds with the bug planted.
pub fn rebuilt(machine: &Machine, bugs: Bugs) -> Result<(MemEngine, State), String> {
    let mut machine = machine.clone();
    machine.bugs = bugs;
    let engine = MemEngine::new();
    let running = machine.start_with(engine.clone(), 1).map_err(|error| error.to_string())?;
    let found = State::read(running.objects.store())?;
    Ok((engine, found))
}

/// Flipped bits may make an object unreadable, never other than it was.
pub fn flipped_bits(bugs: Bugs) -> Result<(), String> {
    let mut world = World::new(5, bugs)?;
    world.round(vec![put("key", random(8, 3000))])?;
    let body = world.state.objects[&key("key")].body.clone();
    for file in segment_files(&world.machine) {
        let len = world.machine.vfs.read_file(&file).map_err(|error| error.to_string())?.len();
        for offset in (0..len as u64).step_by(7) {
            world.machine.vfs.corrupt(&file, offset, 0x20).map_err(|error| error.to_string())?;
            let store = world.objects().store();
            let mut worker = deltastore::store::Worker::new();
            for row in store.index().all_blobs(deltastore_format::Hash::default()) {
                let (hash, row) = row.map_err(|error| error.to_string())?;
                if row.kind != deltastore_format::PlacedKind::Window || store.cached(&hash).is_some() {
                    continue;
                }
                if let Ok(bytes) = store.window(&hash, &mut worker)
                    && !body.windows(bytes.len()).any(|window| window == bytes)
                {
                    return Err(format!("wrong bytes were served after damage at offset {offset}"));
                }
            }
            world.machine.vfs.corrupt(&file, offset, 0x20).map_err(|error| error.to_string())?;
            // A process without the cache.
            world.close();
            world.running = Some(world.machine.start(0, 1).map_err(|error| error.to_string())?);
        }
    }
    Ok(())
}

/// The power goes at any moment of a completion, and the client, without an answer, sends it again.
pub fn completion_without_an_answer(bugs: Bugs) -> Result<(), String> {
    let mut world = unexpanded(10, bugs)?;
    world.parallel = 1;
    let create = Request::CreateUpload { key: key("key") };
    world.round(vec![Plan::of(create, vec![Change::AnyUpload(key("key"))])])?;
    let upload = *world.state.uploads.keys().next().ok_or("no upload")?;
    let body = random(11, 4000);
    let sent = Request::UploadPart { key: key("key"), upload, number: 2, body: Arc::new(body.clone()) };
    let part = Part { body: body.clone(), etag: md5(&body) };
    world.round(vec![Plan::of(sent, vec![Change::Part(upload, 2, Some(Arc::new(part)))])])?;
    let input = completion(key("key"), upload, vec![(2, md5(&body))]);
    let before = world.machine.vfs.journal_len();
    let made = block_on(world.objects().complete_upload(input.clone())).map_err(|error| error.to_string())?;
    let after = world.machine.vfs.journal_len();
    let mut found = [0, 0];
    for at in before..=after {
        for (image, mode) in (0..).zip(CrashMode::ALL) {
            let machine = world.machine.power_loss(at, image, mode, image as usize % 3);
            let running = machine.start(0, image).map_err(|error| error.to_string())?;
            found[State::read(running.objects.store())?.uploads.len()] += 1;
            let again = block_on(running.objects.complete_upload(input.clone()));
            let again = again.map_err(|error| format!("{mode:?} after call {at}: completing again failed: {error}"))?;
            let state = inspect(&running)?;
            let object = state.objects.get(&key("key")).ok_or("the object is gone")?;
            if again.etag != made.etag || object.body != body || !state.uploads.is_empty() {
                return Err(format!("{mode:?} after call {at}: completing again made something else"));
            }
        }
    }
    match found.contains(&0) {
        false => Ok(()),
        true => Err(format!("the scenario does not work: losses after and before the commit are {found:?}")),
    }
}

pub type Scenario = (&'static str, fn(Bugs) -> Result<(), String>);

/// Runs each without a bug; fails with the first that does not work out.
pub fn work_out(scenarios: &[Scenario]) {
    for (name, scenario) in scenarios {
        println!("{name}");
        if let Err(error) = scenario(Bugs::default()) {
            panic!("{name}: {error}");
        }
    }
}

#[test]
fn set_pieces_work_out() {
    let scenarios: [Scenario; 7] = [
        ("collect during upload", collect_during_upload),
        ("shared with a failed upload", shared_with_a_failed_upload),
        ("conditional creations", conditional_creations),
        ("rebuild over garbage", rebuild_over_garbage),
        ("removal of an older copy", removal_of_an_older_copy),
        ("flipped bits", flipped_bits),
        ("completion without an answer", completion_without_an_answer),
    ];
    work_out(&scenarios);
}
