//! Lost segments: whatever becomes of a file, and whatever an operator runs then, it is named, nothing is concluded
//! from its absence, and everything is there again once it is back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use deltastore::index::MemEngine;
use deltastore::object::{Expect, ObjectError, Objects, PutInput, WriteConditions};
use deltastore::store::{CollectOptions, Folder, FsckReport, Health, OptimizeOptions, Policy, Store, StoreError};
use deltastore_format::{Metadata, SegmentId};
use deltastore_segment::vfs::{SimVfs, Vfs};
use deltastore_segment::{list_segments, segment_path};
use futures::StreamExt;
use futures::executor::block_on;

use crate::world::{DIR, GetError, World, clock, folder, get, noise, open, rebuild, settings};

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Harm {
    Removed,
    Cut,
    Emptied,
    /// A segment of another store has its name.
    Foreign,
    /// Its neighbour's bytes are under its name, and the other way round.
    Swapped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Serve,
    Fsck,
    Gc,
    Rebuild,
    Optimize,
    Stats,
}

const HARMS: [Harm; 5] = [Harm::Removed, Harm::Cut, Harm::Emptied, Harm::Foreign, Harm::Swapped];
const COMMANDS: [Command; 6] =
    [Command::Serve, Command::Fsck, Command::Gc, Command::Rebuild, Command::Optimize, Command::Stats];
/// What a client stores while a segment is lost.
const NEW: (&str, &str) = ("gamma", "new");

/// A store in which something is lost.
struct Case<'a> {
    world: &'a World,
    vfs: SimVfs,
    engine: MemEngine,
    /// Segments whose files are not their own.
    lost: Vec<SegmentId>,
    before: BTreeMap<PathBuf, Vec<u8>>,
    /// The index was there.
    indexed: bool,
    new: Option<Vec<u8>>,
    context: String,
}

fn segments(vfs: &SimVfs) -> Vec<SegmentId> {
    list_segments(vfs, Path::new(DIR)).unwrap()
}

fn path(id: SegmentId) -> PathBuf {
    segment_path(Path::new(DIR), id)
}

fn write(vfs: &SimVfs, path: &Path, bytes: &[u8]) {
    if vfs.exists(path).unwrap() {
        vfs.remove(path).unwrap();
    }
    vfs.create(path).unwrap().write_all_at(bytes, 0).unwrap();
}

/// Harms a segment; all whose files are then not their own.
fn harm(vfs: &SimVfs, other: &SimVfs, id: SegmentId, harm: Harm) -> Vec<SegmentId> {
    let bytes = vfs.read_file(&path(id)).unwrap();
    match harm {
        Harm::Removed => vfs.remove(&path(id)).unwrap(),
        Harm::Cut => write(vfs, &path(id), &bytes[..bytes.len() / 2]),
        Harm::Emptied => write(vfs, &path(id), &[]),
        Harm::Foreign => {
            let foreign = segments(other).into_iter().find(|other| *other == id).unwrap_or(segments(other)[0]);
            write(vfs, &path(id), &other.read_file(&path(foreign)).unwrap());
        }
        Harm::Swapped => {
            let neighbour = segments(vfs).into_iter().rfind(|other| *other != id).unwrap();
            write(vfs, &path(id), &vfs.read_file(&path(neighbour)).unwrap());
            write(vfs, &path(neighbour), &bytes);
            return vec![id, neighbour];
        }
    }
    vec![id]
}

/// What `fsck` does, which changes nothing.
fn fsck(vfs: &SimVfs, engine: &MemEngine) -> Result<FsckReport, StoreError> {
    // A job of the store before may still hold its last handle.
    drop(folder(Arc::new(vfs.clone()), Path::new(DIR), false));
    let calls = vfs.journal_len();
    let folder = Folder::open_read_only(Arc::new(vfs.clone()), Path::new(DIR), &*clock())?;
    let copy = engine.crash(usize::MAX);
    let store = Store::open_read_only(folder, Arc::new(copy), clock(), settings())?;
    let found = store.fsck(&mut |_| ())?;
    drop(store);
    assert_eq!(vfs.journal_len(), calls, "fsck changed something: {:?}", vfs.describe().split_off(calls));
    Ok(found)
}

