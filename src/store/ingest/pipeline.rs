//! An object's way in, without threads, queues or waiting of its own.
//!
//! [`Pipeline::push`] takes bytes and cuts them. [`Pipeline::next_chunk`] gives the chunks, each a job:
//! [`Chunk::store`] encodes and appends it, on any thread and in any order. [`Pipeline::done`] takes what came of one,
//! and more chunks may be had. A driver moves bytes, jobs and results between threads: with tokio for uploads
//! (`object/content/upload.rs`), with threads for the optimizer (`optimize/encode.rs`).
//!
//! Invariants
//! - Bytes are pushed in order. Results come in any order and are put into the assembly in the order of the chunks.
//! - At most so many chunks as were allowed are under way; a driver pushes no bytes while chunks wait.
//!
//! Failure cases: the object whose window fails is given up by its driver; what it appended is garbage.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use deltastore_delta::Effort;
use deltastore_format::Hash;

use super::{Assembly, Chunk, Chunked, Chunker, EncodeOptions, ObjectSketches, Prepared, State, StreamKind};
use crate::store::blob::{Blob, Space};
use crate::store::bugs::Bug;
use crate::store::content::Content;
use crate::store::error::StoreError;
use crate::store::{Placings, Store, Worker};

/// How the windows of one object are encoded.
pub struct Encoding {
    space: Space,
    effort: Effort,
    optimized: bool,
    /// By an upload: tokens are told apart, and what is read soon is cached.
    upload: bool,
    sketches: ObjectSketches,
}

/// What came of a chunk.
pub struct Done {
    number: u64,
    stream: StreamKind,
    prepared: Result<Prepared, StoreError>,
}

/// See the module.
pub struct Pipeline {
    chunker: Chunker,
    encoding: Arc<Encoding>,
    assembly: Assembly,
    /// Members that were expanded and not taken yet.
    members: Vec<(Hash, Bytes)>,
    waiting: VecDeque<Chunk>,
    /// Windows that came before one that is to come first.
    early: BTreeMap<u64, (StreamKind, Prepared)>,
    under_way: usize,
    max_under_way: usize,
    /// Windows in the assembly.
    assembled: u64,
}

impl Encoding {
    /// For windows that are rewritten; `optimized` as in [`EncodeOptions`].
    pub fn new(space: Space, effort: Effort, optimized: bool) -> Self {
        Self { space, effort, optimized, upload: false, sketches: ObjectSketches::new(&effort) }
    }

    /// Where several of them are under way, one may be encoded against those that are appended.
    fn options(&self, chunk: &Chunk) -> EncodeOptions<'_> {
        let effort = if self.upload { Effort { tokens: chunk.is_tokens(), ..self.effort } } else { self.effort };
        EncodeOptions { effort, own: Some(&self.sketches), optimized: self.optimized, rebase: None }
    }
}

impl Pipeline {
    /// Chunks of one upload that are under way at the same time.
    pub const UPLOAD_CHUNKS: usize = 2;

    /// For an upload.
    pub fn upload(store: &Store, space: Space) -> Self {
        let encoding = Encoding { upload: true, ..Encoding::new(space, store.settings().effort, false) };
        Self::new(store.chunker(), Arc::new(encoding), Self::UPLOAD_CHUNKS)
    }

    /// With at most so many chunks under way.
    pub fn new(chunker: Chunker, encoding: Arc<Encoding>, max_under_way: usize) -> Self {
        Self {
            chunker,
            encoding,
            assembly: Assembly::default(),
            members: Vec::new(),
            waiting: VecDeque::new(),
            early: BTreeMap::new(),
            under_way: 0,
            max_under_way,
            assembled: 0,
        }
    }

    /// What [`Chunk::store`] is to be given.
    pub fn encoding(&self) -> &Arc<Encoding> {
        &self.encoding
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut chunked = Chunked::default();
        self.chunker.push(bytes, &mut chunked);
        self.take(chunked);
    }

    /// Ends the object.
    pub fn finish(&mut self) {
        let mut chunked = Chunked::default();
        self.chunker.finish(&mut chunked);
        self.take(chunked);
    }

    fn take(&mut self, chunked: Chunked) {
        self.assembly.add_extents(chunked.extents, chunked.inner);
        self.members.extend(chunked.members);
        self.waiting.extend(chunked.chunks);
    }

    /// What was pushed, and is ended, is cut off within a compressed member.
    pub fn is_truncated(&self) -> bool {
        self.chunker.is_truncated()
    }

