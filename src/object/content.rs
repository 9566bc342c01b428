//! The only code that moves bytes between clients and the store: bodies in, bodies out.
//!
//! Purpose: drive the store's blocking jobs from async code, in order, in parallel and within the memory budget.
//!
//! Invariants
//! - Digests and cutting see the bytes in order, one job at a time; windows are prepared in parallel.
//! - Nothing is held while waiting but what the budget counts. An upload takes its share of the budget before its
//!   first byte is read, so uploads that cannot all fit wait instead of starving each other half-done.
//! - A window that is on its way to a client is counted until the client has taken it.
//!
//! Failure cases: a body that fails drops what it stored (garbage); a store error fails this body only.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use deltastore_format::{Entry, Recipe};
use futures::stream::{FuturesOrdered, Stream, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::store::{
    Assembly, Blob, CommitError, Content, CutWindow, OwnSketches, Placing, Prepared, ReadPins, Space, State, Store,
    StoreError, Strand, Taken, Touch, Transaction, Walk, Worker, slice_of,
};

/// Bytes of a body handled in one job.
const CHUNK: usize = 256 << 10;
/// Windows of one upload that are prepared at the same time.
const PREPARING: usize = 2;
/// Windows of one download that are read ahead.
const READ_AHEAD: usize = 3;
/// What a large upload holds for the expander and for sketches of its own windows, in units of the expander's: 10 MiB by default.
const EXPANDING: usize = 20;
/// Bytes a small body counts for besides its length, for what surrounds it.
const SMALL: u64 = 4 << 10;

/// The memory budgets of one server, shared by all its requests.
#[derive(Clone)]
pub struct Budget {
    ingest: Arc<Semaphore>,
    ingest_bytes: usize,
    large_upload: usize,
    read: Arc<Semaphore>,
    read_bytes: usize,
}

impl Budget {
    /// Budgets as the store's settings say.
    pub fn new(store: &Store) -> Self {
        let settings = store.settings();
        let window = settings.cut.max as usize;
        let expanding = settings.expand.as_ref().map_or(0, |expand| EXPANDING * expand.unit);
        Self {
            ingest: Arc::new(Semaphore::new(settings.ingest_bytes)),
            ingest_bytes: settings.ingest_bytes,
            // One window growing, the others of about the target size, plain and encoded; what is being expanded; sketches.
            large_upload: window + PREPARING * settings.cut.target as usize + expanding,
            read: Arc::new(Semaphore::new(settings.read_bytes)),
            read_bytes: settings.read_bytes,
        }
    }

    async fn upload(&self, expected: Option<u64>) -> Option<OwnedSemaphorePermit> {
        let large = self.large_upload as u64;
        let share = expected.map_or(large, |len| large.min(len.saturating_mul(2).saturating_add(SMALL)));
        acquire(&self.ingest, usize::try_from(share).unwrap_or(usize::MAX).min(self.ingest_bytes)).await
    }

    async fn window(&self, len: u64) -> Option<OwnedSemaphorePermit> {
        acquire(&self.read, usize::try_from(len).unwrap_or(usize::MAX).clamp(1, self.read_bytes)).await
    }
}

async fn acquire(semaphore: &Arc<Semaphore>, bytes: usize) -> Option<OwnedSemaphorePermit> {
    // Fails only when the semaphore is closed, which nobody does.
    Arc::clone(semaphore).acquire_many_owned(u32::try_from(bytes).unwrap_or(u32::MAX)).await.ok()
}

/// Digests that are computed beside the cutting.
pub trait Digest: Send + 'static {
    fn update(&mut self, bytes: &[u8]);
}

/// Why a body was not stored.
#[derive(Debug, thiserror::Error)]
pub enum BodyError<E> {
    /// The body itself failed.
    #[error("body failed")]
    Body(E),
    #[error("disk is full")]
    Full,
    #[error("store is read-only: {0}")]
    ReadOnly(String),
    #[error(transparent)]
    Store(StoreError),
}

impl<E> From<StoreError> for BodyError<E> {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::Full,
            StoreError::ReadOnly(reason) => Self::ReadOnly(reason),
            error => Self::Store(error),
        }
    }
}

