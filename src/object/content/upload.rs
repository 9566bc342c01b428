//! Bodies in: drives the store's ingest pipeline from async code, to the commit.
//!
//! What takes a processor runs on the encode pool: cutting, in jobs that follow one another, and the windows beside
//! it. The job that ends an object hands its commit to the log itself; of a small body it is the only job.

use bytes::Bytes;
use futures::stream::{FuturesUnordered, Stream, StreamExt};
use tokio::sync::oneshot;

use super::{Budget, Md5, Md5Queue, closing, run};
use crate::object::error::ObjectError;
use crate::store::{Content, Done, Pipeline, Placings, Space, Store, StoreError, Touch, Transaction, Worker};

/// Bytes of a body handled in one job.
pub const CHUNK: usize = 256 << 10;

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

/// A body that was stored: its content is pinned, but belongs to nobody until committed.
pub struct StoredBody<D> {
    pub content: Content,
    pub digest: D,
    /// It ends within a compressed member, as parts of archives do.
    pub truncated: bool,
}

/// What makes a stored body an object or a part.
pub struct Commit<T> {
    pub touches: Vec<Touch>,
    pub content: Content,
    pub evaluate: Evaluate<T>,
}

impl<T: 'static> Commit<T> {
    /// The same commit, with another answer.
    pub fn map<U>(self, answer: impl FnOnce(T) -> U + Send + 'static) -> Commit<U> {
        let Self { touches, content, evaluate } = self;
        Commit { touches, content, evaluate: Box::new(|tx| evaluate(tx).map(answer)) }
    }
}