    pub(in crate::store) fn chunker(&self) -> &Chunker {
        &self.chunker
    }

    /// The bytes of members that were expanded since the last call.
    pub fn take_members(&mut self) -> Vec<(Hash, Bytes)> {
        std::mem::take(&mut self.members)
    }

    /// The next chunk to be stored; none while as many as allowed are under way.
    pub fn next_chunk(&mut self) -> Option<Chunk> {
        let chunk = if self.under_way < self.max_under_way { self.waiting.pop_front() } else { None };
        self.under_way += usize::from(chunk.is_some());
        chunk
    }

    /// No more bytes are to be pushed before some chunk is done.
    pub fn is_full(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Everything that was pushed is in the assembly.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.under_way == 0
    }

    /// Takes what came of a chunk.
    ///
    /// # Errors
    /// What storing it gave.
    pub fn done(&mut self, done: Done) -> Result<(), StoreError> {
        self.under_way -= 1;
        self.early.insert(done.number, (done.stream, done.prepared?));
        while let Some((stream, prepared)) = self.early.remove(&self.assembled) {
            self.assembly.push(stream, prepared);
            self.assembled += 1;
        }
        Ok(())
    }

    /// Prepares the only window of an object that is ended; it is appended with the commit. False when there are more.
    ///
    /// # Errors
    /// As [`Store::prepare`].
    pub fn prepare_only(&mut self, store: &Store, worker: &mut Worker) -> Result<bool, StoreError> {
        if self.waiting.len() + self.under_way > 1 || self.assembled > 0 {
            return Ok(false);
        }
        if let Some(chunk) = self.next_chunk() {
            let (number, stream) = (chunk.number, chunk.stream);
            let prepared = chunk.prepare(store, worker, &self.encoding);
            self.done(Done { number, stream, prepared })?;
        }
        Ok(true)
    }

    /// Members that are complete and are to be appended now, so that a long object does not hold them all to its end;
    /// most of the time there are none.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn take_nodes(&mut self, store: &Store) -> Result<Vec<Blob>, StoreError> {
        if self.assembly.has_many_members() { store.settle(&mut self.assembly) } else { Ok(Vec::new()) }
    }

    /// Takes the placings of nodes that were appended.
    pub fn add_nodes(&mut self, placings: Placings) {
        self.assembly.add_placings(placings);
    }

    /// The content of an object that is ended and whose chunks are all done.
    ///
    /// # Errors
    /// As [`Store::finish`].
    pub fn into_content(self, store: &Store) -> Result<Content, StoreError> {
        store.finish(self.into_assembly())
    }

    pub(in crate::store) fn into_assembly(self) -> Assembly {
        self.assembly
    }
}

impl Chunk {
    /// Encodes the window and appends it; `done` is called with what came of it, on this thread or on the log thread,
    /// where it must not block. It is dropped when the log ends first.
    pub fn store(
        self,
        store: &Store,
        worker: &mut Worker,
        encoding: &Arc<Encoding>,
        done: impl FnOnce(Done) + Send + 'static,
    ) {
        let (number, stream) = (self.number, self.stream);
        let finish = move |prepared| done(Done { number, stream, prepared });
        let keeps = encoding.optimized && store.bugs().has(Bug::OptimizeCommitsBeforeWindows);
        let prepared = match self.prepare(store, worker, encoding) {
            Ok(Prepared { entry, pins, codec, state: State::New(blob) }) if !keeps => (entry, pins, codec, blob),
            prepared => return finish(prepared),
        };
        let (entry, pins, codec, blob) = prepared;
        // No handle on the store: the log thread would drop it.
        let encoding = Arc::clone(encoding);
        store.append(vec![*blob], move |placings| {
            finish(placings.and_then(|mut placings| {
                let placing = placings.pop().ok_or_else(StoreError::closing)?;
                // Known to later windows at once, not when the driver gets around to look.
                encoding.sketches.appended(&placing);
                Ok(Prepared { entry, pins, codec, state: State::Appended(placing) })
            }));
        });
    }

    fn prepare(self, store: &Store, worker: &mut Worker, encoding: &Encoding) -> Result<Prepared, StoreError> {
        let bytes = (self.direct && encoding.upload).then(|| self.window.bytes.clone());
        let prepared = store.prepare(worker, encoding.space, &encoding.options(&self), self.window)?;
        if let Some(bytes) = bytes.filter(|_| prepared.codec.has_references()) {
            store.keep(prepared.entry.hash, &bytes);
        }
        Ok(prepared)
    }
}
