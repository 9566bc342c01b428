//! A disk that fills up under a running server: it recovers by itself as soon as there is room, whatever took the room.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deltastore::object::{Expect, GetInput, ObjectError, PutInput, WriteConditions};
use deltastore::store::bugs::Bugs;
use deltastore::store::{Collector, Health, JobHandle, Settings};
use deltastore_format::Metadata;
use deltastore_segment::vfs::Vfs;
use futures::StreamExt;
use futures::executor::block_on;

use crate::disk::{DIR, Machine, Running};
use crate::plan::{Plan, stream};
use crate::scenarios::{key, random};

const MIB: u64 = 1 << 20;
const DISK: u64 = 48 * MIB;
/// Free space below which the store refuses data: what compacting one segment takes.
const RESERVE: u64 = 20 * MIB;
/// There must be room again within this time.
const PATIENCE: Duration = Duration::from_secs(30);
/// Enough to tell that a planted bug keeps it full.
#[cfg(feature = "planted-bugs")]
const SHORT_PATIENCE: Duration = Duration::from_secs(4);
/// Of the collector; its retries are no longer than this.
const PAUSE: Duration = Duration::from_millis(50);

struct Disk {
    machine: Machine,
    running: Option<Running>,
    collector: Option<JobHandle>,
    objects: u64,
    patience: Duration,
}

impl Disk {
    fn new(bugs: Bugs) -> Result<Self, String> {
        let mut machine = Machine::new(bugs);
        machine.settings =
            Settings { segment_bytes: 4 * MIB, reserve_bytes: RESERVE, encode_threads: 1, ..Settings::default() };
        machine.settings.read_threads = 1;
        machine.vfs.set_free_bytes(DISK);
        let mut disk = Self { machine, running: None, collector: None, objects: 0, patience: PATIENCE };
        #[cfg(feature = "planted-bugs")]
        if bugs.0.is_some() {
            disk.patience = SHORT_PATIENCE;
        }
        disk.up()?;
        disk.send(Plan::create_bucket("bucket")).map_err(|error| error.to_string())?;
        Ok(disk)
    }

    fn up(&mut self) -> Result<(), String> {
        let running = self.machine.start(0, 1).map_err(|error| error.to_string())?;
        let collector = running.objects.store().start_job(Collector::new(PAUSE));
        self.collector = Some(collector.map_err(|error| error.to_string())?);
        self.running = Some(running);
        Ok(())
    }

    fn down(&mut self) {
        (self.collector, self.running) = (None, None);
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("a process runs")
    }

    fn send(&self, plan: Plan) -> Result<(), ObjectError> {
        block_on(plan.request.send(&self.running().objects)).map(drop)
    }

    fn put(&self, number: u64) -> Result<(), ObjectError> {
        self.send(Plan::put(key(&number.to_string()), Arc::new(body(number)), Metadata::default()))
    }

    /// Puts objects until one is refused.
    fn fill(&mut self) -> Result<(), String> {
        loop {
            match self.put(self.objects) {
                Ok(()) => self.objects += 1,
                Err(ObjectError::StorageFull) if self.objects >= 20 => return Ok(()),
                Err(error) => return Err(format!("object {}: {error}", self.objects)),
            }
        }
    }

    /// Deletes three of four objects, so that something lives in every segment.
    fn delete_most(&self) -> Result<(), String> {
        let keys: Vec<String> = (0..self.objects).filter(|number| number % 4 != 1).map(|n| n.to_string()).collect();
        self.send(Plan::delete("bucket", keys)).map_err(|error| format!("deleting on a full disk: {error}"))
    }

    fn free(&self) -> u64 {
        self.machine.vfs.free_bytes(Path::new(DIR)).expect("a simulated disk tells")
    }

    /// Puts objects, each as soon as readiness says that data is taken: a client that was refused asks no sooner.
    fn recovers(&self) -> Result<(), String> {
        let deadline = Instant::now() + self.patience;
        let mut missing = (100..108).collect::<VecDeque<_>>();
        while let Some(number) = missing.front() {
            let health = self.running().objects.store().health();
            let sent = if health == Health::Ready { self.put(*number) } else { Err(ObjectError::StorageFull) };
            match sent {
                Ok(()) => drop(missing.pop_front()),
                Err(ObjectError::StorageFull) if Instant::now() < deadline => std::thread::sleep(PAUSE),
                Err(error) => return Err(format!("{health:?}, {} bytes free: {error}", self.free())),
            }
        }
        for number in (1..self.objects).step_by(4).chain(100..108) {
            if self.get(number)? != body(number) {
                return Err(format!("object {number} has other bytes"));
            }
        }
        Ok(())
    }

