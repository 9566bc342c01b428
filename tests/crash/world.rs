//! A client that runs random requests against a store, keeps account of what must be there, and survives its crashes.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use deltastore::object::{GetInput, ListInput, ObjectError, Objects};
use deltastore::store::bugs::Bugs;
use deltastore::store::{CollectOptions, OptimizeOptions, OptimizeReport, Policy, StoreError};
use deltastore_segment::vfs::{Clock, CrashMode};
use futures::TryStreamExt;
use futures::executor::block_on;
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use crate::disk::{Machine, Running};
use crate::plan::{Bodies, Plan};
use crate::state::{Change, State};

/// A request as the disk's time saw it.
pub struct Event {
    /// Calls of the disk when it was sent.
    pub start: usize,
    /// Calls of the disk when it was answered.
    pub answered: usize,
    /// Calls of the disk when its outcome was certain.
    pub end: usize,
    pub changes: Vec<Change>,
    pub applied: bool,
}

pub struct World {
    pub machine: Machine,
    pub running: Option<Running>,
    /// What is there for certain.
    pub state: State,
    pub events: Vec<Event>,
    pub rng: StdRng,
    /// For what no client can ask for.
    pub inner: StdRng,
    pub bodies: Bodies,
    /// Requests in one round at most.
    pub parallel: usize,
    /// Appends may fail for want of space.
    pub full: bool,
    /// A sync may fail: nothing but a power loss comes after it.
    pub broken: bool,
    /// The highest sequence number seen.
    pub highest: u64,
    /// Uploads in parts that were expanded as a whole.
    pub joined: u64,
    /// Windows that were given another form, to be rid of references.
    pub rotated: u64,
    /// Windows and nodes that were given parity.
    pub parity: u64,
    log: Vec<String>,
}

impl World {
    /// A world with a store and one bucket.
    pub fn new(seed: u64, bugs: Bugs) -> Result<Self, String> {
        Self::on(Machine::new(bugs), seed)
    }

    pub fn on(machine: Machine, seed: u64) -> Result<Self, String> {
        let mut rng = StdRng::seed_from_u64(seed);
        let running = machine.start(0, rng.random()).map_err(|error| error.to_string())?;
        let mut world = Self {
            machine,
            running: Some(running),
            state: State::default(),
            events: Vec::new(),
            rng,
            inner: StdRng::seed_from_u64(seed ^ 0xd0c5),
            bodies: Bodies::new(3000),
            parallel: 3,
            full: false,
            broken: false,
            joined: 0,
            rotated: 0,
            parity: 0,
            highest: 0,
            log: Vec::new(),
        };
        world.round(vec![Plan::create_bucket("bucket")])?;
        Ok(world)
    }

    pub fn objects(&self) -> &Objects {
        &self.running.as_ref().expect("a process runs").objects
    }

    /// The last steps, for a failure's message.
    pub fn story(&self) -> String {
        self.log[self.log.len().saturating_sub(25)..].join("\n  ")
    }

    pub fn note(&mut self, line: String) {
        self.log.push(format!("@{} {line}", self.machine.vfs.journal_len()));
    }

    /// Plans of requests that have nothing to do with each other.
    pub fn plans(&mut self) -> Vec<Plan> {
        let mut plans: Vec<Plan> = Vec::new();
        for _ in 0..self.rng.random_range(1..=self.parallel) {
            let plan = Plan::random(&self.state, &mut self.rng, &mut self.bodies);
            let alone = |plan: &Plan| plan.touches.iter().any(|touch| touch == "all");
            let conflict = |other: &Plan| other.touches.iter().any(|touch| plan.touches.contains(touch));
            if plans.iter().any(conflict) || (alone(&plan) && !plans.is_empty()) || plans.iter().any(alone) {
                continue;
            }
            plans.push(plan);
        }
        // From a source of chance of its own, so that the rest of a life does not depend on it.
        if self.inner.random_bool(0.3)
            && let Some(plan) = Plan::inner(&self.state, &mut self.inner)
            && plans.iter().all(|other| other.touches.iter().all(|touch| touch != "all" && *touch != plan.touches[0]))
        {
            plans.push(plan);
        }
        plans
    }

