//! Power loss at RocksDB's own files: the process is killed at a change, and what it had not synced of its index is
//! lost.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use deltastore::object::ObjectError;
use deltastore::store::CollectOptions;
use deltastore::store::bugs::Bugs;
use futures::executor::block_on;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::child::{self, body, delete, get, open, put};
use crate::shim::Shim;

/// Names the planted bug of the process under test.
const BUG: &str = "FAULTS_BUG";
/// Keys that the process under test writes.
const KEYS: u64 = 6;
const ROUNDS: u32 = 30;

#[cfg(feature = "planted-bugs")]
fn planted() -> Bugs {
    let named = std::env::var(BUG).ok();
    Bugs(deltastore::store::bugs::Bug::ALL.into_iter().find(|bug| named.as_deref() == Some(&format!("{bug:?}"))))
}

#[cfg(not(feature = "planted-bugs"))]
fn planted() -> Bugs {
    Bugs::default()
}

/// Writes for as long as it lives, and notes what it is about to do and what was acknowledged.
#[test]
#[ignore = "the process that dies; run by the tests below"]
fn child() {
    let Some(dir) = child::folder() else { return };
    let mut notes = File::options().create(true).append(true).open(dir.with_extension("notes")).unwrap();
    let objects = open(&dir, planted()).unwrap();
    match block_on(objects.create_bucket("bucket")) {
        Ok(_) | Err(ObjectError::BucketAlreadyOwnedByYou { .. }) => {}
        Err(error) => panic!("{error}"),
    }
    let first: u64 = std::env::var("FAULTS_VERSION").unwrap().parse().unwrap();
    for version in first..first + 60 {
        let key = version % KEYS;
        let name = format!("key-{key}");
        // Version 0 stands for no object.
        let gone = version % 5 == 0;
        writeln!(notes, "sent {key} {}", if gone { 0 } else { version }).unwrap();
        if gone { delete(&objects, &name) } else { put(&objects, &name, &body(key, version)) }.unwrap();
        writeln!(notes, "acknowledged {key}").unwrap();
        if version % 7 == 0 {
            objects.store().index().flush().unwrap();
        }
        if version % 11 == 0 {
            objects.store().collect(CollectOptions::THOROUGH, &mut |_| ()).unwrap();
        }
    }
}

/// What the index folder's files were when the power went, by the journal of changes.
#[derive(Default)]
struct Disk {
    /// Names that are durable.
    durable: BTreeMap<PathBuf, u64>,
    /// Names as they are.
    now: BTreeMap<PathBuf, u64>,
    /// Lengths that are durable, by inode.
    synced: HashMap<u64, u64>,
    written: HashMap<u64, u64>,
}

impl Disk {
    /// As a start finds it: all of it is durable.
    fn at_start(index: &Path) -> Self {
        let mut disk = Self::default();
        for entry in fs::read_dir(index).into_iter().flatten() {
            let (found, path) = entry.map(|entry| (entry.metadata().unwrap(), entry.path())).unwrap();
            disk.durable.insert(path, inode_of(&found));
            disk.synced.insert(inode_of(&found), found.len());
        }
        (disk.now, disk.written) = (disk.durable.clone(), disk.synced.clone());
        disk
    }

    /// Does again what the journal tells of.
    fn replay(&mut self, journal: &Path) {
        let disk = self;
        for line in fs::read_to_string(journal).unwrap().lines() {
            let (what, rest) = line.split_once(' ').unwrap();
            let pair = || rest.split_once(' ').unwrap();
            let number = |text: &str| text.parse::<u64>().unwrap();
            match what {
                "create" => drop(disk.now.insert(pair().1.into(), number(pair().0))),
                "write" => {
                    let end = disk.written.entry(number(pair().0)).or_default();
                    *end = number(pair().1).max(*end);
                }
                "length" => drop(disk.written.insert(number(pair().0), number(pair().1))),
                "sync" => {
                    let inode = number(rest);
                    let len = disk.written.get(&inode).copied().unwrap_or(0);
                    disk.synced.insert(inode, len);
                }
                "rename" => {
                    let (from, to) = rest.split_once('\t').unwrap();
                    // RocksDB's own log comes from a call that is not watched, and nothing depends on it.
                    if let Some(inode) = disk.now.remove(Path::new(from)) {
                        disk.now.insert(to.into(), inode);
                    }
                }
                "remove" => drop(disk.now.remove(Path::new(rest))),
                "names" => {
                    let here = |path: &Path| path.parent() == Some(Path::new(rest));
                    disk.durable.retain(|path, _| !here(path));
                    let names = disk.now.iter().filter(|(path, _)| here(path));
                    disk.durable.extend(names.map(|(path, inode)| (path.clone(), *inode)));
                }
                other => panic!("{other}"),
            }
        }
    }

