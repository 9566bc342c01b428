//! The clients of a run and what they saw.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use deltastore::object::{
    CompleteInput, CompletedPart, CopyInput, CopySource, CreateUploadInput, DeleteInput, DeleteKey, EtagPattern,
    Expect, GetInput, ListInput, MetadataDirective, ObjectError, Objects, PutInput, TaggingDirective, UploadPartInput,
    WriteConditions, format_upload_id,
};
use deltastore::store::{CollectOptions, OptimizeOptions, Policy};
use deltastore_format::Metadata;
use futures::future::{OptionFuture, join};
use futures::{StreamExt, TryStreamExt};
use porcupine_rs::{CheckResult, Operation, check_operations_timeout};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::flips::{Epoch, Flips};
use crate::model::{History, Key, Op, Value};
use crate::world::{BUCKET, body, etag, number_of, upload_etag};

const KEYS: usize = 6;
/// Time for the checker, a key.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is wrong with the clients themselves, to try the checker.
#[derive(Clone, Copy, Default)]
pub struct Faults {
    /// Now and then a read answers with what the client read of the key before.
    pub stale_reads: bool,
    /// Now and then a write is reported that never happened.
    pub lost_writes: bool,
}

/// What all clients saw.
#[derive(Default)]
pub struct Outcome {
    histories: BTreeMap<usize, History>,
    /// Answers that no store may give, whatever the order.
    pub broken: Vec<String>,
    collections: u64,
    dropped: u64,
    optimized: u64,
    rotated: u64,
    /// Calls that were refused because of damage.
    pub refused: u64,
    /// Damaged blobs that a write replaced.
    pub healed: u64,
    /// Writes whose bytes were read right after, with no flip in between.
    pub confirmed: u64,
}

impl Outcome {
    pub fn len(&self) -> usize {
        self.histories.values().map(Vec::len).sum()
    }

    pub fn summary(&self) -> String {
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for operation in self.histories.values().flatten() {
            let name = format!("{:?}", operation.op);
            let end = name.find(|c: char| !c.is_alphabetic()).unwrap_or(name.len());
            *kinds.entry(name[..end].to_owned()).or_default() += 1;
        }
        let Outcome { collections, dropped, optimized, rotated, refused, healed, confirmed, .. } = self;
        format!(
            "{} operations {kinds:?}, {optimized} objects stored anew, {rotated} windows rotated, {collections} collections \
             dropped {dropped} blobs, {refused} calls refused for damage, {healed} blobs healed, {confirmed} writes confirmed after damage",
            self.len()
        )
    }

    /// The last calls of the shortest beginning of a key's history that has no order.
    pub fn first_contradiction(&self) -> String {
        let broken = |history: &History| check_operations_timeout(history, PATIENCE) == CheckResult::Illegal;
        let Some((key, history)) = self.histories.iter().find(|(_, history)| broken(history)) else {
            return String::new();
        };
        let mut ordered = history.clone();
        ordered.sort_by_key(|operation| operation.return_time);
        // Calls that had not returned then may have taken effect: they belong to it.
        let beginning = |ended: usize| -> History {
            let until = ordered[ended - 1].return_time;
            let later = ordered[ended..].iter().filter(|operation| operation.call_time <= until);
            ordered[..ended]
                .iter()
                .chain(later.filter(|operation| !matches!(operation.op, Op::Read(_))))
                .cloned()
                .collect()
        };
        let (mut sound, mut contradictory) = (0, ordered.len());
        while contradictory - sound > 1 {
            let middle = usize::midpoint(sound, contradictory);
            if broken(&beginning(middle)) { contradictory = middle } else { sound = middle }
        }
        let last = beginning(contradictory);
        let lines = last[last.len().saturating_sub(40)..].iter().map(|operation| {
            let Operation { client_id, call_time, return_time, op, .. } = operation;
            format!("{call_time} to {return_time}, client {client_id:?}: {op:?}")
        });
        format!("key {key}:\n{}", lines.collect::<Vec<_>>().join("\n"))
    }