/// Runs inside the commit.
pub type Evaluate<T> = Box<dyn FnOnce(&mut Transaction<'_>) -> Result<T, ObjectError> + Send>;

/// A body on its way, and what it is to become.
struct Upload<D, C> {
    pipeline: Pipeline,
    digest: D,
    commit: C,
}

/// What became of a body of one chunk.
enum Whole<D, C, T> {
    Ended(Result<T, ObjectError>),
    /// It is cut into several windows.
    Cut(Box<Upload<D, C>>),
}

/// Stores a body, `expected` bytes long if that is known, and commits it: `commit` checks what was promised about it,
/// on the encode pool.
///
/// # Errors
/// The body's own, `SlowDown` where there was no memory for it for too long, `commit`'s, and those of the store;
/// nothing of a failed body stays visible.
pub async fn store_body<S, D, C, T>(
    (store, budget, md5s): (&Store, &Budget, &Md5Queue),
    space: Space,
    expected: Option<u64>,
    mut body: S,
    digest: D,
    commit: C,
) -> Result<T, ObjectError>
where
    S: Stream<Item = Result<Bytes, ObjectError>> + Send + Unpin,
    D: Digest,
    C: FnOnce(StoredBody<D>) -> Result<Commit<T>, ObjectError> + Send + 'static,
    T: Send + 'static,
{
    // The first chunk is gathered before the body has a share of the memory, so that who sends little takes little.
    let mut arriving = budget.arriving();
    let mut chunk = Vec::new();
    let mut last = next_chunk(&mut body, &mut chunk, |len| arriving.add(len)).await?;
    let share = budget.upload(if last { Some(arriving.held()) } else { expected }).await?;
    drop(arriving);
    let mut upload = Box::new(Upload { pipeline: Pipeline::upload(store, space), digest, commit });
    let mut windows = Windows { store, under_way: FuturesUnordered::new() };
    if last {
        share.worked(chunk.iter().map(Bytes::len).sum());
        upload = match store_whole(store, chunk, upload).await? {
            Whole::Ended(result) => return result,
            Whole::Cut(upload) => upload,
        };
    } else {
        let mut hashing: Option<oneshot::Receiver<Md5>> = None;
        loop {
            let bytes = std::mem::take(&mut chunk);
            share.worked(bytes.iter().map(Bytes::len).sum());
            // The MD5 is worked on while the next chunk arrives.
            let md5 = match hashing.take() {
                Some(updated) => updated.await.map_err(closing)?,
                None => std::mem::take(upload.digest.md5()),
            };
            hashing = Some(md5s.update(store, md5, bytes.clone()));
            let (inner, mut cutting) = (store.clone(), upload);
            let nodes = run(store, move |_| cutting.take(&inner, &bytes, last).map(|nodes| (cutting, nodes)));
            let (returned, nodes) = nodes.await??;
            upload = returned;
            if let Some(appended) = nodes {
                upload.pipeline.add_nodes(appended.await.map_err(closing)??);
            }
            windows.make_room(&mut upload.pipeline).await?;
            if last {
                break;
            }
            last = next_chunk(&mut body, &mut chunk, |_| true).await?;
        }
        if let Some(updated) = hashing {
            *upload.digest.md5() = updated.await.map_err(closing)?;
        }
    }
    windows.finish(&mut upload.pipeline).await?;
    let (sender, ended) = oneshot::channel();
    let inner = store.clone();
    store.encode_pool().spawn(move |_| {
        // A client that went away gets no object.
        if !sender.is_closed() {
            upload.commit(&inner, |result| drop(sender.send(result)));
        }
    });
    ended.await.unwrap_or(Err(ObjectError::ShuttingDown))
}

/// Stores a body of one chunk in one job, to its commit, unless it is cut into several windows.
async fn store_whole<D, C, T>(
    store: &Store,
    bytes: Vec<Bytes>,
    mut upload: Box<Upload<D, C>>,
) -> Result<Whole<D, C, T>, ObjectError>
where
    D: Digest,
    C: FnOnce(StoredBody<D>) -> Result<Commit<T>, ObjectError> + Send + 'static,
    T: Send + 'static,
{
    let (sender, ended) = oneshot::channel();
    let inner = store.clone();
    store.encode_pool().spawn(move |worker| {
        bytes.iter().for_each(|piece| upload.digest.md5().update(piece));
        let prepared = upload.take(&inner, &bytes, true).and_then(|_| upload.pipeline.prepare_only(&inner, worker));
        if sender.is_closed() {
            return;
        }
        let send = |outcome| drop(sender.send(outcome));
        match prepared {
            Ok(true) => upload.commit(&inner, move |result| send(Whole::Ended(result))),
            Ok(false) => {
                inner.handoffs().count();
                send(Whole::Cut(upload));
            }
            Err(error) => send(Whole::Ended(Err(error.into()))),
        }
    });
    ended.await.map_err(|_| ObjectError::ShuttingDown)
}

impl<D: Digest, C> Upload<D, C> {
    /// Cuts the next bytes; answers what tells of nodes that are appended, if there are some.
    fn take(
        &mut self,
        store: &Store,
        bytes: &[Bytes],
        last: bool,
    ) -> Result<Option<oneshot::Receiver<Result<Placings, StoreError>>>, StoreError> {
        for piece in bytes {
            self.digest.update_others(piece);
            self.pipeline.push(piece);
        }
        if last {
            self.pipeline.finish();
        }
        for (digest, member) in self.pipeline.take_members() {
            store.keep(digest, &member);
        }
        let nodes = self.pipeline.take_nodes(store)?;
        if nodes.is_empty() {
            return Ok(None);
        }
        let (sender, appended) = oneshot::channel();
        store.append(nodes, move |placings| drop(sender.send(placings)));
        Ok(Some(appended))
    }

    /// Hands the commit to the log; `done` is told how it ended.
    fn commit<T>(self, store: &Store, done: impl FnOnce(Result<T, ObjectError>) + Send + 'static)
    where
        C: FnOnce(StoredBody<D>) -> Result<Commit<T>, ObjectError>,
        T: Send + 'static,
    {
        let Self { pipeline, digest, commit } = self;
        let truncated = pipeline.is_truncated();
        let content = pipeline.into_content(store).map_err(ObjectError::from);
        match content.and_then(|content| commit(StoredBody { content, digest, truncated })) {
            Ok(Commit { touches, content, evaluate }) => {
                let done = move |result: Result<T, _>| done(result.map_err(ObjectError::from));
                store.transact(touches, vec![content], evaluate, done);
            }
            Err(error) => done(Err(error)),
        }
    }
}

/// The windows of one body that are under way.
struct Windows<'a> {
    store: &'a Store,
    under_way: FuturesUnordered<oneshot::Receiver<Done>>,
}

impl Windows<'_> {
    /// Starts as many as may be under way.
    fn start(&mut self, pipeline: &mut Pipeline) {
        while let Some(chunk) = pipeline.next_chunk() {
            let (sender, stored) = oneshot::channel();
            let (store, encoding) = (self.store.clone(), pipeline.encoding().clone());
            self.store.encode_pool().spawn(move |worker: &mut Worker| {
                chunk.store(&store, worker, &encoding, |done| drop(sender.send(done)));
            });
            self.under_way.push(stored);
        }
    }

    /// Until the pipeline takes more bytes.
    async fn make_room(&mut self, pipeline: &mut Pipeline) -> Result<(), StoreError> {
        self.start(pipeline);
        while pipeline.is_full() && self.next(pipeline).await? {
            self.start(pipeline);
        }
        Ok(())
    }

    /// Until all are done.
    async fn finish(&mut self, pipeline: &mut Pipeline) -> Result<(), StoreError> {
        self.start(pipeline);
        while self.next(pipeline).await? {
            self.start(pipeline);
        }
        Ok(())
    }

    /// Waits for one; false if there is none.
    async fn next(&mut self, pipeline: &mut Pipeline) -> Result<bool, StoreError> {
        let Some(done) = self.under_way.next().await else { return Ok(false) };
        pipeline.done(done.map_err(closing)?)?;
        Ok(true)
    }
}

/// Gathers about a chunk of the body, less if there is no `room` for more; true at its end.
async fn next_chunk<S>(
    body: &mut S,
    chunk: &mut Vec<Bytes>,
    mut room: impl FnMut(usize) -> bool,
) -> Result<bool, ObjectError>
where
    S: Stream<Item = Result<Bytes, ObjectError>> + Unpin,
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
            Some(Err(error)) => return Err(error),
            None => return Ok(true),
        }
    }
    Ok(false)
}
