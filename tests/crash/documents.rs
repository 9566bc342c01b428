//! Documents, updates in place, and counters that must balance.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use deltastore::store::bugs::Bugs;
use deltastore::store::{CollectOptions, CommitError, DocumentError, Expected, Store};
use deltastore_format::store::BASE_VERSION;
use deltastore_format::{Metadata, SegmentId, Sequence, StoreHeader};
use deltastore_segment::vfs::CrashMode;
use futures::executor::block_on;

use crate::disk::{DIR, Machine, Running, segment_files};
use crate::plan::{Plan, Request};
use crate::power::{self, Losses};
use crate::state::Key;
use crate::world::{World, inspect};

fn name(name: &str) -> Key {
    ("policy".to_owned(), name.to_owned())
}

fn key(name: &str) -> Key {
    ("bucket".to_owned(), name.to_owned())
}

fn format_of(machine: &Machine) -> Result<u32, String> {
    let bytes = machine.vfs.read_file(&Path::new(DIR).join("STORE")).map_err(|error| error.to_string())?;
    Ok(StoreHeader::decode(&bytes).map_err(|error| error.to_string())?.format_version)
}

/// The format version rises with the first document, and before it.
pub fn raise_the_format(bugs: Bugs) -> Result<(), String> {
    let mut world = World::new(1, bugs)?;
    let before = format_of(&world.machine)?;
    if before != BASE_VERSION {
        return Err(format!("a new store has version {before}"));
    }
    world.round(vec![Plan::put_document(name("a"), b"{}".to_vec(), Expected::Nothing)])?;
    world.kill();
    for at in 0..=world.machine.vfs.journal_len() {
        for mode in CrashMode::ALL {
            let machine = world.machine.power_loss(at, at as u64, mode, 0);
            let running = machine.start(0, 1).map_err(|error| error.to_string())?;
            let there = running.objects.store().document("policy", "a").map_err(|error| error.to_string())?.is_some();
            let format = format_of(&machine)?;
            if there && format == before {
                return Err(format!("a document in a store of version {format}, after call {at}, {mode:?}"));
            }
        }
    }
    Ok(())
}

#[test]
fn the_first_document_raises_the_format_before_it_is_written() {
    raise_the_format(Bugs::default()).unwrap();
}

fn put(store: &Store, expected: Expected, bytes: &[u8]) -> Result<Sequence, CommitError<DocumentError>> {
    let (sender, receiver) = std::sync::mpsc::channel();
    store.put_document("user", "alice", bytes.to_vec(), expected, move |result| drop(sender.send(result)));
    receiver.recv().unwrap()
}

fn remove(store: &Store, expected: Expected) -> Result<bool, CommitError<DocumentError>> {
    let (sender, receiver) = std::sync::mpsc::channel();
    store.remove_document("user", "alice", expected, move |result| drop(sender.send(result)));
    receiver.recv().unwrap()
}

#[test]
fn a_document_is_changed_only_by_who_saw_its_present_state() {
    let world = World::new(2, Bugs::default()).unwrap();
    let store = world.objects().store();
    let changed = |result: Result<Sequence, _>, now: Option<Sequence>| {
        let Err(CommitError::Refused(DocumentError::Changed { found })) = result else { panic!("{result:?}") };
        assert_eq!(found, now);
    };
    changed(put(store, Expected::Put(Sequence(1)), b"1"), None);
    let first = put(store, Expected::Nothing, b"1").unwrap();
    changed(put(store, Expected::Nothing, b"2"), Some(first));
    let second = put(store, Expected::Put(first), b"2").unwrap();
    assert!(second > first);
    changed(put(store, Expected::Put(first), b"3"), Some(second));
    changed(remove(store, Expected::Put(first)).map(|_| first), Some(second));
    let listed: Vec<_> = store.documents("user").map(Result::unwrap).collect();
    assert_eq!(listed, [store.document("user", "alice").unwrap().unwrap()]);
    assert_eq!((listed[0].bytes.as_slice(), listed[0].document), (&b"2"[..], second));
    assert_eq!(store.documents("use").count(), 0);
    assert!(remove(store, Expected::Put(second)).unwrap());
    assert!(!remove(store, Expected::Anything).unwrap());
    let long = put(store, Expected::Anything, &vec![0; (1 << 20) + 1]);
    assert!(matches!(long, Err(CommitError::Refused(DocumentError::Length { what: "document", .. }))), "{long:?}");
}