/// Stores a body; `expected` is its length if known. The content is pinned but belongs to nobody until committed.
///
/// # Errors
/// See [`BodyError`]; nothing of a failed body stays visible.
pub async fn store_body<S, E, D>(
    store: &Store,
    budget: &Budget,
    space: Space,
    expected: Option<u64>,
    mut body: S,
    digest: D,
) -> Result<(Content, D), BodyError<E>>
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    D: Digest,
    E: Send + 'static,
{
    let _share = budget.upload(expected).await;
    let mut state = Box::new((store.intake(), digest));
    let mut preparing = FuturesOrdered::new();
    let own = Arc::new(OwnSketches::default());
    let mut assembly = Assembly::default();
    let mut chunk = Vec::new();
    let mut last = false;
    while !last {
        chunk.clear();
        last = next_chunk(&mut body, &mut chunk).await?;
        let bytes = std::mem::take(&mut chunk);
        let inner = store.clone();
        let only = last && preparing.is_empty() && assembly.is_empty();
        let (returned, taken, ready) = run(store, move |worker| {
            let mut taken = Taken::default();
            for piece in &bytes {
                state.1.update(piece);
                state.0.push(piece, &mut taken);
            }
            if last {
                state.0.finish(&mut taken);
            }
            // A small body is all done in this one job, and its window is appended with the commit.
            let ready = if only && taken.windows.len() == 1 {
                taken
                    .windows
                    .pop()
                    .map(|(strand, window)| (strand, inner.prepare(worker, space, &inner.inline_gear(None), window)))
            } else {
                None
            };
            (state, taken, ready)
        })
        .await?;
        state = returned;
        assembly.add_spans(taken.spans);
        if let Some((strand, ready)) = ready {
            assembly.push(strand, ready?);
        }
        for (strand, window) in taken.windows {
            preparing.push_back(prepare_and_append(store.clone(), space, Arc::clone(&own), strand, window));
            while preparing.len() >= PREPARING {
                if let Some(prepared) = preparing.next().await {
                    let (strand, prepared) = prepared?;
                    assembly.push(strand, prepared);
                }
            }
        }
        if assembly.has_many_members() {
            assembly = settle(store, assembly).await?;
        }
    }
    while let Some(prepared) = preparing.next().await {
        let (strand, prepared) = prepared?;
        assembly.push(strand, prepared);
    }
    Ok((finish(store, assembly).await?, state.1))
}

/// Gathers about a chunk of the body; true at its end.
async fn next_chunk<S, E>(body: &mut S, chunk: &mut Vec<Bytes>) -> Result<bool, BodyError<E>>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let mut len = 0;
    while len < CHUNK {
        match body.next().await {
            Some(Ok(bytes)) => {
                len += bytes.len();
                chunk.push(bytes);
            }
            Some(Err(error)) => return Err(BodyError::Body(error)),
            None => return Ok(true),
        }
    }
    Ok(false)
}

async fn prepare_and_append(
    store: Store,
    space: Space,
    own: Arc<OwnSketches>,
    strand: Strand,
    window: CutWindow,
) -> Result<(Strand, Prepared), StoreError> {
    let inner = store.clone();
    let mut prepared =
        run(&store, move |worker| inner.prepare(worker, space, &inner.inline_gear(Some(&own)), window)).await??;
    if let State::New(blob) = prepared.state {
        prepared.state = State::Appended(append(&store, blob).await?);
    }
    Ok((strand, prepared))
}

async fn append(store: &Store, blob: Blob) -> Result<Arc<Placing>, StoreError> {
    let (sender, receiver) = oneshot::channel();
    store.append(blob, move |result| drop(sender.send(result)));
    receiver.await.map_err(closing)?
}

/// Appends the members of an assembly that are complete.
async fn settle(store: &Store, mut assembly: Assembly) -> Result<Assembly, StoreError> {
    let inner = store.clone();
    let (mut assembly, blobs) = run(store, move |_| {
        let blobs = inner.settle(&mut assembly);
        (assembly, blobs)
    })
    .await?;
    let appended: FuturesOrdered<_> = blobs?.into_iter().map(|blob| append(store, blob)).collect();
    let placings: Vec<_> = appended.collect().await;
    for placing in placings {
        assembly.placed(placing?);
    }
    Ok(assembly)
}

async fn finish(store: &Store, assembly: Assembly) -> Result<Content, StoreError> {
    if !assembly.is_long() {
        return store.finish(assembly);
    }
    let inner = store.clone();
    run(store, move |_| inner.finish(assembly)).await?
}