    fn get(&self, number: u64) -> Result<Vec<u8>, String> {
        let input = GetInput { bucket: "bucket".into(), key: number.to_string(), ..GetInput::default() };
        block_on(async {
            let mut body = self.running().objects.get_object(input).await.map_err(|error| error.to_string())?.body;
            let mut bytes = Vec::new();
            while let Some(chunk) = body.next().await {
                bytes.extend_from_slice(&chunk.map_err(|error| error.to_string())?);
            }
            Ok(bytes)
        })
    }
}

fn body(number: u64) -> Vec<u8> {
    random(number, MIB as usize)
}

/// Filled, most of it deleted, and restarted at once: the process that comes up saw no deletion.
pub fn restarted_at_once(bugs: Bugs) -> Result<(), String> {
    let mut disk = Disk::new(bugs)?;
    disk.fill()?;
    // No collection may come between the deletion and the end.
    disk.collector = None;
    disk.delete_most()?;
    disk.down();
    disk.up()?;
    disk.recovers()
}

/// Another program takes the rest of the disk, so that nothing can be compacted; then what it took is free again.
pub fn taken_by_another(bugs: Bugs) -> Result<(), String> {
    let mut disk = Disk::new(bugs)?;
    disk.fill()?;
    let taken = disk.free().saturating_sub(MIB);
    disk.machine.vfs.set_free_bytes(MIB);
    disk.delete_most()?;
    // The collector finds that it can do nothing, a few times.
    std::thread::sleep(PAUSE * 20);
    if disk.free() > RESERVE {
        return Err("the scenario does not work: the collector had room".into());
    }
    disk.machine.vfs.set_free_bytes(disk.free() + taken);
    disk.recovers()
}

/// Objects are deleted while slow readers have them; the readers go, and nobody deletes anything any more.
pub fn held_by_readers(bugs: Bugs) -> Result<(), String> {
    let mut disk = Disk::new(bugs)?;
    disk.fill()?;
    let readers: Result<Vec<_>, String> = (0..disk.objects)
        .map(|number| {
            let input = GetInput { bucket: "bucket".into(), key: number.to_string(), ..GetInput::default() };
            block_on(disk.running().objects.get_object(input)).map_err(|error| error.to_string())
        })
        .collect();
    disk.delete_most()?;
    std::thread::sleep(PAUSE * 20);
    let held = disk.free();
    drop(readers?);
    if held > RESERVE {
        return Err("the scenario does not work: nothing was held".into());
    }
    disk.recovers()
}

/// Uploads that are given up leave records behind that nothing refers to: they are collected though nothing was
/// removed, and before the disk is full.
pub fn given_up_uploads(bugs: Bugs) -> Result<(), String> {
    let disk = Disk::new(bugs)?;
    let before = disk.free();
    for number in 0..7 {
        let (bucket, key) = key("wrong");
        // That the digest is wrong turns out at the end, when all windows are appended.
        let expect = Expect { md5: Some("1B2M2Y8AsgTpgAmY7PhCfg==".into()), ..Expect::default() };
        let (body, metadata, conditions) =
            (stream(&random(number, 3 << 20)), Metadata::default(), WriteConditions::default());
        let input = PutInput { bucket, key, body, expect, metadata, conditions };
        if block_on(disk.running().objects.put_object(input)).is_ok() {
            return Err("the scenario does not work: an upload was not refused".into());
        }
    }
    let deadline = Instant::now() + PATIENCE;
    // The last segment is written to and stays.
    while disk.free() + 8 * MIB < before {
        if Instant::now() > deadline {
            return Err(format!(
                "{} of {before} bytes are free {PATIENCE:?} after all uploads were refused",
                disk.free()
            ));
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

#[test]
fn a_full_disk_recovers_when_the_server_is_restarted_after_the_deletions() {
    restarted_at_once(Bugs::default()).unwrap();
}

#[test]
fn a_full_disk_recovers_when_another_program_gives_its_room_back() {
    taken_by_another(Bugs::default()).unwrap();
}

#[test]
fn a_full_disk_recovers_when_slow_readers_of_deleted_objects_are_gone() {
    held_by_readers(Bugs::default()).unwrap();
}

#[test]
fn what_uploads_that_were_given_up_left_is_collected() {
    given_up_uploads(Bugs::default()).unwrap();
}
