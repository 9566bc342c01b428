//! Writes after damage: the same bytes are put again, in every way, and what is acknowledged can be read, at once and
//! after a replay, a collection, an optimization and a rebuild. Who shares what was damaged is healed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use deltastore::index::MemEngine;
use deltastore::object::{
    CompleteInput, CompletedPart, CopyInput, CopySource, Expect, MetadataDirective, ObjectError, Objects, PutInput,
    TaggingDirective, UploadPartCopyInput, WriteConditions,
};
use deltastore::store::bugs::Bugs;
use deltastore::store::{CollectOptions, OptimizeOptions, Policy, Settings};
use deltastore_format::{Metadata, RecordKind};
use futures::executor::block_on;

use crate::map::{Place, Region, places};
use crate::world::{
    GetError, Name, World, create_upload, get, open_distrusting, open_with, part_of, rebuild, settings, stream,
};

/// A way to put the bytes of an object again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Put,
    OnePart,
    ThreeParts,
    Copy,
    PartCopy,
}

impl Way {
    const ALL: [Self; 5] = [Self::Put, Self::OnePart, Self::ThreeParts, Self::Copy, Self::PartCopy];

    /// Whether the client sends the bytes: then damage is no reason to refuse them.
    fn sends_bytes(self) -> bool {
        !matches!(self, Self::Copy | Self::PartCopy)
    }

    fn write(self, s3: &Objects, from: Name, to: Name, body: &[u8]) -> Result<(), ObjectError> {
        match self {
            Self::Put => block_on(s3.put_object(PutInput {
                bucket: to.0.into(),
                key: to.1.into(),
                body: stream(body),
                expect: Expect::default(),
                metadata: Metadata::default(),
                conditions: WriteConditions::default(),
            }))
            .map(drop),
            Self::OnePart => parts(s3, to, &[body]),
            Self::ThreeParts => {
                let (first, rest) = body.split_at(body.len() / 3);
                let (second, third) = rest.split_at(rest.len() / 2);
                parts(s3, to, &[first, second, third])
            }
            Self::Copy => copy(s3, from, to),
            Self::PartCopy => part_copy(s3, from, to),
        }
    }
}

fn parts(s3: &Objects, to: Name, bodies: &[&[u8]]) -> Result<(), ObjectError> {
    let upload = create_upload(s3, to.0, to.1);
    let etags = (1..)
        .zip(bodies)
        .map(|(number, body): (u16, _)| (number, part_of(s3, to.0, to.1, &upload, i32::from(number), body)));
    let etags = etags.collect();
    complete(s3, to, upload, etags)
}

fn part_copy(s3: &Objects, from: Name, to: Name) -> Result<(), ObjectError> {
    let upload_id = create_upload(s3, to.0, to.1);
    let part = block_on(s3.upload_part_copy(UploadPartCopyInput {
        bucket: to.0.into(),
        key: to.1.into(),
        upload_id: upload_id.clone(),
        number: 1,
        source: CopySource { bucket: from.0.into(), key: from.1.into(), ..CopySource::default() },
        range: None,
    }))?;
    complete(s3, to, upload_id, vec![(1, part.etag)])
}

fn complete(s3: &Objects, to: Name, upload_id: String, etags: Vec<(u16, String)>) -> Result<(), ObjectError> {
    let parts = etags.into_iter().map(|(number, etag)| CompletedPart { number, etag, checksum: None }).collect();
    block_on(s3.complete_upload(CompleteInput {
        bucket: to.0.into(),
        key: to.1.into(),
        upload_id,
        parts,
        checksum: None,
        composite: None,
        object_size: None,
        conditions: WriteConditions::default(),
    }))
    .map(drop)
}

