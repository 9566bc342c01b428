//! Set pieces of the optimizer: what meets it while it works, and what a rebuild makes of what it leaves.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use deltastore::delta::CutSettings;
use deltastore::object::GetInput;
use deltastore::store::bugs::Bugs;
use deltastore::store::{
    Assembly, Chunk, Chunked, CollectOptions, EncodeOptions, Encoding, OptimizeOptions, OptimizeReport, Pipeline,
    Policy, Space, State as Form, Worker,
};
use deltastore_format::{EntryKind, Hash, Metadata, StorageType};
use futures::TryStreamExt;
use futures::executor::block_on;

use crate::compressed::gzip;
use crate::disk::Machine;
use crate::plan::Plan;
use crate::power::{self, Losses};
use crate::scenarios::{Scenario, collect, key, put, random, rebuilt, work_out};
use crate::world::{World, inspect};

pub fn optimize(world: &World, policy: Policy, threads: usize) -> Result<OptimizeReport, String> {
    let options = OptimizeOptions { policy: Some(policy), threads, ..OptimizeOptions::default() };
    let store = world.objects().store();
    store.optimize(&options, &AtomicBool::new(false), &mut |_| ()).map_err(|error| error.to_string())
}

/// Short lives without a crash, whose objects are stored anew and whose index is then rebuilt with the bug planted.
pub fn rebuilds(bugs: Bugs) -> Result<(), String> {
    (1..=60).try_for_each(|seed| {
        let mut machine = Machine::new(Bugs::default());
        if seed % 2 == 1 {
            // Many windows have an optimized form and another.
            machine.settings.optimized_cut = machine.settings.cut;
        }
        let mut world = World::on(machine, seed)?;
        (0..25).try_for_each(|_| world.step())?;
        optimize(&world, Policy::Max, 1)?;
        world.collect()?;
        world.close();
        let (engine, found) = rebuilt(&world.machine, bugs)?;
        if let Some(difference) = world.state.difference(&found) {
            return Err(format!("seed {seed}: after a rebuild: {difference}"));
        }
        let running = world.machine.start_with(engine, 1).map_err(|error| error.to_string())?;
        inspect(&running).map(drop).map_err(|error| format!("seed {seed}: after a rebuild: {error}"))
    })
}

/// Power losses while the optimizer works and after it, in short lives in which it replaces many windows by optimized
/// ones.
pub fn crashes(bugs: Bugs) -> Result<(), String> {
    (1..=3).try_for_each(|seed| {
        let mut machine = Machine::new(bugs);
        if seed == 2 {
            machine.settings.optimized_cut = machine.settings.cut;
        }
        let mut world = World::on(machine, seed)?;
        world.parallel = 1;
        let base = random(seed, 2000);
        for number in 0..4u64 {
            let text: Vec<u8> = random(30, 2000).into_iter().map(|byte| b'a' + byte % 16).collect();
            let body = [base.clone(), random(40 + number, 800), gzip(&text, 6, None)].concat();
            world.round(vec![put(&format!("key-{number}"), body)])?;
        }
        for _ in 0..2 {
            optimize(&world, Policy::Max, 1)?;
            collect(&world, 0.3)?;
            world.round(vec![put("late", random(50, 3000))])?;
        }
        world.kill();
        power::crash(&world, seed, Losses::Everywhere, &AtomicU64::new(0))
    })
}

/// Windows of which one has a form without references and an optimized one with them, against which a new optimized
/// window is encoded.
fn with_replaced_windows(bugs: Bugs) -> Result<World, String> {
    let mut machine = Machine::new(bugs);
    machine.settings.optimized_cut = machine.settings.cut;
    machine.settings.effort.deltas = false;
    let mut world = World::on(machine, 12)?;
    world.parallel = 1;
    let edited = |body: &[u8], at: usize, seed| {
        let mut body = body.to_vec();
        body.splice(at..at, random(seed, 30));
        body
    };
    for number in 0..4 {
        let first = random(60 + number, 500);
        let second = edited(&first, 200, 70 + number);
        world.round(vec![put(&format!("first-{number}"), first)])?;
        world.round(vec![put(&format!("second-{number}"), second)])?;
    }
    // What comes now is cut otherwise, and so the optimizer finds windows that nobody knows.
    world.close();
    world.machine.settings.cut = CutSettings { min: 64, target: 96, max: 160 };
    world.up()?;
    for number in 0..4 {
        let second = edited(&random(60 + number, 500), 200, 70 + number);
        world.round(vec![put(&format!("third-{number}"), edited(&second, 400, 80 + number))])?;
    }
    let done = optimize(&world, Policy::Max, 1)?;
    if done.objects < 12 {
        return Err(format!("the scenario does not work: {done:?}"));
    }
    Ok(world)
}