    /// Sends requests at the same time and waits for all.
    pub fn round(&mut self, plans: Vec<Plan>) -> Result<(), String> {
        for plan in &plans {
            self.note(brief(&format!("{:?}", plan.request)));
        }
        let objects = self.objects().clone();
        let vfs = self.machine.vfs.clone();
        let sent = plans.into_iter().map(|plan| {
            let (objects, vfs) = (objects.clone(), vfs.clone());
            async move {
                let start = vfs.journal_len();
                let result = plan.request.clone().send(&objects).await;
                (start, vfs.journal_len(), plan, result)
            }
        });
        let done = block_on(join_all(sent));
        drop(objects);
        done.into_iter().try_for_each(|(start, end, plan, result)| self.account(start, end, plan, result))
    }

    /// Books an outcome.
    pub fn account(
        &mut self,
        start: usize,
        end: usize,
        plan: Plan,
        result: Result<crate::plan::Answer, ObjectError>,
    ) -> Result<(), String> {
        let Plan { request, mut changes, etag, refused, .. } = plan;
        let dead = self.running.as_ref().is_none_or(|running| running.process.is_dead());
        match result {
            Ok(answer) => {
                if let Some(code) = refused {
                    return Err(format!("{} must be refused with {code}", brief(&format!("{request:?}"))));
                }
                if etag.is_some() && etag != answer.etag {
                    return Err(format!("{request:?} answered the ETag {:?}, expected {etag:?}", answer.etag));
                }
                if let (Some(upload), [Change::AnyUpload(key)]) = (answer.upload, &changes[..]) {
                    changes = vec![Change::Upload(upload, Some(key.clone()))];
                }
                if let Some(sequence) = answer.sequence {
                    if self.highest >= sequence && self.parallel == 1 {
                        return Err(format!("sequence number {sequence} after {}", self.highest));
                    }
                    self.highest = self.highest.max(sequence);
                }
                // What was refused for want of space before this was sent can come back no more, if this needed a sync.
                // What was refused meanwhile can: its bytes may have been cut off after that sync.
                let synced = !self.state.agrees(&changes) && !self.broken && !dead;
                let refused = |event: &&mut Event| event.end == usize::MAX && !event.applied && event.answered <= start;
                self.events.iter_mut().filter(refused).filter(|_| synced).for_each(|event| event.end = end);
                self.state.apply(&changes);
                self.events.push(Event { start, answered: end, end, changes, applied: true });
            }
            Err(error) if refused == Some(error.code()) => {}
            Err(error) if dead || self.broken || (self.full && error == ObjectError::StorageFull) => {
                self.note(format!("failed: {error}"));
                self.events.push(Event { start, answered: end, end: usize::MAX, changes, applied: false });
            }
            Err(error) => return Err(format!("{} failed: {error}", brief(&format!("{request:?}")))),
        }
        Ok(())
    }

    /// One random step of a client's life.
    pub fn step(&mut self) -> Result<(), String> {
        match self.rng.random_range(0..100) {
            0..72 => {
                let plans = self.plans();
                self.round(plans)
            }
            72..81 => self.optimize(),
            81..90 => self.collect(),
            90..95 => self.get(),
            _ => self.list(),
        }
    }

    /// The index takes no write for a moment: requests wait for it, and what they answer is to be seen at once.
    pub fn index_refuses(&mut self) -> Result<(), String> {
        let refused = self.rng.random_range(1..3);
        self.note(format!("the index refuses {refused} writes"));
        let process = Arc::clone(&self.running.as_ref().expect("a process runs").process);
        process.index_refuses(refused);
        let plans = self.plans();
        self.round(plans)?;
        process.index_refuses(0);
        let found = State::read(self.objects().store())?;
        self.state.difference(&found).map_or(Ok(()), Err)
    }

