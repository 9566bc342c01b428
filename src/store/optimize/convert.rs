//! One object's new form: made, read back, and put in the old one's place.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use deltastore_format::{Entry, Hash, Op, Recipe};
use sha2::{Digest, Sha256};

use super::form::Form;
use super::progress::{OptimizeProgress, Step};
use super::turns::Turns;
use crate::delta::CutWindow;
use crate::index::{IndexError, VersionRow};
use crate::store::bugs::Bug;
use crate::store::fetch::Keep;
use crate::store::ingest::{Gear, OwnSketches, Prepared, State};
use crate::store::intake::{Piece, Strand, Taken};
use crate::store::{Assembly, CommitError, Content, Space, Store, StoreError, Touch, Walk, Worker};

type Job = (u64, Strand, CutWindow);
type Done = (u64, Strand, Result<Prepared, StoreError>);

/// What a recipe makes, in a new form; all of it is in the log and was compared with the old.
pub fn convert(
    store: &Store,
    recipe: &Recipe,
    space: Space,
    form: &Form,
    threads: usize,
    keep: Keep,
    (stop, progress): (&AtomicBool, &OptimizeProgress),
) -> Result<Content, StoreError> {
    let _pins = store.pin_recipe(recipe);
    let (mut assembly, digest) = encode(store, recipe, space, form, threads, (stop, progress))?;
    if store.bugs().has(Bug::OptimizeSwapsEntries) || store.bugs().has(Bug::OptimizeWithoutComparison) {
        assembly.swap_entries();
    }
    let mut content = store.finish(assembly)?;
    if store.bugs().has(Bug::OptimizeCommitsBeforeWindows) {
        return Ok(content);
    }
    store.append_unwritten(&mut content)?;
    if !store.bugs().has(Bug::OptimizeWithoutComparison)
        && read_back(store, content.recipe(), threads, keep, (stop, progress))? != digest
    {
        return Err(StoreError::Incomplete { needed: recipe.len(), found: content.size() });
    }
    if store.bugs().has(Bug::OptimizeDropsPins) {
        content.pins.clear();
        std::thread::sleep(std::time::Duration::from_millis(3));
    }
    Ok(content)
}

/// Replaces the recipe of a version, unless the version was changed or removed meanwhile: then false.
pub fn replace(store: &Store, row: VersionRow, content: Content, form: &Form) -> Result<bool, StoreError> {
    let touches = vec![Touch::Key(row.put.bucket, row.put.key.clone())];
    let (recipe, stored_bytes) = (content.recipe().clone(), content.stored_bytes());
    let (storage_type, optimized) = (content.storage_type(), form.cold);
    let (sender, answer) = bounded(1);
    let evaluate = move |tx: &mut crate::store::Transaction<'_>| -> Result<bool, IndexError> {
        let Some(now) = tx.index().version(row.put.bucket, &row.put.key, row.put.version)? else { return Ok(false) };
        if now.put.recipe != row.put.recipe || now.put.optimized {
            return Ok(false);
        }
        let prior = now.holders();
        let mut put = now.put;
        (put.recipe, put.stored_bytes, put.storage_type, put.optimized) =
            (recipe, stored_bytes, storage_type, optimized);
        tx.replace(Op::put(put, prior));
        Ok(true)
    };
    store.transact(touches, vec![content], evaluate, move |result| drop(sender.send(result)));
    match answer.recv().unwrap_or(Err(CommitError::Closed)) {
        Ok(replaced) => Ok(replaced),
        Err(CommitError::Refused(error) | CommitError::Index(error)) => Err(error.into()),
        Err(CommitError::Full) => Err(StoreError::Full),
        Err(CommitError::ReadOnly(reason)) => Err(StoreError::ReadOnly(reason)),
        Err(CommitError::Closed) => Err(StoreError::ReadOnly("closing".into())),
    }
}

/// The new form, windows appended, and the SHA-256 of what it must make.
fn encode(
    store: &Store,
    recipe: &Recipe,
    space: Space,
    form: &Form,
    threads: usize,
    (stop, progress): (&AtomicBool, &OptimizeProgress),
) -> Result<(Assembly, Hash), StoreError> {
    let (own, turns) = (OwnSketches::new(&form.effort), Turns::default());
    let (jobs, waiting) = bounded::<Job>(threads);
    let (finished, results) = unbounded::<Done>();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (waiting, finished) = (waiting.clone(), finished.clone());
            let gear = Gear { effort: form.effort, own: Some(&own), cold: form.cold, rotation: None };
            let turns = &turns;
            scope.spawn(move || encode_windows(store, space, &gear, turns, (&waiting, &finished), stop));
        }
        drop((waiting, finished));
        read_through(store, recipe, (space, form), jobs, &results, (stop, progress))
    })
}

fn numbered((number, _, window): &Job) -> (u64, &[u64]) {
    (*number, &window.features)
}