impl Case<'_> {
    fn run(&mut self, command: Command) {
        self.context = format!("{} {command:?}", self.context);
        let context = self.context.clone();
        let before: BTreeSet<SegmentId> = segments(&self.vfs).into_iter().collect();
        match command {
            Command::Serve => self.serve(),
            Command::Fsck => {
                let found = fsck(&self.vfs, &self.engine).unwrap_or_else(|error| panic!("{context}: {error}"));
                for id in &self.lost {
                    let named = found.problems.iter().any(|problem| problem.to_string().contains(&id.to_string()));
                    assert!(named, "{context}: fsck does not name {id}: {:?}", found.problems);
                }
            }
            Command::Gc => {
                let s3 = self.open();
                let done = s3.store().collect(CollectOptions::THOROUGH, &mut |_| ()).unwrap();
                assert!(done.damaged_segments > 0 && done.blobs + done.segments == 0, "{context}: {done:?}");
            }
            Command::Rebuild => {
                let folder = folder(Arc::new(self.vfs.clone()), Path::new(DIR), false).unwrap();
                let engine = Arc::new(self.engine.clone());
                let rebuilt = Store::rebuild_index(&folder, engine, clock(), &mut |_| ()).unwrap();
                assert!(!rebuilt.damage.is_empty(), "{context}: nothing is named");
                assert!(!rebuilt.done || !self.indexed, "{context}: an index that knew more was thrown away");
            }
            Command::Optimize => {
                let s3 = self.open();
                let options = OptimizeOptions { policy: Some(Policy::Max), threads: 1, ..OptimizeOptions::default() };
                s3.store().optimize(&options, &AtomicBool::new(false), &mut |_| ()).unwrap();
            }
            Command::Stats => {
                let s3 = self.open();
                let lost = s3.store().stats().unwrap().lost_segments;
                let whole = |id: &&SegmentId| !self.vfs.exists(&path(**id)).unwrap();
                assert!(self.lost.iter().filter(whole).all(|id| lost.contains(&id.to_string())), "{context}: {lost:?}");
            }
        }
        let after: BTreeSet<SegmentId> = segments(&self.vfs).into_iter().collect();
        assert!(after.is_superset(&before), "{context}: a segment was removed");
    }

    fn open(&self) -> Objects {
        let s3 = open(&self.vfs, &self.engine).unwrap_or_else(|error| panic!("{}: {error}", self.context));
        let health = s3.store().health();
        assert!(matches!(health, Health::Degraded { .. }), "{}: {health:?}", self.context);
        for id in &self.lost {
            let named = s3.store().damage().iter().any(|damage| damage.from.segment == *id);
            assert!(named, "{}: {id} is not named", self.context);
        }
        s3
    }

    /// A server's start: what is there is served, and new objects are stored, in a segment of a new number.
    fn serve(&mut self) {
        let s3 = self.open();
        let mut served = 0;
        for (name, once) in &self.world.history {
            match (self.world.objects.get(name), get(&s3, *name, None)) {
                (Some(body), Ok(found)) if found == *body => served += 1,
                // Without its index a store can serve what it held before, or has lost a bucket.
                (_, Ok(found)) => {
                    assert!(!self.indexed && once.contains(&found), "{}: wrong bytes in {name:?}", self.context);
                }
                (None, Err(GetError::Refused(ObjectError::NoSuchKey { .. }))) => {}
                (Some(_), Err(_)) => {}
                (None, Err(error)) => assert!(!self.indexed, "{}: {name:?}: {error:?}", self.context),
            }
        }
        assert!(served > 0 || !self.indexed, "{}: nothing is served", self.context);
        let body = noise(700, self.context.len() as u64);
        match block_on(s3.create_bucket(NEW.0)) {
            Ok(_) | Err(ObjectError::BucketAlreadyOwnedByYou { .. }) => {}
            Err(error) => panic!("{}: {error}", self.context),
        }
        put(&s3, &body);
        self.new = Some(body);
        drop(s3);
        let newest = segments(&self.vfs).pop().unwrap();
        let highest = self.before.keys().next_back().unwrap();
        // The log goes on in the last segment, unless that one is lost.
        let last_is_lost = self.lost.iter().any(|id| path(*id) == *highest);
        let goes_on = if last_is_lost { path(newest) > *highest } else { path(newest) >= *highest };
        assert!(goes_on, "{}: the number of a lost segment is used again", self.context);
    }

    /// The files come back: so does everything else.
    fn restore(&self) {
        for id in &self.lost {
            write(&self.vfs, &path(*id), &self.before[&path(*id)]);
        }
        let context = format!("{}, restored", self.context);
        let found = fsck(&self.vfs, &self.engine).unwrap_or_else(|error| panic!("{context}: {error}"));
        assert!(found.problems.is_empty(), "{context}: {:?}", found.problems);
        self.whole(&self.engine, &context);
        let s3 = open(&self.vfs, &self.engine).unwrap();
        let done = s3.store().collect(CollectOptions::THOROUGH, &mut |_| ()).unwrap();
        assert_eq!(done.damaged_segments, 0, "{context}");
        drop(s3);
        self.whole(&self.engine, &format!("{context}, collected"));
        let (engine, damage) = rebuild(&self.vfs).unwrap();
        assert!(damage.is_empty(), "{context}: {damage:?}");
        self.whole(&engine, &format!("{context}, rebuilt"));
    }

    fn whole(&self, engine: &MemEngine, context: &str) {
        let s3 = open(&self.vfs, engine).unwrap_or_else(|error| panic!("{context}: {error}"));
        assert_eq!(s3.store().health(), Health::Ready, "{context}");
        self.world.check(&s3, &BTreeSet::new(), context);
        self.world.check_lists(&s3, &BTreeSet::new(), context);
        self.world.check_upload(&s3, context);
        if let Some(new) = &self.new {
            let found = get(&s3, NEW, None).unwrap_or_else(|error| panic!("{context}: {error:?}"));
            assert!(found == *new, "{context}: what was stored meanwhile");
        }
        let found = s3.store().fsck(&mut |_| ()).unwrap();
        assert!(found.problems.is_empty(), "{context}: {:?}", found.problems);
    }
}