    pub fn check(&self) -> CheckResult {
        let results = self.histories.values().map(|history| check_operations_timeout(history, PATIENCE));
        results.into_iter().find(|result| *result != CheckResult::Ok).unwrap_or(CheckResult::Ok)
    }
}

/// Runs `clients` until `time` is over or each made `most` calls.
pub fn run(objects: &Objects, seed: u64, clients: u32, time: Duration, most: usize, faults: Faults) -> Outcome {
    run_over(objects, seed, clients, (time, most), faults, None)
}

/// As [`run`], while bits flip.
pub fn run_over(
    objects: &Objects,
    seed: u64,
    clients: u32,
    (time, most): (Duration, usize),
    faults: Faults,
    flips: Option<&Flips>,
) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let numbers = Arc::new(AtomicU64::new(1));
    let start = Instant::now();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let collector = scope.spawn(|| collect(objects, &stop));
        let optimizer = scope.spawn(|| optimize(objects, &stop, flips.is_some()));
        let flipper = flips.map(|flips| scope.spawn(|| flips.run(objects, seed, &stop)));
        let tasks: Vec<_> = (0..clients)
            .map(|id| {
                let client = Client {
                    objects: objects.clone(),
                    id,
                    random: StdRng::seed_from_u64(seed ^ u64::from(id) << 32),
                    numbers: Arc::clone(&numbers),
                    start,
                    seen: [None; KEYS],
                    etags: Default::default(),
                    faults,
                    flips: flips.map(Flips::epoch),
                    refused: 0,
                    confirmed: 0,
                    history: Vec::new(),
                    broken: Vec::new(),
                };
                runtime.spawn(client.work(time, most))
            })
            .collect();
        let mut outcome = Outcome::default();
        for task in tasks {
            let client = runtime.block_on(task).unwrap();
            outcome.refused += client.refused;
            outcome.confirmed += client.confirmed;
            for (key, operation) in client.history {
                outcome.histories.entry(key).or_default().push(operation);
            }
            outcome.broken.extend(client.broken);
        }
        outcome.healed = objects.store().damage_counts().healed_blobs;
        stop.store(true, Ordering::Relaxed);
        if let Some(flipper) = flipper {
            flipper.join().unwrap();
        }
        match collector.join().unwrap() {
            Ok((collections, dropped)) => (outcome.collections, outcome.dropped) = (collections, dropped),
            Err(error) => outcome.broken.push(error),
        }
        match optimizer.join().unwrap() {
            Ok((optimized, rotated)) => (outcome.optimized, outcome.rotated) = (optimized, rotated),
            Err(error) => outcome.broken.push(error),
        }
        outcome
    })
}

fn optimize(objects: &Objects, stop: &AtomicBool, damaged: bool) -> Result<(u64, u64), String> {
    let (mut optimized, mut rotated) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        for policy in [Policy::Fast, Policy::Fast, Policy::Fast, Policy::Balanced] {
            let options = OptimizeOptions { policy: Some(policy), threads: 1, ..OptimizeOptions::default() };
            let done = objects.store().optimize(&options, stop, &mut |_| ());
            let done = done.map_err(|error| format!("optimize: {error}"))?;
            if done.damaged > 0 && !damaged {
                return Err(format!("optimize: {done:?}"));
            }
            optimized += done.objects;
            rotated += done.rebased;
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    Ok((optimized, rotated))
}

fn collect(objects: &Objects, stop: &AtomicBool) -> Result<(u64, u64), String> {
    let (mut collections, mut dropped) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        let done = objects.store().collect(CollectOptions::THOROUGH, &mut |_| ());
        dropped += done.map_err(|error| format!("collect: {error}"))?.blobs;
        collections += 1;
        std::thread::sleep(Duration::from_millis(3));
    }
    Ok((collections, dropped))
}

