//! One object's new form: made, read back, and put in the old one's place.

use std::sync::atomic::AtomicBool;

use crossbeam_channel::bounded;
use deltastore_format::{Entry, Hash, Op, Recipe};
use sha2::{Digest, Sha256};

use super::encode::encode;
use super::form::Form;
use super::progress::{OptimizeProgress, Step};
use crate::index::{IndexError, VersionRow};
use crate::store::bugs::Bug;
use crate::store::fetch::CachePolicy;
use crate::store::stop::go_on;
use crate::store::{CommitError, Content, Space, Store, StoreError, Touch, Walk, Worker};

/// What a recipe makes, in a new form; all of it is in the log and was compared with the old.
pub fn convert(
    store: &Store,
    recipe: &Recipe,
    space: Space,
    form: &Form,
    threads: usize,
    cache: CachePolicy,
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
        && read_back(store, content.recipe(), threads, cache, (stop, progress))? != digest
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
    let (storage_type, optimized) = (content.storage_type(), form.optimized);
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
        Err(CommitError::Closed) => Err(StoreError::closing()),
    }
}

/// SHA-256 of what a recipe makes, decoded by several threads.
fn read_back(
    store: &Store,
    recipe: &Recipe,
    threads: usize,
    cache: CachePolicy,
    (stop, progress): (&AtomicBool, &OptimizeProgress),
) -> Result<Hash, StoreError> {
    progress.step(Step::Comparing);
    let mut digest = Sha256::new();
    let mut walk = Walk::new(recipe, 0..recipe.len());
    let mut workers: Vec<Worker> = (0..threads).map(|_| Worker { cache, ..Worker::new() }).collect();
    loop {
        go_on(stop)?;
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