/// Runs a job on the encode pool.
pub async fn run<T: Send + 'static>(
    store: &Store,
    job: impl FnOnce(&mut Worker) -> T + Send + 'static,
) -> Result<T, StoreError> {
    let (sender, receiver) = oneshot::channel();
    store.encode_pool().spawn(move |worker| drop(sender.send(job(worker))));
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
    StoreError::ReadOnly("closing".into())
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

/// The bytes of a range of a recipe, in order, verified, reading ahead.
pub fn read_body(store: &Store, budget: &Budget, recipe: &Recipe, range: Range<u64>, pins: ReadPins) -> BodyReader {
    BodyReader {
        store: store.clone(),
        budget: budget.clone(),
        walk: Some(Walk::new(recipe, range)),
        _pins: pins,
        stepping: None,
        windows: FuturesOrdered::new(),
        primed: None,
    }
}

type Step = (Walk, Result<Option<Entry>, StoreError>);
type Stepping = Pin<Box<dyn Future<Output = Result<Step, StoreError>> + Send>>;
type Fetch = Pin<Box<dyn Future<Output = Result<Bytes, StoreError>> + Send>>;

/// A stream of verified bytes.
pub struct BodyReader {
    store: Store,
    budget: Budget,
    walk: Option<Walk>,
    stepping: Option<Stepping>,
    windows: FuturesOrdered<Fetch>,
    primed: Option<Bytes>,
    /// An object may be deleted or stored otherwise while it is read.
    _pins: ReadPins,
}

impl BodyReader {
    /// Waits for the first bytes, so that an error can still become a status.
    ///
    /// # Errors
    /// The first window's.
    pub async fn prime(mut self) -> Result<Self, StoreError> {
        if let Some(first) = self.next().await {
            self.primed = Some(first?);
        }
        Ok(self)
    }

    /// Starts fetching the next windows until enough are under way.
    fn fill(&mut self, context: &mut Context<'_>) -> Result<(), StoreError> {
        while self.windows.len() < READ_AHEAD {
            let (walk, step) = match (self.stepping.take(), self.walk.take()) {
                (Some(mut stepping), _) => match stepping.as_mut().poll(context) {
                    Poll::Pending => {
                        self.stepping = Some(stepping);
                        return Ok(());
                    }
                    Poll::Ready(step) => step?,
                },
                (None, Some(mut walk)) => match walk.take_window() {
                    Some(entry) => (walk, Ok(Some(entry))),
                    None if walk.is_done() => return Ok(()),
                    None => {
                        let store = self.store.clone();
                        let pool = self.store.clone();
                        self.stepping = Some(Box::pin(async move {
                            run_read(&pool, move |_| {
                                let step = store.step(&mut walk);
                                (walk, step)
                            })
                            .await
                        }));
                        continue;
                    }
                },
                (None, None) => return Ok(()),
            };
            let Some(entry) = step? else { return Ok(()) };
            self.walk = Some(walk);
            self.windows.push_back(Box::pin(fetch(self.store.clone(), self.budget.clone(), entry)));
        }
        Ok(())
    }
}

impl Stream for BodyReader {
    type Item = Result<Bytes, StoreError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(primed) = self.primed.take() {
            return Poll::Ready(Some(Ok(primed)));
        }
        if let Err(error) = self.fill(context) {
            self.walk = None;
            self.windows.clear();
            return Poll::Ready(Some(Err(error)));
        }
        match self.windows.poll_next_unpin(context) {
            Poll::Ready(None) if self.stepping.is_some() => Poll::Pending,
            other => other,
        }
    }
}

/// One window slice, counted against the budget until its last byte is dropped.
async fn fetch(store: Store, budget: Budget, entry: Entry) -> Result<Bytes, StoreError> {
    let permit = budget.window(entry.len).await;
    let bytes = match store.cached(&entry.hash) {
        Some(whole) => slice_of(&whole, &entry)?,
        None => {
            let inner = store.clone();
            run_read(&store, move |worker| inner.bytes_of(&entry, worker)).await??
        }
    };
    Ok(Bytes::from_owner(Counted { bytes, _permit: permit }))
}

struct Counted {
    bytes: Bytes,
    _permit: Option<OwnedSemaphorePermit>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
