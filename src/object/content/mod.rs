//! The only code that moves bytes between clients and the store: bodies in, bodies out.
//!
//! Purpose: drive the store's blocking jobs from async code, in order, in parallel and within the memory budget.
//!
//! Invariants
//! - Cutting and digests see the bytes in order, one job at a time; so does the MD5, in jobs of its own that it shares
//!   with other uploads; windows are prepared in parallel.
//! - Nothing is held while waiting but what the budget counts. An upload takes all of its share of the budget at once,
//!   before its first byte is worked on, so uploads that cannot all fit wait instead of starving each other half-done.
//! - A window that is on its way to a client is counted until the client has taken it, or goes out in copied pieces,
//!   one at a time.
//!
//! Failure cases: a body that fails drops what it stored (garbage); a store error fails this body only.

mod budget;
mod download;
mod md5;
mod upload;

pub use budget::{Budget, Busy};
pub use download::{BodyReader, read_body};
pub use md5::{Md5, Md5Queue};
pub use upload::{CHUNK, Commit, Digest, StoredBody, store_body};

use std::ops::Range;

use deltastore_format::Recipe;
use tokio::sync::oneshot;

use crate::store::{CommitError, Content, Store, StoreError, Touch, Transaction, Worker};

/// Runs a job on the encode pool.
pub async fn run<T: Send + 'static>(
    store: &Store,
    job: impl FnOnce(&mut Worker) -> T + Send + 'static,
) -> Result<T, StoreError> {
    let (sender, receiver) = oneshot::channel();
    let handoffs = store.handoffs().clone();
    store.encode_pool().spawn(move |worker| {
        let result = job(worker);
        handoffs.count();
        drop(sender.send(result));
    });
    receiver.await.map_err(closing)
}

/// Runs a job on the read pool.
pub async fn run_read<T: Send + 'static>(
    store: &Store,
    job: impl FnOnce(&mut Worker) -> T + Send + 'static,
) -> Result<T, StoreError> {
    let (sender, receiver) = oneshot::channel();
    store.read_pool().spawn(move |worker| drop(sender.send(job(worker))));
    receiver.await.map_err(closing)
}

fn closing(_: oneshot::error::RecvError) -> StoreError {
    StoreError::closing()
}

/// Content made of slices of stored recipes: writes recipe nodes only, and pins what it names.
///
/// # Errors
/// [`StoreError::Missing`] when a piece was deleted and collected meanwhile.
pub async fn concat(store: &Store, pieces: Vec<(Recipe, Range<u64>)>) -> Result<Content, StoreError> {
    let inner = store.clone();
    run_read(store, move |_| inner.concat(&pieces)).await?
}

/// Runs a transaction to its durable end.
///
/// # Errors
/// See [`CommitError`]: in every case nothing of it is visible.
pub async fn commit<T, E, F>(
    store: &Store,
    touches: Vec<Touch>,
    contents: Vec<Content>,
    evaluate: F,
) -> Result<T, CommitError<E>>
where
    F: FnOnce(&mut Transaction<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    store.transact(touches, contents, evaluate, move |result| drop(sender.send(result)));
    receiver.await.unwrap_or(Err(CommitError::Closed))
}