fn encode_windows(
    store: &Store,
    space: Space,
    gear: &Gear<'_>,
    turns: &Turns,
    (waiting, finished): (&Receiver<Job>, &Sender<Done>),
    stop: &AtomicBool,
) {
    let mut worker = Worker::new();
    while let Some(((number, strand, window), _turn)) = turns.next(waiting, numbered) {
        // The one that is encoded is finished; those that wait for it are not worth the time.
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let prepared = store.prepare(&mut worker, space, gear, window).and_then(|mut prepared| {
            prepared.state = match prepared.state {
                State::New(blob) if !store.bugs().has(Bug::OptimizeCommitsBeforeWindows) => {
                    let placing = store.append_and_wait(*blob)?;
                    if let Some(own) = gear.own {
                        own.appended(&placing);
                    }
                    State::Appended(placing)
                }
                state => state,
            };
            Ok(prepared)
        });
        // Fails only when the reader gave up after an error.
        if finished.send((number, strand, prepared)).is_err() {
            break;
        }
    }
}

/// Feeds the old form to an intake, its windows to the encoders, and puts together what they give back.
fn read_through(
    store: &Store,
    recipe: &Recipe,
    (space, form): (Space, &Form),
    jobs: Sender<Job>,
    results: &Receiver<Done>,
    (stop, progress): (&AtomicBool, &OptimizeProgress),
) -> Result<(Assembly, Hash), StoreError> {
    let mut intake = form.intake(store, space, recipe.len());
    let mut worker = Worker { keep: Keep::No, ..Worker::new() };
    let mut walk = Walk::new(recipe, 0..recipe.len());
    let mut digest = Sha256::new();
    let mut gathering = Gathering::default();
    let mut number = 0;
    let mut ended = false;
    while !ended {
        if stop.load(Ordering::Relaxed) {
            return Err(StoreError::ReadOnly("closing".into()));
        }
        let mut taken = Taken::default();
        match store.step(&mut walk)? {
            Some(entry) => {
                let bytes = store.bytes_of(&entry, &mut worker)?;
                digest.update(&bytes);
                progress.add(bytes.len());
                intake.push(&bytes, &mut taken);
            }
            None => {
                intake.finish(&mut taken);
                store.note_encoders(space, &intake);
                ended = true;
            }
        }
        gathering.assembly.add_spans(taken.spans, taken.inner);
        for Piece { strand, window, .. } in taken.windows {
            // Fails only when the encoders were told to stop.
            number += 1;
            if jobs.send((number - 1, strand, window)).is_err() {
                break;
            }
            results.try_iter().try_for_each(|done| gathering.add(done))?;
        }
        if gathering.assembly.has_many_members() {
            for blob in store.settle(&mut gathering.assembly)? {
                gathering.assembly.placed(store.append_and_wait(blob)?);
            }
        }
    }
    drop(jobs);
    results.iter().try_for_each(|done| gathering.add(done))?;
    // Threads that are told to stop leave windows out: what came of the others is no form of the object.
    if gathering.next < number && stop.load(Ordering::Relaxed) {
        return Err(StoreError::ReadOnly("closing".into()));
    }
    Ok((gathering.assembly, Hash(digest.finalize().into())))
}

/// Brings windows back into their order.
#[derive(Default)]
struct Gathering {
    assembly: Assembly,
    early: BTreeMap<u64, (Strand, Prepared)>,
    next: u64,
}

impl Gathering {
    fn add(&mut self, (number, strand, prepared): Done) -> Result<(), StoreError> {
        self.early.insert(number, (strand, prepared?));
        while let Some((strand, prepared)) = self.early.remove(&self.next) {
            self.assembly.push(strand, prepared);
            self.next += 1;
        }
        Ok(())
    }
}

/// SHA-256 of what a recipe makes, decoded by several threads.
fn read_back(
    store: &Store,
    recipe: &Recipe,
    threads: usize,
    keep: Keep,
    (stop, progress): (&AtomicBool, &OptimizeProgress),
) -> Result<Hash, StoreError> {
    progress.step(Step::Comparing);
    let mut digest = Sha256::new();
    let mut walk = Walk::new(recipe, 0..recipe.len());
    let mut workers: Vec<Worker> = (0..threads).map(|_| Worker { keep, ..Worker::new() }).collect();
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(StoreError::ReadOnly("closing".into()));
        }
        let mut entries: Vec<Entry> = Vec::with_capacity(threads);
        while entries.len() < threads
            && let Some(entry) = store.step(&mut walk)?
        {
            entries.push(entry);
        }
        if entries.is_empty() {
            return Ok(Hash(digest.finalize().into()));
        }
        let pieces: Vec<_> = std::thread::scope(|scope| {
            let reads: Vec<_> = entries
                .iter()
                .zip(&mut workers)
                .map(|(entry, worker)| scope.spawn(move || store.bytes_of(entry, worker)))
                .collect();
            reads
                .into_iter()
                .map(|read| read.join().unwrap_or(Err(StoreError::Missing { hash: Hash::default() })))
                .collect()
        });
        for bytes in pieces {
            let bytes = bytes?;
            progress.add(bytes.len());
            digest.update(bytes);
        }
    }
}