struct Client {
    objects: Objects,
    id: u32,
    random: StdRng,
    numbers: Arc<AtomicU64>,
    start: Instant,
    /// What this client read of each key last.
    seen: [Option<Option<Value>>; KEYS],
    etags: [Option<String>; KEYS],
    faults: Faults,
    /// Changes with each flip; none when nothing flips.
    flips: Option<Epoch>,
    refused: u64,
    confirmed: u64,
    history: Vec<(usize, Operation<Key>)>,
    broken: Vec<String>,
}

impl Client {
    async fn work(mut self, time: Duration, most: usize) -> Self {
        for _ in 0..most {
            if self.start.elapsed() > time || !self.broken.is_empty() {
                break;
            }
            if self.flips.is_some() && self.random.random_ratio(1, 4) {
                self.confirm().await;
            }
            let key = self.random.random_range(0..KEYS);
            match self.random.random_range(0..100) {
                0..20 => self.put(key).await,
                20..30 => self.put_if(key, true).await,
                30..45 => self.put_if(key, false).await,
                45..53 => self.delete(key).await,
                53..73 => self.get(key).await,
                73..81 => self.head(key),
                81..87 => self.copy(key).await,
                87..94 => self.multipart(key).await,
                _ => self.list().await,
            }
        }
        self
    }

    fn now(&self) -> i64 {
        self.start.elapsed().as_nanos() as i64
    }

    fn saw(&mut self, key: usize, called: i64, op: Op) {
        let returned = self.now();
        self.saw_until(key, called, returned, op);
    }

    fn saw_until(&mut self, key: usize, call_time: i64, return_time: i64, op: Op) {
        let operation = Operation { client_id: Some(self.id), call_time, return_time, op, metadata: None };
        self.history.push((key, operation));
    }

    fn broke(&mut self, what: &str, error: &dyn std::fmt::Debug) {
        self.broken.push(format!("{what}: {error:?}"));
    }

    /// Damage may keep things from being read, never from being written.
    fn refused(&mut self, what: &str, error: &ObjectError) {
        match self.flips {
            Some(_) if error.status() == 500 => self.refused += 1,
            _ => self.broke(what, error),
        }
    }

    /// Puts bytes that others have too under a key of its own, and reads them: without a flip in between they are
    /// there.
    async fn confirm(&mut self) {
        let Some(epoch) = self.flips.clone() else { return };
        let last = self.numbers.load(Ordering::Relaxed);
        let bytes = body(self.random.random_range(1..=last));
        let name = format!("own/{}", self.id);
        let before = epoch.now();
        let input = PutInput { key: name.clone(), ..self.input(0, &bytes, WriteConditions::default()) };
        if let Err(error) = self.objects.put_object(input).await {
            return self.broke("put of its own", &error);
        }
        let found = async {
            let input = GetInput { bucket: BUCKET.into(), key: name, ..GetInput::default() };
            let output = self.objects.get_object(input).await.map_err(|error| error.to_string())?;
            let chunks: Vec<Bytes> = output.body.try_collect().await.map_err(|error| error.to_string())?;
            Ok::<_, String>(chunks.concat())
        };
        let found = found.await;
        if epoch.now() != before || !Epoch::is_calm(before) {
            return;
        }
        match found {
            Ok(found) if found == bytes => self.confirmed += 1,
            Ok(_) => self.broke("get of its own", &"other bytes"),
            Err(error) => self.broke("get of what was just acknowledged", &error),
        }
    }

    fn next_body(&self) -> Vec<u8> {
        body(self.numbers.fetch_add(1, Ordering::Relaxed))
    }

    fn input(&self, key: usize, bytes: &[u8], conditions: WriteConditions) -> PutInput {
        PutInput {
            bucket: BUCKET.into(),
            key: name(key),
            body: stream(bytes),
            expect: Expect::default(),
            metadata: Metadata::default(),
            conditions,
        }
    }

    async fn put(&mut self, key: usize) {
        let bytes = self.next_body();
        let called = self.now();
        let lost = self.faults.lost_writes && self.random.random_ratio(1, 10);
        if !lost {
            let input = self.input(key, &bytes, WriteConditions::default());
            if let Err(error) = self.objects.put_object(input).await {
                return self.broke("put", &error);
            }
        }
        self.saw(key, called, Op::Put(value(&etag(&bytes))));
    }