    /// Somebody sets the machine's clock, forward or back, by hours or years.
    pub fn set_clock(&mut self) {
        let by = *[1, 24, 24 * 365, 24 * 365 * 10].choose(&mut self.rng).expect("not empty") * 3_600_000;
        let now = self.machine.clock.now_ms();
        let then = if self.rng.random_bool(0.5) { now + by } else { now.saturating_sub(by) };
        self.note(format!("the clock is set from {now} to {then}"));
        self.machine.clock.set(then);
    }

    pub fn collect(&mut self) -> Result<(), String> {
        let min_dead = *[0.02, 0.02, 0.3, 0.6].choose(&mut self.rng).expect("not empty");
        self.note(format!("collect {min_dead}"));
        let options = CollectOptions { min_dead, seal_active: self.rng.random_bool(0.7) };
        let result = self.objects().store().collect(options, &mut |_| ());
        let dead = self.running.as_ref().is_none_or(|running| running.process.is_dead());
        match result {
            Ok(report) if report.damaged_segments > 0 => Err("a collection met damage".into()),
            Err(error) if !dead && !self.broken && !self.full => Err(format!("collect failed: {error}")),
            _ => Ok(()),
        }
    }

    /// Stores objects anew, and often collects what that leaves behind.
    pub fn optimize(&mut self) -> Result<(), String> {
        let policy = [None, Some(Policy::Fast), Some(Policy::Balanced), Some(Policy::Max)];
        let options = OptimizeOptions {
            bucket: self.rng.random_bool(0.3).then(|| "bucket".to_owned()),
            policy: *policy.choose(&mut self.rng).expect("not empty"),
            threads: self.rng.random_range(1..3),
            ..OptimizeOptions::default()
        };
        self.note(format!("join, optimize {:?} {:?}", options.bucket, options.policy));
        let (store, stop) = (self.objects().store().clone(), AtomicBool::new(false));
        let joined = store.rewrite_waiting(&stop);
        self.joined += joined.as_ref().map_or(0, |report| report.objects);
        self.stored_anew(joined)?;
        let optimized = store.optimize(&options, &stop, &mut |_| ());
        self.rotated += optimized.as_ref().map_or(0, |report| report.rebased);
        self.parity += optimized.as_ref().map_or(0, |report| report.parity);
        self.stored_anew(optimized)?;
        drop(store);
        if self.rng.random_bool(0.6) { self.collect() } else { Ok(()) }
    }

    fn stored_anew(&self, result: Result<OptimizeReport, StoreError>) -> Result<(), String> {
        let dead = self.running.as_ref().is_none_or(|running| running.process.is_dead());
        match result {
            Ok(report) if report.damaged > 0 && !dead => Err(format!("storing anew met damage: {report:?}")),
            Err(error) if !dead && !self.broken && !self.full => Err(format!("storing anew failed: {error}")),
            _ => Ok(()),
        }
    }

