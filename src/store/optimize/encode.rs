//! A stored object's bytes through the ingest pipeline again, with threads of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use deltastore_format::{Hash, Recipe};
use sha2::{Digest, Sha256};

use super::form::Form;
use super::order::JobOrder;
use super::progress::OptimizeProgress;
use crate::store::fetch::CachePolicy;
use crate::store::ingest::{Chunk, Done, Encoding, Pipeline};
use crate::store::stop::go_on;
use crate::store::{Assembly, Space, Store, StoreError, Walk, Worker};

/// The new form of what a recipe makes, windows appended, and the SHA-256 of what it must make.
pub fn encode(
    store: &Store,
    recipe: &Recipe,
    space: Space,
    form: &Form,
    threads: usize,
    (stop, progress): (&AtomicBool, &OptimizeProgress),
) -> Result<(Assembly, Hash), StoreError> {
    let (order, (jobs, waiting)) = (JobOrder::default(), unbounded::<Chunk>());
    let (finished, results) = unbounded::<Done>();
    let encoding = Arc::new(Encoding::new(space, form.effort, form.optimized));
    // Each thread has one at work and one that waits.
    let mut pipeline = Pipeline::new(form.chunker(store, space, recipe.len()), Arc::clone(&encoding), 2 * threads);
    let digest = std::thread::scope(|scope| {
        for _ in 0..threads {
            let (waiting, finished, encoding) = (waiting.clone(), finished.clone(), Arc::clone(&encoding));
            let order = &order;
            scope.spawn(move || encode_chunks(store, &encoding, order, (&waiting, &finished), stop));
        }
        drop((waiting, finished));
        read_through(store, recipe, &mut pipeline, jobs, &results, (stop, progress))
    })?;
    store.note_encoders(space, pipeline.chunker());
    Ok((pipeline.into_assembly(), digest))
}

fn numbered(chunk: &Chunk) -> (u64, &[u64]) {
    (chunk.number, &chunk.window.features)
}

fn encode_chunks(
    store: &Store,
    encoding: &Arc<Encoding>,
    order: &JobOrder,
    (waiting, finished): (&Receiver<Chunk>, &Sender<Done>),
    stop: &AtomicBool,
) {
    let mut worker = Worker::new();
    while let Some((chunk, _slot)) = order.next(waiting, numbered) {
        // The one that is encoded is finished; those that wait for it are not worth the time.
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (sender, stored) = bounded(1);
        chunk.store(store, &mut worker, encoding, move |done| drop(sender.send(done)));
        // Nothing comes once the log has ended. Nobody takes it when the reader gave up after an error.
        let Ok(done) = stored.recv() else { break };
        if finished.send(done).is_err() {
            break;
        }
    }
}

/// Feeds the old form to the pipeline, its chunks to the threads, and what they give back to the pipeline.
fn read_through(
    store: &Store,
    recipe: &Recipe,
    pipeline: &mut Pipeline,
    jobs: Sender<Chunk>,
    results: &Receiver<Done>,
    (stop, progress): (&AtomicBool, &OptimizeProgress),
) -> Result<Hash, StoreError> {
    let mut worker = Worker { cache: CachePolicy::No, ..Worker::new() };
    let mut walk = Walk::new(recipe, 0..recipe.len());
    let mut digest = Sha256::new();
    let mut ended = false;
    while !(ended && pipeline.is_idle()) {
        go_on(stop)?;
        while let Some(chunk) = pipeline.next_chunk() {
            // The threads end early when they are told to stop, or when the log has ended.
            jobs.send(chunk).map_err(|_| StoreError::closing())?;
        }
        if ended || pipeline.is_full() {
            pipeline.done(results.recv().map_err(|_| StoreError::closing())?)?;
            continue;
        }
        results.try_iter().try_for_each(|done| pipeline.done(done))?;
        match store.step(&mut walk)? {
            Some(entry) => {
                let bytes = store.bytes_of(&entry, &mut worker)?;
                digest.update(&bytes);
                progress.add(bytes.len());
                pipeline.push(&bytes);
            }
            None => {
                pipeline.finish();
                ended = true;
            }
        }
        // They are in no cache yet, but read back soon: whether they are cached is decided then.
        drop(pipeline.take_members());
        let nodes = pipeline.take_nodes(store)?;
        if !nodes.is_empty() {
            pipeline.add_nodes(store.append_and_wait(nodes)?);
        }
    }
    Ok(Hash(digest.finalize().into()))
}
