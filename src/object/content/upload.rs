//! Bodies in: cut, prepared in parallel, appended, and put together.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{FuturesOrdered, Stream, StreamExt};
use tokio::sync::oneshot;

use super::budget::Busy;
use super::{Budget, Md5, Md5Queue, closing, run};
use crate::store::{
    Assembly, Blob, Content, OwnSketches, Piece, Placing, Prepared, Space, State, Store, StoreError, Strand, Taken,
    Worker,
};

/// Bytes of a body handled in one job.
pub const CHUNK: usize = 256 << 10;

/// Windows of one upload that are prepared at the same time.
pub(super) const PREPARING: usize = 2;

/// Digests that are computed beside the cutting.
pub trait Digest: Send + 'static {
    /// The one that every body has.
    fn md5(&mut self) -> &mut Md5;

    /// Takes bytes into all digests but that.
    fn update_others(&mut self, bytes: &[u8]);

    /// Takes bytes into all digests.
    fn update(&mut self, bytes: &[u8]) {
        self.md5().update(bytes);
        self.update_others(bytes);
    }
}

/// Why a body was not stored.
#[derive(Debug, thiserror::Error)]
pub enum BodyError<E> {
    /// The body itself failed.
    #[error("body failed")]
    Body(E),
    /// There was no memory for it for too long.
    #[error("too busy")]
    Busy,
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

impl<E> From<Busy> for BodyError<E> {
    fn from(Busy: Busy) -> Self {
        Self::Busy
    }
}

/// A body that was stored: its content is pinned, but belongs to nobody until committed.
pub struct StoredBody<D> {
    pub content: Content,
    pub digest: D,
    /// It ends within a compressed member, as parts of archives do.
    pub cut_off: bool,
}

/// Stores a body; `expected` is its length if known.
///
/// # Errors
/// See [`BodyError`]; nothing of a failed body stays visible.
pub async fn store_body<S, E, D>(
    store: &Store,
    budget: &Budget,
    md5s: &Md5Queue,
    space: Space,
    expected: Option<u64>,
    mut body: S,
    digest: D,
) -> Result<StoredBody<D>, BodyError<E>>
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    D: Digest,
    E: Send + 'static,
{
    // The first chunk is gathered before the body has a share of the memory, so that who sends little takes little.
    let mut arriving = budget.arriving();
    let mut chunk = Vec::new();
    let mut last = next_chunk(&mut body, &mut chunk, |len| arriving.add(len)).await?;
    let share = budget.upload(if last { Some(arriving.held()) } else { expected }).await?;
    drop(arriving);
    let mut state = Box::new((store.intake(), digest));
    let mut preparing = FuturesOrdered::new();
    let own = Arc::new(OwnSketches::new(&store.settings().effort));
    let mut assembly = Assembly::default();
    let mut hashing: Option<oneshot::Receiver<Md5>> = None;
    loop {
        let bytes = std::mem::take(&mut chunk);
        share.worked(bytes.iter().map(Bytes::len).sum());
        // A body of one chunk is all done in one job; of a longer one the MD5 is worked on while the next chunk
        // arrives.
        let whole = last && hashing.is_none();
        if !whole {
            let md5 = match hashing.take() {
                Some(updated) => updated.await.map_err(closing)?,
                None => std::mem::take(state.1.md5()),
            };
            hashing = Some(md5s.update(store, md5, bytes.clone()));
        }
        let inner = store.clone();
        let only = last && preparing.is_empty() && assembly.is_empty();
        let (returned, taken, ready) = run(store, move |worker| {
            let mut taken = Taken::default();
            for piece in &bytes {
                if whole {
                    state.1.update(piece);
                } else {
                    state.1.update_others(piece);
                }
                state.0.push(piece, &mut taken);
            }
            if last {
                state.0.finish(&mut taken);
            }
            for (digest, member) in taken.members.drain(..) {
                inner.keep(digest, &member);
            }
            // A small body is all done in this one job, and its window is appended with the commit.
            let ready = match only && taken.windows.len() == 1 {
                true => taken.windows.pop().map(|piece| prepare(&inner, worker, space, None, piece)),
                false => None,
            };
            (state, taken, ready)
        })
        .await?;
        state = returned;
        assembly.add_spans(taken.spans, taken.inner);
        if let Some(ready) = ready {
            let (strand, ready) = ready?;
            assembly.push(strand, ready);
        }
        for piece in taken.windows {
            preparing.push_back(prepare_and_append(store.clone(), space, Arc::clone(&own), piece));
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
        if last {
            break;
        }
        last = next_chunk(&mut body, &mut chunk, |_| true).await?;
    }
    while let Some(prepared) = preparing.next().await {
        let (strand, prepared) = prepared?;
        assembly.push(strand, prepared);
    }
    let (intake, mut digest) = *state;
    if let Some(updated) = hashing {
        *digest.md5() = updated.await.map_err(closing)?;
    }
    Ok(StoredBody { content: finish(store, assembly).await?, digest, cut_off: intake.is_cut_off() })
}

/// Gathers about a chunk of the body, less if there is no `room` for more; true at its end.
async fn next_chunk<S, E>(
    body: &mut S,
    chunk: &mut Vec<Bytes>,
    mut room: impl FnMut(usize) -> bool,
) -> Result<bool, BodyError<E>>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let mut len = 0;
    while len < CHUNK {
        match body.next().await {
            Some(Ok(bytes)) => {
                len += bytes.len();
                let more = room(bytes.len());
                chunk.push(bytes);
                if !more {
                    break;
                }
            }
            Some(Err(error)) => return Err(BodyError::Body(error)),
            None => return Ok(true),
        }
    }
    Ok(false)
}

fn prepare(
    store: &Store,
    worker: &mut Worker,
    space: Space,
    own: Option<&OwnSketches>,
    piece: Piece,
) -> Result<(Strand, Prepared), StoreError> {
    let bytes = piece.direct.then(|| piece.window.bytes.clone());
    let gear = store.inline_gear(own, piece.is_tokens());
    let prepared = store.prepare(worker, space, &gear, piece.window)?;
    if let Some(bytes) = bytes.filter(|_| prepared.codec.has_references()) {
        store.keep(prepared.entry.hash, &bytes);
    }
    Ok((piece.strand, prepared))
}

async fn prepare_and_append(
    store: Store,
    space: Space,
    own: Arc<OwnSketches>,
    piece: Piece,
) -> Result<(Strand, Prepared), StoreError> {
    let (inner, sketches) = (store.clone(), Arc::clone(&own));
    let (strand, mut prepared) =
        run(&store, move |worker| prepare(&inner, worker, space, Some(&sketches), piece)).await??;
    if let State::New(blob) = prepared.state {
        // Known to later windows at once, not when this upload gets around to look.
        let appended = move |placing: &Placing| own.appended(placing);
        prepared.state = State::Appended(append(&store, *blob, appended).await?);
    }
    Ok((strand, prepared))
}

/// `appended` runs on the log thread: it must not block, and holds no store, which would be dropped by its own thread.
async fn append(
    store: &Store,
    blob: Blob,
    appended: impl FnOnce(&Placing) + Send + 'static,
) -> Result<Arc<Placing>, StoreError> {
    let (sender, receiver) = oneshot::channel();
    store.append(blob, move |result| {
        if let Ok(placing) = &result {
            appended(placing);
        }
        drop(sender.send(result));
    });
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
    let appended: FuturesOrdered<_> = blobs?.into_iter().map(|blob| append(store, blob, |_| ())).collect();
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