    /// With `If-None-Match: *`, or with `If-Match` and what this client saw last.
    async fn put_if(&mut self, key: usize, absent: bool) {
        let bytes = self.next_body();
        let new = value(&etag(&bytes));
        let old = self.etags[key].clone();
        let conditions = match (&old, absent) {
            (Some(old), false) => {
                WriteConditions { if_match: Some(EtagPattern::Etags(vec![old.clone()])), if_none_match: None }
            }
            _ => WriteConditions { if_match: None, if_none_match: Some(EtagPattern::Any) },
        };
        let matching = conditions.if_match.as_ref().and(old.as_deref()).map(value);
        let called = self.now();
        let result = self.objects.put_object(self.input(key, &bytes, conditions)).await;
        let op = match (result, matching) {
            (Ok(_), None) => Op::PutNew(new),
            (Ok(_), Some(old)) => Op::Swap { old, new },
            (Err(ObjectError::PreconditionFailed { .. }), None) => Op::Exists,
            (Err(ObjectError::PreconditionFailed { .. }), Some(old)) => Op::Differs(old),
            (Err(ObjectError::NoSuchKey { .. }), Some(_)) => Op::Read(None),
            (Err(error), _) => return self.broke("conditional put", &error),
        };
        self.saw(key, called, op);
    }

    async fn delete(&mut self, key: usize) {
        let called = self.now();
        let input = DeleteInput { bucket: BUCKET.into(), key: DeleteKey { key: name(key), ..DeleteKey::default() } };
        match self.objects.delete_object(input).await {
            Ok(()) => self.saw(key, called, Op::Delete),
            Err(error) => self.broke("delete", &error),
        }
    }

    async fn get(&mut self, key: usize) {
        let called = self.now();
        let output = match self.objects.get_object(get_input(key)).await {
            Ok(output) => output,
            Err(ObjectError::NoSuchKey { .. }) => return self.read(key, called, None),
            Err(error) => return self.refused("get", &error),
        };
        let found = output.head.version.etag.clone();
        match output.body.try_collect::<Vec<Bytes>>().await {
            Ok(chunks) => {
                let bytes = chunks.concat();
                let right = number_of(&bytes).is_some() && (found == etag(&bytes) || found == upload_etag(&bytes));
                if !right {
                    return self.broke("get", &format!("{} bytes that are not of {found}", bytes.len()));
                }
                self.read(key, called, Some(found));
            }
            Err(_) if self.flips.is_some() => self.refused += 1,
            Err(error) => self.broke("get, body", &error),
        }
    }

    fn head(&mut self, key: usize) {
        let called = self.now();
        match self.objects.head_object(&get_input(key)) {
            Ok(head) => self.read(key, called, Some(head.version.etag)),
            Err(ObjectError::NoSuchKey { .. }) => self.read(key, called, None),
            Err(error) => self.broke("head", &error),
        }
    }

    fn read(&mut self, key: usize, called: i64, found: Option<String>) {
        let mut answer = found.as_deref().map(value);
        if let Some(seen) = self.seen[key]
            && self.faults.stale_reads
            && self.random.random_ratio(1, 5)
        {
            answer = seen;
        }
        self.seen[key] = Some(answer);
        self.etags[key] = found;
        self.saw(key, called, Op::Read(answer));
    }

    async fn copy(&mut self, from: usize) {
        let to = (from + self.random.random_range(1..KEYS)) % KEYS;
        let input = CopyInput {
            source: CopySource { bucket: BUCKET.into(), key: name(from), ..CopySource::default() },
            bucket: BUCKET.into(),
            key: name(to),
            metadata: MetadataDirective::Copy,
            tagging: TaggingDirective::Copy,
            storage_class: None,
            website_redirect: None,
            checksum: None,
            conditions: WriteConditions::default(),
        };
        let called = self.now();
        match self.objects.copy_object(input).await {
            Ok(put) => {
                let copied = value(&put.etag);
                self.saw(from, called, Op::Read(Some(copied)));
                self.saw(to, called, Op::Put(copied));
            }
            Err(ObjectError::NoSuchKey { .. }) => self.saw(from, called, Op::Read(None)),
            // Its source changed too often.
            Err(ObjectError::OperationAborted) => {}
            Err(error) => self.refused("copy", &error),
        }
    }