/// Live bytes of all segments that exist.
fn live(machine: &Machine, running: &Running) -> Vec<(SegmentId, i64)> {
    let id = |path: PathBuf| SegmentId(u64::from_str_radix(path.file_stem().unwrap().to_str().unwrap(), 16).unwrap());
    let ids = segment_files(machine).into_iter().map(id);
    ids.map(|id| (id, running.objects.store().index().live(id).unwrap())).collect()
}

fn sum(live: &[(SegmentId, i64)]) -> i64 {
    live.iter().map(|(_, live)| live).sum()
}

/// Gives back what is dead in the index and moves nothing.
fn sweep(world: &World) {
    let options = CollectOptions { min_dead: 2.0, seal_active: false };
    world.objects().store().collect(options, &mut |_| ()).unwrap();
}

/// What was put is removed, and the live bytes are what they were; a rebuild counts the same.
fn balances(what: &str, change: impl FnOnce(&mut World)) {
    let mut world = World::new(3, Bugs::default()).unwrap();
    let start = sum(&live(&world.machine, world.running.as_ref().unwrap()));
    change(&mut world);
    sweep(&world);
    let end = live(&world.machine, world.running.as_ref().unwrap());
    assert_eq!(sum(&end), start, "{what}");
    inspect(world.running.as_ref().unwrap()).unwrap();
    world.close();
    let rebuilt = world.machine.start_with(world.machine.rebuilt().unwrap(), 1).unwrap();
    // The clean close added a record that nothing needs.
    assert_eq!(live(&world.machine, &rebuilt), end, "{what}, rebuilt");
}

fn round(world: &mut World, plan: Plan) {
    world.round(vec![plan]).unwrap();
}

#[test]
fn what_every_kind_takes_is_given_back() {
    balances("buckets", |world| {
        round(world, Plan::create_bucket("other"));
        let set = world.objects().set_optimize_policy("other", deltastore::store::Policy::Max);
        block_on(set).unwrap();
        block_on(world.objects().delete_bucket("other")).unwrap();
    });
    balances("versions", |world| {
        let put = |n: u8| Plan::put(key("a"), vec![n; 5000].into(), Metadata::default());
        round(world, put(1));
        round(world, put(2));
        let metadata = Metadata { tags: vec![("a".into(), "b".into())], ..Metadata::default() };
        let update = Plan::update(key("a"), &world.state, metadata);
        round(world, update);
        round(world, Plan::delete("bucket", vec!["a".into()]));
    });
    balances("uploads and parts", |world| {
        for abort in [true, false] {
            let plan =
                Plan::of(Request::CreateUpload { key: key("u") }, vec![crate::state::Change::AnyUpload(key("u"))]);
            round(world, plan);
            let upload = *world.state.uploads.keys().next_back().unwrap();
            for body in [vec![1; 3000], vec![2; 4000]] {
                let request = Request::UploadPart { key: key("u"), upload, number: 1, body: body.into() };
                round(world, Plan::of(request, Vec::new()));
            }
            if abort {
                let gone = vec![crate::state::Change::Upload(upload, None)];
                round(world, Plan::of(Request::Abort { key: key("u"), upload }, gone));
            } else {
                let etag = crate::plan::md5(&[2; 4000]);
                let request = Request::Complete { key: key("u"), upload, parts: vec![(1, etag)] };
                round(world, Plan::of(request, Vec::new()));
                round(world, Plan::delete("bucket", vec!["u".into()]));
            }
        }
    });
    balances("documents", |world| {
        for bytes in [b"1".to_vec(), b"two".to_vec()] {
            round(world, Plan::put_document(name("a"), bytes, Expected::Anything));
        }
        round(world, Plan::remove_document(name("a")));
    });
}

/// Documents and updates survive power loss at every call, over collections that move them.
#[test]
fn documents_and_updates_survive() {
    let mut world = World::new(4, Bugs::default()).unwrap();
    round(&mut world, Plan::put(key("a"), vec![7; 6000].into(), Metadata::default()));
    for n in 0..3u8 {
        let expected = if n == 0 { Expected::Nothing } else { Expected::Anything };
        round(&mut world, Plan::put_document(name("a"), vec![n; 40], expected));
        round(&mut world, Plan::put_document(name(&n.to_string()), vec![n], Expected::Nothing));
        let user = vec![("n".to_owned(), n.to_string())];
        let update = Plan::update(key("a"), &world.state, Metadata { user, ..Metadata::default() });
        round(&mut world, update);
        let options = CollectOptions { min_dead: 0.0, seal_active: true };
        world.objects().store().collect(options, &mut |_| ()).unwrap();
    }
    round(&mut world, Plan::remove_document(name("1")));
    world.check_all().unwrap();
    world.kill();
    power::crash(&world, 4, Losses::Everywhere, &AtomicU64::new(0)).unwrap();
}