fn copy(s3: &Objects, from: Name, to: Name) -> Result<(), ObjectError> {
    block_on(s3.copy_object(CopyInput {
        source: CopySource { bucket: from.0.into(), key: from.1.into(), ..CopySource::default() },
        bucket: to.0.into(),
        key: to.1.into(),
        metadata: MetadataDirective::Replace(Metadata::default()),
        tagging: TaggingDirective::Copy,
        storage_class: None,
        website_redirect: None,
        checksum: None,
        conditions: WriteConditions::default(),
    }))
    .map(drop)
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
struct Case {
    way: Way,
    /// To another key than the bytes came from.
    elsewhere: bool,
    /// The flip comes while the store is open, after everything was read.
    under_open: bool,
    /// A client read what is damaged before.
    read_before: bool,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (number, way) in Way::ALL.into_iter().enumerate() {
        for elsewhere in [false, true] {
            for under_open in [false, true] {
                cases.push(Case { way, elsewhere, under_open, read_before: (number % 2 == 0) == elsewhere });
            }
        }
    }
    cases
}

/// Objects other than the one that was written that could not be read before and can be now.
type Healed = usize;

/// Runs a case over one flipped bit.
///
/// # Errors
/// What no store may do, in words.
fn run(world: &World, place: &Place, offset: u64, case: Case, bugs: Bugs) -> Result<Healed, String> {
    let (vfs, engine) = (world.vfs.snapshot(), world.engine.crash(usize::MAX));
    let flip = || vfs.corrupt(&place.path(), offset, 1 << (offset % 8)).map_err(|error| error.to_string());
    let open = |engine: &MemEngine| open_distrusting(&vfs, engine, bugs).map_err(|error| format!("open: {error}"));
    if !case.under_open {
        flip()?;
    }
    let s3 = open(&engine)?;
    if case.under_open {
        world.check(&s3, &BTreeSet::new(), "before the flip");
        flip()?;
    }
    let damaged = if place.region(offset) == Region::Padding { BTreeSet::new() } else { place.needed_by.clone() };
    let concerned = damaged.first().or(place.decides.iter().find(|name| world.objects.contains_key(*name)));
    let from = *concerned.unwrap_or(&("alpha", "last"));
    let to = if case.elsewhere { ("beta", "another") } else { from };
    let body = &world.objects[&from];
    if case.read_before {
        drop(get(&s3, from, None));
    }
    match case.way.write(&s3, from, to, body) {
        Ok(()) => {}
        Err(error) if case.way.sends_bytes() => return Err(format!("bytes that were sent are refused: {error}")),
        Err(error) if error.status() == 500 && damaged.contains(&from) => return Ok(0),
        Err(error) => return Err(format!("refused: {error}")),
    }
    let mut expected: BTreeMap<Name, &Vec<u8>> = world.objects.iter().map(|(name, body)| (*name, body)).collect();
    expected.insert(to, body);
    let mut readable = readable(&s3, &expected, "after the write")?;
    for name in expected.keys().filter(|name| !readable.contains(*name)) {
        if !damaged.contains(name) || *name == to {
            return Err(format!("{name:?} cannot be read after the write"));
        }
        // The same bytes in the same form have the same windows: a twin shares all of them.
        if case.way == Way::Put && expected[name] == body && !from.1.starts_with("cold") {
            return Err(format!("{name:?} is not healed"));
        }
    }
    let healed = damaged.iter().filter(|name| **name != to && readable.contains(*name)).count();
    drop(s3);

    // As after a crash that the index did not keep the write through.
    let engine = world.engine.crash(usize::MAX);
    let s3 = open(&engine)?;
    still(&s3, &expected, &mut readable, "after a replay")?;
    s3.store().collect(CollectOptions::THOROUGH, &mut |_| ()).map_err(|error| format!("collect: {error}"))?;
    still(&s3, &expected, &mut readable, "after a collection")?;
    let options = OptimizeOptions { policy: Some(Policy::Max), threads: 1, ..OptimizeOptions::default() };
    s3.store()
        .optimize(&options, &AtomicBool::new(false), &mut |_| ())
        .map_err(|error| format!("optimize: {error}"))?;
    still(&s3, &expected, &mut readable, "after an optimization")?;
    s3.store().collect(CollectOptions::THOROUGH, &mut |_| ()).map_err(|error| format!("collect: {error}"))?;
    still(&s3, &expected, &mut readable, "after a second collection")?;
    let found = s3.store().fsck(&mut |_| ()).map_err(|error| format!("fsck: {error}"))?;
    let counted = found.problems.iter().find(|problem| problem.reason.contains("counted"));
    if let Some(problem) = counted.filter(|_| !found.problems.iter().any(|problem| problem.subject.starts_with("Node")))
    {
        return Err(format!("links are counted wrong: {problem}"));
    }
    drop(s3);

    let (engine, _) = rebuild(&vfs).map_err(|error| format!("rebuild: {error}"))?;
    let s3 = open(&engine)?;
    still(&s3, &expected, &mut readable, "after a rebuild")?;
    Ok(healed)
}

/// The objects that can be read; none has a wrong byte.
fn readable(s3: &Objects, expected: &BTreeMap<Name, &Vec<u8>>, when: &str) -> Result<BTreeSet<Name>, String> {
    let mut readable = BTreeSet::new();
    for (name, body) in expected {
        match get(s3, *name, None) {
            Ok(found) if found == **body => drop(readable.insert(*name)),
            Ok(_) => return Err(format!("{when}: wrong bytes in {name:?}")),
            Err(GetError::Refused(_) | GetError::Broken(_)) => {}
        }
    }
    Ok(readable)
}

/// What could be read still can be.
fn still(
    s3: &Objects,
    expected: &BTreeMap<Name, &Vec<u8>>,
    before: &mut BTreeSet<Name>,
    when: &str,
) -> Result<(), String> {
    let now = readable(s3, expected, when)?;
    match before.difference(&now).next() {
        Some(name) => Err(format!("{when}: {name:?} cannot be read any more")),
        None => {
            *before = now;
            Ok(())
        }
    }
}

/// Runs the whole table, or until something fails.
fn run_all(bugs: Bugs) -> Result<String, String> {
    let world = World::of_twins();
    let s3 = open_distrusting(&world.vfs, &world.engine, Bugs::default()).map_err(|error| error.to_string())?;
    let places = places(&world, &s3);
    drop(s3);
    let cases = cases();
    let mut rows = Vec::new();
    for (number, place) in places.iter().filter(|place| place.kind.is_some()).enumerate() {
        for (turn, case) in cases.iter().enumerate() {
            // In the header of one, in the middle of another's payload.
            let header = (number + turn).is_multiple_of(4);
            let offset = if header { place.at.offset + 20 } else { (place.at.offset + 64 + place.end) / 2 };
            rows.push((place, offset.min(place.end - 1), *case));
        }
    }
    let (next, failed) = (AtomicUsize::new(0), parking_lot::Mutex::new(None));
    let healed = parking_lot::Mutex::new(BTreeMap::<(u8, &str), usize>::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((place, offset, case)) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match run(&world, place, *offset, *case, bugs) {
                        Ok(count) => {
                            let way = if case.way.sends_bytes() { "sent" } else { "copied" };
                            let kind = place.kind.map_or(0, |kind| kind as u8);
                            *healed.lock().entry((kind, way)).or_default() += count;
                        }
                        Err(error) => {
                            let from = *offset - place.at.offset;
                            *failed.lock() =
                                Some(format!("{:?} at {} + {from}, {case:?}: {error}", place.kind, place.at));
                            next.store(rows.len(), Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    match failed.into_inner() {
        Some(error) => Err(error),
        None => {
            let healed = healed.into_inner();
            for kind in [RecordKind::Window, RecordKind::Node] {
                let count = healed.get(&(kind as u8, "sent")).copied().unwrap_or(0);
                if count < 20 {
                    return Err(format!("the table does not work: {count} objects were healed by a {kind:?}"));
                }
            }
            Ok(format!("{} writes after a flip, objects healed by kind of record and way: {healed:?}", rows.len()))
        }
    }
}

#[test]
fn what_is_acknowledged_after_damage_can_be_read_and_heals_others() {
    match run_all(Bugs::default()) {
        Ok(summary) => println!("{summary}"),
        Err(error) => panic!("{error}"),
    }
}

/// A copy verifies so much of what it links to before the answer, and the rest after it.
#[test]
fn a_copy_beyond_its_budget_is_verified_afterwards() {
    let world = World::of_twins();
    let s3 = open_with(&world.vfs, &world.engine, settings(), Bugs::default()).unwrap();
    let long = ("alpha", "long");
    let last = places(&world, &s3).into_iter().rfind(|place| {
        place.kind == Some(RecordKind::Window) && place.needed_by.contains(&long) && place.needed_by.len() == 2
    });
    let last = last.expect("windows that only the twins need");
    drop(s3);
    let vfs = world.vfs.snapshot();
    vfs.corrupt(&last.path(), last.end - 20, 1).unwrap();
    let settings = Settings { verify_bytes: 12 << 10, ..settings() };
    let s3 = open_with(&vfs, &world.engine.crash(usize::MAX), settings, Bugs::default()).unwrap();
    let store = s3.store();
    let counts = || {
        let damage = store.stats().unwrap().damage;
        (damage.known_blobs, damage.healed_blobs)
    };

    Way::Copy.write(&s3, long, ("alpha", "copied"), &[]).expect("the damage is beyond the budget");
    assert_eq!(counts(), (0, 0));
    assert_eq!(store.verify_waiting().unwrap(), 1);
    assert_eq!(counts(), (1, 0));
    assert!(get(&s3, ("alpha", "copied"), None).is_err());
    assert_eq!(store.verify_waiting().unwrap(), 0, "nothing waits any more");

    let body = &world.objects[&long];
    Way::Put.write(&s3, long, ("beta", "again"), body).unwrap();
    assert_eq!(counts(), (0, 1));
    for name in [long, ("beta", "long"), ("alpha", "copied"), ("beta", "again")] {
        assert!(get(&s3, name, None).unwrap() == *body, "{name:?}");
    }
    Way::Copy.write(&s3, long, ("alpha", "copied"), &[]).expect("it is healed");
    assert_eq!(store.verify_waiting().unwrap(), 0);
}

#[cfg(feature = "planted-bugs")]
mod planted {
    use deltastore::store::bugs::{Bug, Bugs};

    #[test]
    fn linking_to_what_was_not_verified_is_caught() {
        assert!(super::run_all(Bugs(Some(Bug::LinkWithoutVerification))).is_err());
    }

    #[test]
    fn a_heal_that_a_replay_forgets_is_caught() {
        assert!(super::run_all(Bugs(Some(Bug::HealForgottenInReplay))).is_err());
    }

    #[test]
    fn a_heal_that_its_commit_forgets_is_caught() {
        assert!(super::run_all(Bugs(Some(Bug::HealForgottenInCommit))).is_err());
    }
}