    /// Reads a range of an object.
    fn get(&mut self) -> Result<(), String> {
        use deltastore::object::ByteRange;
        let keys: Vec<_> = self.state.objects.keys().cloned().collect();
        let Some(key) = keys.choose(&mut self.rng) else { return Ok(()) };
        let body = &self.state.objects[key].body;
        let len = body.len() as u64;
        let (range, expected) = match self.rng.random_range(0..4) {
            _ if len == 0 => (None, 0..0),
            0 => (None, 0..len),
            1 => {
                let from = self.rng.random_range(0..len);
                (Some(ByteRange::From(from)), from..len)
            }
            2 => {
                let suffix = self.rng.random_range(1..=len + 5);
                (Some(ByteRange::Suffix(suffix)), len.saturating_sub(suffix)..len)
            }
            _ => {
                let from = self.rng.random_range(0..len);
                let last = self.rng.random_range(from..len + 10);
                (Some(ByteRange::Span(from, last)), from..(last + 1).min(len))
            }
        };
        let input = GetInput { bucket: key.0.clone(), key: key.1.clone(), range, ..GetInput::default() };
        let objects = self.running.as_ref().expect("a process runs").objects.clone();
        let found = block_on(async {
            let output = objects.get_object(input).await.map_err(|error| error.to_string())?;
            let chunks: Vec<bytes::Bytes> = output.body.try_collect().await.map_err(|error| error.to_string())?;
            Ok::<_, String>(chunks.concat())
        })
        .map_err(|error| format!("GET of {key:?} failed: {error}"))?;
        match found == body[expected.start as usize..expected.end as usize] {
            true => Ok(()),
            false => Err(format!("GET of {key:?} {range:?} gave other bytes")),
        }
    }

    /// Lists with random prefix, delimiter and page size, against the same done by hand.
    fn list(&mut self) -> Result<(), String> {
        let prefix = *["", "d", "dir/", "dir/s", "zz"].choose(&mut self.rng).expect("not empty");
        let delimiter = *["", "/", "i"].choose(&mut self.rng).expect("not empty");
        let mut expected: Vec<String> = Vec::new();
        for (_, name) in self.state.objects.keys().filter(|key| key.0 == "bucket" && key.1.starts_with(prefix)) {
            let rest = &name[prefix.len()..];
            let end = if delimiter.is_empty() { None } else { rest.find(delimiter) };
            let entry = end.map_or(name.clone(), |at| name[..prefix.len() + at + delimiter.len()].to_owned());
            if expected.last() != Some(&entry) {
                expected.push(entry);
            }
        }
        let mut input = ListInput {
            bucket: "bucket".into(),
            prefix: prefix.into(),
            delimiter: delimiter.into(),
            max_keys: Some(self.rng.random_range(1..4)),
            ..ListInput::default()
        };
        let mut found = Vec::new();
        loop {
            let page = block_on(self.objects().list_objects(input.clone())).map_err(|error| error.to_string())?;
            let mut entries: Vec<_> = page.objects.into_iter().map(|put| put.key).chain(page.prefixes).collect();
            entries.sort_unstable();
            found.extend(entries);
            match page.next_token.filter(|_| page.truncated) {
                Some(token) => input.token = Some(token),
                None => break,
            }
        }
        match found == expected {
            true => Ok(()),
            false => Err(format!("listing {prefix:?} by {delimiter:?} gave {found:?}, expected {expected:?}")),
        }
    }

    /// Ends the process in good order.
    pub fn close(&mut self) {
        self.running = None;
    }

    /// Ends the process at once; the disk goes on.
    pub fn kill(&mut self) {
        self.note("kill".into());
        if let Some(running) = self.running.take() {
            running.process.kill();
        }
    }

    /// The power goes, at once and for the whole machine.
    pub fn power_loss(&mut self) -> Result<(), String> {
        let at = self.machine.vfs.journal_len();
        let mode = *CrashMode::ALL.choose(&mut self.rng).expect("not empty");
        let index = self.rng.random_range(0..4);
        let seed = self.rng.random();
        self.note(format!("power loss {mode:?}, index {index} back"));
        self.kill();
        self.machine = self.machine.power_loss(at, seed, mode, index);
        self.broken = false;
        // Numbers may be used again once every trace of their first use is gone, and the index too.
        self.highest = 0;
        self.up()
    }