/// A rebuild must choose the optimized forms.
pub fn rebuild_over_replaced(bugs: Bugs) -> Result<(), String> {
    let mut world = with_replaced_windows(Bugs::default())?;
    world.close();
    let (engine, _) = rebuilt(&world.machine, bugs)?;
    let running = world.machine.start_with(engine, 1).map_err(|error| error.to_string())?;
    inspect(&running).map(drop)
}

/// So must a replay.
pub fn replay_over_replaced(bugs: Bugs) -> Result<(), String> {
    let mut world = with_replaced_windows(bugs)?;
    world.kill();
    power::crash(&world, 12, Losses::Everywhere, &AtomicU64::new(0))
}

/// A GET that is under way while its object is stored anew and the old form is collected.
pub fn read_meanwhile(bugs: Bugs) -> Result<(), String> {
    let mut machine = Machine::new(bugs);
    machine.settings.cache_bytes = 0;
    let mut world = World::on(machine, 7)?;
    let text: Vec<u8> = random(9, 9000).into_iter().map(|byte| b'a' + byte % 16).collect();
    let body = [random(10, 20_000), gzip(&text, 6, None), random(11, 3000)].concat();
    world.round(vec![put("key", body.clone())])?;
    let input = GetInput { bucket: key("key").0, key: key("key").1, ..GetInput::default() };
    let output = block_on(world.objects().get_object(input)).map_err(|error| error.to_string())?;
    let done = optimize(&world, Policy::Balanced, 1)?;
    collect(&world, 0.02)?;
    collect(&world, 0.02)?;
    if done.objects != 1 {
        return Err(format!("the scenario does not work: {done:?}"));
    }
    let chunks: Vec<bytes::Bytes> = block_on(output.body.try_collect()).map_err(|error| format!("GET: {error}"))?;
    if chunks.concat() != body {
        return Err("GET gave other bytes".into());
    }
    drop(chunks);
    world.check_all()
}

/// Collections all the time while objects are put and stored anew.
pub fn collect_meanwhile(bugs: Bugs) -> Result<(), String> {
    let mut world = World::new(8, bugs)?;
    world.parallel = 1;
    for round in 0..8 {
        for number in 0..6u64 {
            let mut body = random(number, 5000);
            body.extend(random(100 + round * 10 + number, 700));
            world.round(vec![put(&format!("key-{number}"), body)])?;
        }
        let stop = AtomicBool::new(false);
        let store = world.objects().store().clone();
        let done = std::thread::scope(|scope| {
            let collector = scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    store.collect(CollectOptions { min_dead: 0.02, seal_active: true }, &mut |_| ())?;
                    std::thread::sleep(Duration::from_micros(300));
                }
                Ok::<_, deltastore::store::StoreError>(())
            });
            let done = optimize(&world, Policy::Balanced, 2);
            stop.store(true, Ordering::Relaxed);
            collector.join().map_err(|_| "a collection panicked")?.map_err(|error| format!("collect: {error}"))?;
            done
        })?;
        if done.damaged > 0 || done.objects != 6 {
            return Err(format!("optimizing beside collections: {done:?}"));
        }
        drop(store);
        inspect(world.running.as_ref().ok_or("no process runs")?)?;
    }
    world.check_all()
}

/// A member node whose program and view make other bytes than its digest says.
pub fn wrong_member(bugs: Bugs) -> Result<(), String> {
    let world = World::new(9, bugs)?;
    let store = world.objects().store();
    let text: Vec<u8> = random(12, 3000).into_iter().map(|byte| b'a' + byte % 16).collect();
    let (mut chunker, mut chunked, mut worker) = (store.chunker(), Chunked::default(), Worker::new());
    chunker.push(&gzip(&text, 6, None), &mut chunked);
    chunker.finish(&mut chunked);
    let mut assembly = Assembly::default();
    chunked.extents.iter_mut().for_each(|extent| extent.digest = Hash([1; 32]));
    assembly.add_extents(chunked.extents, chunked.inner);
    let effort = store.settings().effort;
    let options = EncodeOptions { effort, own: None, optimized: false, rebase: None };
    for Chunk { stream, window, .. } in chunked.chunks {
        let prepared = store.prepare(&mut worker, Space::default(), &options, window);
        let mut prepared = prepared.map_err(|error| error.to_string())?;
        if let Form::New(blob) = prepared.state {
            let placings = store.append_and_wait(vec![*blob]).map_err(|error| error.to_string())?;
            prepared.state = Form::Appended(placings[0].clone());
        }
        assembly.push(stream, prepared);
    }
    let mut content = store.finish(assembly).map_err(|error| error.to_string())?;
    store.append_unwritten(&mut content).map_err(|error| error.to_string())?;
    let members = content.recipe().entries.iter().filter(|entry| entry.kind == EntryKind::Member);
    let mut refused = 0;
    for member in members {
        match store.bytes_of(member, &mut worker) {
            Ok(_) => return Err("a member was served that does not have its digest".into()),
            Err(error) if error.is_damage() => refused += 1,
            Err(error) => return Err(error.to_string()),
        }
    }
    if refused > 0 { Ok(()) } else { Err("the scenario does not work: no member".into()) }
}