fn put(s3: &Objects, body: &[u8]) {
    block_on(s3.put_object(PutInput {
        bucket: NEW.0.into(),
        key: NEW.1.into(),
        body: futures::stream::iter([Ok(bytes::Bytes::copy_from_slice(body))]).boxed(),
        expect: Expect::default(),
        metadata: Metadata::default(),
        conditions: WriteConditions::default(),
    }))
    .unwrap();
}

/// Each segment that counts: the first, one in the middle, and the last.
fn chosen(vfs: &SimVfs) -> [SegmentId; 3] {
    let all = segments(vfs);
    assert!(all.len() >= 5, "{all:?}");
    [all[0], all[all.len() / 2], all[all.len() - 1]]
}

fn case<'a>(world: &'a World, other: &SimVfs, id: SegmentId, how: Harm, indexed: bool) -> Case<'a> {
    let vfs = world.vfs.snapshot();
    let before = segments(&vfs).into_iter().map(|id| (path(id), vfs.read_file(&path(id)).unwrap())).collect();
    let lost = harm(&vfs, other, id, how);
    let engine = if indexed { world.engine.crash(usize::MAX) } else { MemEngine::new() };
    let context = format!("{how:?} {id}{}:", if indexed { "" } else { ", without its index" });
    Case { world, vfs, engine, lost, before, indexed, new: None, context }
}

#[test]
fn lost_segments_are_named_and_all_is_back_when_they_are() {
    let (world, other) = (World::new(), World::new());
    let mut cases = Vec::new();
    for id in chosen(&world.vfs) {
        for how in HARMS {
            for indexed in [true, false] {
                // Every command first, and then another: what one concluded the other would act on.
                for first in COMMANDS {
                    for second in COMMANDS.into_iter().filter(|second| *second != first) {
                        cases.push((id, how, indexed, [first, second]));
                    }
                }
            }
        }
    }
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((id, how, indexed, commands)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut case = case(&world, &other.vfs, *id, *how, *indexed);
                    commands.iter().for_each(|command| case.run(*command));
                    case.restore();
                }
            });
        }
    });
    println!("{} lost segments under pairs of commands", cases.len());
    assert_eq!(cases.len(), 3 * 5 * 2 * 30);
}

#[test]
fn a_segment_that_is_given_up_no_longer_stops_collections_and_may_still_come_back() {
    let (world, other) = (World::new(), World::new());
    for id in chosen(&world.vfs) {
        for how in HARMS {
            let mut case = case(&world, &other.vfs, id, how, true);
            let folder = folder(Arc::new(case.vfs.clone()), Path::new(DIR), false).unwrap();
            let lost = Store::forget_lost(&folder, Arc::new(case.engine.clone()), clock()).unwrap();
            drop(folder);
            let named: Vec<_> = lost.iter().map(|damage| damage.from.segment).collect();
            assert!(case.lost.iter().all(|id| named.contains(id)), "{}: {lost:?}", case.context);
            let s3 = open(&case.vfs, &case.engine).unwrap();
            assert!(s3.store().stats().unwrap().lost_segments.is_empty(), "{}", case.context);
            for name in world.objects.keys() {
                if let Ok(found) = get(&s3, *name, None) {
                    assert!(found == world.objects[name], "{}: wrong bytes in {name:?}", case.context);
                }
            }
            drop(s3);
            for id in std::mem::take(&mut case.lost) {
                write(&case.vfs, &path(id), &case.before[&path(id)]);
            }
            case.whole(&case.engine, &format!("{} given up, restored", case.context));
        }
        let case = case(&world, &other.vfs, id, Harm::Removed, true);
        let folder = folder(Arc::new(case.vfs.clone()), Path::new(DIR), false).unwrap();
        Store::forget_lost(&folder, Arc::new(case.engine.clone()), clock()).unwrap();
        drop(folder);
        let s3 = open(&case.vfs, &case.engine).unwrap();
        let done = s3.store().collect(CollectOptions::THOROUGH, &mut |_| ()).unwrap();
        assert_eq!(done.damaged_segments, 0, "{}: {done:?}", case.context);
    }
}