    /// Starts a process and holds what it finds against what may be there. The disk's planned faults end before:
    /// `starts` has those that a start meets.
    pub fn up(&mut self) -> Result<(), String> {
        self.machine.vfs.clear_faults();
        let (back, seed) = (self.rng.random_range(0..3), self.rng.random());
        let running = self.machine.start(back, seed).map_err(|error| format!("the store does not open: {error}"))?;
        let found = inspect(&running)?;
        self.running = Some(running);
        let open: Vec<_> = self.events.iter().filter(|event| event.end == usize::MAX).collect();
        let changes: Vec<_> = open.iter().map(|event| &event.changes[..]).collect();
        let applied = self.state.settle(&changes, &found)?;
        let end = self.machine.vfs.journal_len();
        let unsure = self.events.iter_mut().filter(|event| event.end == usize::MAX);
        for (event, applied) in unsure.zip(applied) {
            event.end = end;
            event.applied = applied;
            if let [Change::AnyUpload(key)] = &event.changes[..] {
                let mut new =
                    found.uploads.iter().filter(|(id, at)| *at == key && !self.state.uploads.contains_key(*id));
                if let Some((id, key)) = new.next() {
                    event.changes = vec![Change::Upload(*id, Some(key.clone()))];
                }
            }
        }
        self.state = found;
        self.note("up".into());
        Ok(())
    }

    /// Holds everything against the account: what is read, fsck, and an index that is rebuilt from the segments.
    pub fn check_all(&mut self) -> Result<(), String> {
        let running = self.running.as_ref().ok_or("no process runs")?;
        let found = inspect(running)?;
        if let Some(difference) = self.state.difference(&found) {
            return Err(difference);
        }
        let stats = running.objects.store().stats().map_err(|error| error.to_string())?;
        let logical: u64 = self.state.objects.values().map(|object| object.body.len() as u64).sum();
        if stats.total.objects != self.state.objects.len() as u64 || stats.total.logical_bytes != logical {
            return Err(format!("stats count {:?}", stats.total));
        }
        if stats.total.stored_bytes + stats.uploads.stored_bytes + stats.garbage_bytes > stats.segment_bytes {
            return Err(format!("stats count more than there is: {stats:?}"));
        }
        self.close();
        let index = self.machine.rebuilt()?;
        let seed = self.rng.random();
        let running = self.machine.start_with(index, seed).map_err(|error| format!("after rebuild-index: {error}"))?;
        let found = inspect(&running).map_err(|error| format!("after rebuild-index: {error}"))?;
        self.running = Some(running);
        match self.state.difference(&found) {
            Some(difference) => Err(format!("after rebuild-index: {difference}")),
            None => Ok(()),
        }
    }
}

/// Reads everything and checks that nothing is wrong with the store.
pub fn inspect(running: &Running) -> Result<State, String> {
    let store = running.objects.store();
    if let Some(damage) = store.damage().first() {
        return Err(format!("recovery met damage: {damage}"));
    }
    let found = State::read(store)?;
    let report = store.fsck(&mut |_| ()).map_err(|error| format!("fsck failed: {error}"))?;
    match report.problems.first() {
        Some(problem) => Err(format!("fsck: {problem}")),
        None => Ok(found),
    }
}

fn brief(text: &str) -> String {
    let mut text = text.to_owned();
    while let Some(from) = text.find("body: [") {
        let Some(len) = text[from..].find(']') else { break };
        let bytes = text[from..from + len].matches(',').count() + 1;
        text.replace_range(from..=from + len, &format!("body of {bytes}"));
    }
    text
}

/// A number from the environment.
pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Work that two threads share: each number of a range once; the first failure ends it.
pub fn in_parallel(
    numbers: std::ops::Range<u64>,
    work: impl Fn(u64) -> Result<(), String> + Sync,
) -> Result<(), String> {
    use std::sync::atomic::{AtomicU64, Ordering};
    let next = AtomicU64::new(numbers.start);
    let failure: Arc<parking_lot::Mutex<Option<String>>> = Arc::default();
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while failure.lock().is_none() {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= numbers.end {
                        break;
                    }
                    if let Err(error) = work(number) {
                        failure.lock().get_or_insert(error);
                    }
                }
            });
        }
    });
    let failure = failure.lock().take();
    failure.map_or(Ok(()), Err)
}