/// The optimizer's windows, found in the log by an upload of the same content, are never committed by itself.
pub fn put_of_an_overtaken_form(bugs: Bugs) -> Result<(), String> {
    let mut world = World::new(15, bugs)?;
    let block = random(16, 9000);
    let mut like = block.clone();
    (0..like.len()).step_by(300).for_each(|at| like[at] ^= 1);
    world.round(vec![put("old", block.clone())])?;
    let store = world.objects().store().clone();
    let encoding = Arc::new(Encoding::new(Space::default(), store.settings().effort, true));
    let (mut worker, mut contents) = (Worker::new(), Vec::new());
    for body in [&block, &like] {
        let mut pipeline = Pipeline::new(store.chunker(), Arc::clone(&encoding), 1);
        pipeline.push(body);
        pipeline.finish();
        while let Some(chunk) = pipeline.next_chunk() {
            let (sender, stored) = mpsc::channel();
            chunk.store(&store, &mut worker, &encoding, move |done| drop(sender.send(done)));
            let done = stored.recv().map_err(|error| error.to_string())?;
            pipeline.done(done).map_err(|error| error.to_string())?;
        }
        contents.push(pipeline.into_content(&store).map_err(|error| error.to_string())?);
    }
    if contents.iter().all(|content| content.storage_type() != StorageType::Delta) {
        return Err("the scenario does not work: no window is encoded against another".into());
    }
    world.round(vec![put("new", like)])?;
    drop((contents, store));
    inspect(world.running.as_ref().ok_or("no process runs")?)?;
    world.check_all()
}

/// The same content put while it is stored anew: windows have several forms in the log, some of them in the same batch.
pub fn put_meanwhile(bugs: Bugs) -> Result<(), String> {
    let mut machine = Machine::new(bugs);
    machine.settings.optimized_cut = machine.settings.cut;
    machine.sync_time = Duration::from_millis(1);
    let mut world = World::on(machine, 10)?;
    for round in 0..10u64 {
        let body = |number: u64| [random(20, 2500), random(1000 + round * 10 + number, 1500)].concat();
        world.round((0..3).map(|number| put(&format!("key-{number}"), body(number))).collect())?;
        let objects = world.objects().clone();
        let copies: Vec<Plan> = (0..3)
            .map(|number| Plan::put(key(&format!("other-{number}")), Arc::new(body(number)), Metadata::default()))
            .collect();
        let changes: Vec<_> = copies.iter().flat_map(|plan| plan.changes.clone()).collect();
        let done = std::thread::scope(|scope| {
            let putting = scope
                .spawn(move || copies.into_iter().try_for_each(|plan| block_on(plan.request.send(&objects)).map(drop)));
            let done = optimize(&world, Policy::Max, 2);
            putting.join().map_err(|_| "a PUT panicked")?.map_err(|error| error.to_string())?;
            done
        })?;
        world.state.apply(&changes);
        if done.damaged > 0 {
            return Err(format!("optimizing beside PUTs: {done:?}"));
        }
        inspect(world.running.as_ref().ok_or("no process runs")?)?;
        collect(&world, 0.3)?;
    }
    world.check_all()
}

#[test]
fn set_pieces_of_the_optimizer_work_out() {
    let scenarios: [Scenario; 9] = [
        ("rebuild over replaced", rebuild_over_replaced),
        ("replay over replaced", replay_over_replaced),
        ("crashes", crashes),
        ("rebuilds", rebuilds),
        ("read meanwhile", read_meanwhile),
        ("collect meanwhile", collect_meanwhile),
        ("wrong member", wrong_member),
        ("put meanwhile", put_meanwhile),
        ("put of an overtaken form", put_of_an_overtaken_form),
    ];
    work_out(&scenarios);
}

/// The comparison is what keeps a mistake in the new form from replacing the old one.
#[cfg(feature = "planted-bugs")]
#[test]
fn a_wrong_form_replaces_nothing() {
    use deltastore::store::bugs::Bug;

    let mut world = World::new(11, Bugs(Some(Bug::OptimizeSwapsEntries))).unwrap();
    world.round(vec![put("key", random(13, 9000)), put("short", random(14, 100))]).unwrap();
    let done = optimize(&world, Policy::Max, 1).unwrap();
    assert_eq!((done.found, done.objects, done.damaged), (2, 1, 1));
    world.check_all().unwrap();
}