    /// Leaves of the folder what a power loss may: all that was synced, and of the rest each thing or not.
    fn lose(&self, index: &Path, graves: &Path, rng: &mut StdRng) {
        let keep = [0.0, 0.5, 0.9][rng.random_range(0..3)];
        let mut names = self.durable.clone();
        for (path, inode) in &self.now {
            if self.durable.get(path) != Some(inode) && rng.random_bool(keep) {
                names.insert(path.clone(), *inode);
            }
        }
        names.retain(|path, inode| self.now.get(path) == Some(inode) || !rng.random_bool(keep));
        let image = index.with_extension("image");
        fs::create_dir(&image).unwrap();
        for (path, inode) in names {
            let content = [path.clone(), graves.join(inode.to_string())]
                .into_iter()
                .chain(self.now.iter().filter(|(_, other)| **other == inode).map(|(path, _)| path.clone()))
                .find(|place| fs::metadata(place).is_ok_and(|found| inode_of(&found) == inode));
            let Some(place) = content else { panic!("{} of inode {inode} is nowhere", path.display()) };
            let bytes = fs::read(place).unwrap();
            let synced = self.synced.get(&inode).copied().unwrap_or(0).min(bytes.len() as u64);
            let len = if rng.random_bool(keep) { rng.random_range(synced..=bytes.len() as u64) } else { synced };
            fs::write(image.join(path.file_name().unwrap()), &bytes[..len as usize]).unwrap();
        }
        fs::remove_dir_all(index).unwrap();
        fs::rename(image, index).unwrap();
    }
}

fn inode_of(metadata: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

/// Rounds of writing, dying and losing; the first failure.
fn rounds(seed: u64, rounds: u32, bug: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("data");
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut version, mut died) = (1, 0);
    let mut expected: HashMap<u64, u64> = HashMap::new();
    for round in 0..rounds {
        let shim = Shim::new("/data/index");
        let mut disk = Disk::at_start(&dir.join("index"));
        let at = rng.random_range(1..400);
        shim.control.kill_at(at);
        let mut command = child::command("power::child", &shim, &dir);
        let output = command.env(BUG, bug).env("FAULTS_VERSION", version.to_string()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code().is_some_and(|code| code != 0) {
            return Err(format!("round {round}: the process failed: {said}"));
        }
        let dead = output.status.code().is_none();
        died += u32::from(dead);
        let known = Known::read(&dir.with_extension("notes"), &expected);
        if dead {
            let before = fs::read_dir(dir.join("index")).map_or(0, Iterator::count);
            disk.replay(&shim.journal());
            disk.lose(&dir.join("index"), &shim.graves(), &mut rng);
            let after = fs::read_dir(dir.join("index")).map_or(0, Iterator::count);
            println!("round {round}: dead at change {at}; {after} of {before} files are left");
        }
        expected = known.check(&dir).map_err(|error| format!("round {round}, dead at change {at}: {error}"))?;
        version += 100;
    }
    println!("{died} of {rounds} died");
    if died * 2 < rounds { Err(format!("only {died} of {rounds} died")) } else { Ok(()) }
}

/// What the process under test noted.
struct Known {
    acknowledged: HashMap<u64, u64>,
    /// A change of a key that was sent and not acknowledged.
    open: Option<(u64, u64)>,
}

impl Known {
    fn read(notes: &Path, before: &HashMap<u64, u64>) -> Self {
        let mut known = Self { acknowledged: before.clone(), open: None };
        for line in fs::read_to_string(notes).unwrap_or_default().lines() {
            let numbers: Vec<u64> = line.split(' ').skip(1).map(|number| number.parse().unwrap()).collect();
            match numbers[..] {
                [key, version] => known.open = Some((key, version)),
                _ => {
                    let (key, version) = known.open.take().unwrap();
                    known.acknowledged.insert(key, version);
                }
            }
        }
        // A process that fails to start notes nothing.
        let _ = fs::remove_file(notes);
        known
    }

    /// Opens the store and holds it against this; what is there now.
    fn check(self, dir: &Path) -> Result<HashMap<u64, u64>, String> {
        let objects = open(dir, Bugs::default()).map_err(|error| format!("the store does not open: {error}"))?;
        if let Some(damage) = objects.store().damage().first() {
            return Err(format!("recovery met damage: {damage}"));
        }
        let mut found = HashMap::new();
        for key in 0..KEYS {
            let there = match get(&objects, &format!("key-{key}")) {
                Err(error) if error.contains("does not exist") => None,
                other => other?,
            };
            let version = there.as_ref().map_or(0, |bytes| u64::from_le_bytes(bytes[..8].try_into().unwrap()));
            if there.is_some_and(|bytes| bytes != body(key, version)) {
                return Err(format!("key-{key} has other bytes"));
            }
            let last = self.acknowledged.get(&key).copied().unwrap_or(0);
            if version != last && self.open != Some((key, version)) {
                return Err(format!("key-{key} has version {version}, acknowledged was {last}"));
            }
            found.insert(key, version);
        }
        let report = objects.store().fsck(&mut |_| ()).map_err(|error| format!("fsck: {error}"))?;
        report.problems.first().map_or(Ok(found), |problem| Err(format!("fsck: {problem}")))
    }
}

#[test]
fn the_index_survives_power_losses_at_its_own_files() {
    rounds(1, ROUNDS, "").unwrap();
}

#[cfg(feature = "planted-bugs")]
#[test]
fn a_segment_that_goes_before_the_index_is_flushed_is_caught() {
    let error = (1..10).find_map(|seed| rounds(seed, ROUNDS, "SkipFlushBeforeUnlink").err());
    println!("{error:?}");
    assert!(error.is_some());
}