#[test]
fn a_manifest_is_made_again_and_without_one_the_index_tells_what_is_lost() {
    let world = World::new();
    let files = ["SEGMENTS", "SEGMENTS.copy"].map(|name| Path::new(DIR).join(name));
    for file in &files {
        for flip in [false, true] {
            let (vfs, engine) = (world.vfs.snapshot(), world.engine.crash(usize::MAX));
            let context = format!("{} {}", file.display(), if flip { "flipped" } else { "removed" });
            match flip {
                true => vfs.corrupt(file, 70, 1).unwrap(),
                false => vfs.remove(file).unwrap(),
            }
            let found = fsck(&vfs, &engine).unwrap();
            assert!(found.problems.iter().any(|problem| problem.subject.contains("SEGMENTS")), "{context}");
            let s3 = open(&vfs, &engine).unwrap();
            assert_eq!(s3.store().health(), Health::Ready, "{context}");
            drop(s3);
            assert!(vfs.read_file(&files[0]).unwrap() == vfs.read_file(&files[1]).unwrap(), "{context}");
            assert!(fsck(&vfs, &engine).unwrap().problems.is_empty(), "{context}");
        }
    }
    for id in chosen(&world.vfs) {
        let (vfs, engine) = (world.vfs.snapshot(), world.engine.crash(usize::MAX));
        files.iter().for_each(|file| vfs.remove(file).unwrap());
        let bytes = vfs.read_file(&path(id)).unwrap();
        vfs.remove(&path(id)).unwrap();
        let needed = pointed_into(&world, id);
        let s3 = open(&vfs, &engine).unwrap();
        let named = s3.store().damage().iter().any(|damage| damage.from.segment == id);
        assert!(named || !needed, "{id}");
        drop(s3);
        write(&vfs, &path(id), &bytes);
        let s3 = open(&vfs, &engine).unwrap();
        world.check(&s3, &BTreeSet::new(), "without a manifest, restored");
    }
}

/// True when the world's index has rows of the segment, or its position is there.
fn pointed_into(world: &World, id: SegmentId) -> bool {
    let vfs = world.vfs.snapshot();
    let s3 = open(&vfs, &world.engine.crash(usize::MAX)).unwrap();
    let index = s3.store().index();
    let blob = index.all_blobs(deltastore_format::Hash::default()).any(|row| row.unwrap().1.position.segment == id);
    let version = index.all_versions().any(|row| row.unwrap().record.segment == id);
    blob || version || index.applied().unwrap().unwrap().segment == id
}

#[test]
fn a_store_whose_segments_are_all_gone_is_not_begun_anew() {
    let world = World::new();
    let vfs = world.vfs.snapshot();
    segments(&vfs).into_iter().for_each(|id| vfs.remove(&path(id)).unwrap());
    for engine in [world.engine.crash(usize::MAX), MemEngine::new()] {
        let error = open(&vfs, &engine).err().unwrap().to_string();
        assert!(error.contains("segments are missing or unusable"), "{error}");
        let found = fsck(&vfs, &engine).unwrap();
        assert!(found.problems.len() >= 5, "{:?}", found.problems);
    }
    assert!(segments(&vfs).is_empty());
}

#[test]
fn a_segment_that_was_removed_in_good_order_does_not_come_back() {
    let world = World::new();
    let vfs = world.vfs.snapshot();
    // The world collects in its middle: a low number is free.
    let free = (1..).map(SegmentId).find(|id| !segments(&vfs).contains(id)).unwrap();
    assert!(free < segments(&vfs).pop().unwrap());
    let first = segments(&vfs)[0];
    write(&vfs, &path(free), &vfs.read_file(&path(first)).unwrap());
    let engine = world.engine.crash(usize::MAX);
    let s3 = open(&vfs, &engine).unwrap();
    assert_eq!(s3.store().health(), Health::Ready);
    world.check(&s3, &BTreeSet::new(), "a removed segment is back");
    assert!(vfs.exists(&path(free)).unwrap(), "it is not this store's to remove");
}