    async fn multipart(&mut self, key: usize) {
        let bytes = self.next_body();
        let input = CreateUploadInput { bucket: BUCKET.into(), key: name(key), ..CreateUploadInput::default() };
        let upload_id = match self.objects.create_upload(input).await {
            Ok(put) => format_upload_id(put.upload),
            Err(error) => return self.broke("create upload", &error),
        };
        let input = UploadPartInput {
            bucket: BUCKET.into(),
            key: name(key),
            upload_id: upload_id.clone(),
            number: 1,
            body: stream(&bytes),
            expect: Expect::default(),
        };
        let part = match self.objects.upload_part(input).await {
            Ok(part) => part.put,
            Err(error) => return self.broke("upload part", &error),
        };
        if self.random.random_ratio(1, 6) {
            if let Err(error) = self.objects.abort_upload(BUCKET, &name(key), &upload_id).await {
                self.broke("abort", &error);
            }
            return;
        }
        let input = CompleteInput {
            bucket: BUCKET.into(),
            key: name(key),
            upload_id,
            parts: vec![CompletedPart { number: 1, etag: part.etag, checksum: None }],
            checksum: None,
            composite: None,
            object_size: None,
            conditions: WriteConditions::default(),
        };
        // An SDK sends it again when no answer comes; the first may still be under way.
        let again = self.random.random_bool(0.5).then(|| self.objects.complete_upload(input.clone()));
        let called = self.now();
        let both = join(self.objects.complete_upload(input), OptionFuture::from(again)).await;
        match both {
            (Ok(one), Some(Ok(other))) if one.version != other.version => {
                self.broke("complete", &ObjectError::Internal("one upload was completed to two versions".into()));
            }
            // Of two, the later finds nothing where the object was replaced in between.
            (Ok(_), None | Some(Ok(_) | Err(ObjectError::NoSuchUpload { .. })))
            | (Err(ObjectError::NoSuchUpload { .. }), Some(Ok(_))) => {
                self.saw(key, called, Op::Put(value(&upload_etag(&bytes))));
            }
            // One was completed, and what it names was damaged before the other looked.
            (Ok(_), Some(Err(error))) | (Err(error), Some(Ok(_))) => {
                self.saw(key, called, Op::Put(value(&upload_etag(&bytes))));
                self.refused("complete", &error);
            }
            (Err(error), _) => self.refused("complete", &error),
        }
    }

    /// A list shows each key as it was at some moment of the call.
    async fn list(&mut self) {
        let called = self.now();
        let input = ListInput { bucket: BUCKET.into(), ..ListInput::default() };
        let page = match self.objects.list_objects(input).await {
            Ok(page) => page,
            Err(error) => return self.broke("list", &error),
        };
        let returned = self.now();
        let names: Vec<_> = page.objects.iter().map(|put| put.key.clone()).collect();
        if !names.is_sorted_by(|a, b| a < b) {
            return self.broke("list", &names);
        }
        for key in 0..KEYS {
            let found = page.objects.iter().find(|put| put.key == name(key)).map(|put| value(&put.etag));
            self.saw_until(key, called, returned, Op::Read(found));
        }
    }
}

fn get_input(key: usize) -> GetInput {
    GetInput { bucket: BUCKET.into(), key: name(key), ..GetInput::default() }
}

fn name(key: usize) -> String {
    format!("folder/key-{key}")
}

fn value(etag: &str) -> Value {
    let mut hasher = DefaultHasher::new();
    etag.hash(&mut hasher);
    hasher.finish()
}

pub fn stream(body: &[u8]) -> deltastore::object::Body {
    let chunks: Vec<_> = body.chunks(8 << 10).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    futures::stream::iter(chunks).boxed()
}
