//! Putting content together from prepared windows or from slices of recipes.

use std::ops::Range;
use std::sync::Arc;

use deltastore_format::{Codec, Entry, EntryKind, Hash, Recipe};

use super::Store;
use super::blob::{Blob, Placing};
use super::content::Content;
use super::error::StoreError;
use super::ingest::{Prepared, State};
use super::log::Callback;
use super::recipe::{build, restrict};

/// Content that is growing, window by window in order.
#[derive(Default)]
pub struct Assembly {
    content: Content,
    entries: Vec<Entry>,
}

impl Assembly {
    /// Adds the next window. One that is still [`State::New`] is appended together with the commit.
    pub fn push(&mut self, prepared: Prepared) {
        let Prepared { entry, pins, codec, state } = prepared;
        self.entries.push(entry);
        self.content.pins.extend(pins);
        self.content.tally.add(codec);
        match state {
            State::Linked => {}
            State::Fresh(placing) => self.content.placings.push(placing),
            State::Appended(placing) => {
                self.content.stored_bytes += placing.row.record_len;
                self.content.placings.push(placing);
            }
            State::New(blob) => {
                self.content.stored_bytes += blob.row.record_len;
                self.content.unwritten.push(blob);
            }
        }
    }

    /// True when no window was added yet.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// True when the recipe needs nodes, and finishing reads the index.
    pub fn is_long(&self) -> bool {
        self.entries.len() > deltastore_format::recipe::MAX_INLINE_ENTRIES
    }
}

impl Store {
    /// Appends a window's record; `done` is called on the log thread and must not block.
    pub fn append(&self, blob: Blob, done: impl FnOnce(Result<Arc<Placing>, StoreError>) + Send + 'static) {
        let done = Callback::new(move |result: Result<Vec<Arc<Placing>>, StoreError>| {
            done(result.and_then(|mut placings| placings.pop().ok_or_else(|| StoreError::ReadOnly("closing".into()))));
        });
        match self.inner().log() {
            Ok(log) => log.append(vec![blob], done),
            Err(error) => done.call(Err(error)),
        }
    }

    /// The content of an assembly; writes the recipe's nodes with the commit.
    ///
    /// # Errors
    /// When the index or a node cannot be read.
    pub fn finish(&self, assembly: Assembly) -> Result<Content, StoreError> {
        let Assembly { mut content, entries } = assembly;
        let levels = self.levels(&entries)?;
        let (recipe, nodes) = build(entries, |entry| levels.get(&entry.hash).copied().unwrap_or(0));
        for node in nodes {
            let (pin, fresh) = self.inner().pin(node.hash);
            content.pins.push(pin);
            match fresh {
                Some(placing) => content.placings.push(placing),
                None if self.index().blob(&node.hash)?.is_some() => {}
                None => {
                    content.stored_bytes += node.row.record_len;
                    content.unwritten.push(node);
                }
            }
        }
        content.recipe = recipe;
        Ok(content)
    }

    /// Content made of slices of stored recipes: no data moves. What it names is pinned.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when a piece was deleted and collected meanwhile.
    pub fn concat(&self, pieces: &[(Recipe, Range<u64>)]) -> Result<Content, StoreError> {
        let mut assembly = Assembly::default();
        for (recipe, range) in pieces {
            for entry in restrict(&recipe.entries, range.clone()) {
                let (pin, _) = self.inner().pin(entry.hash);
                let row = self.index().blob(&entry.hash)?.ok_or(StoreError::Missing { hash: entry.hash })?;
                assembly.content.pins.push(pin);
                // How a node's windows are stored is not looked up: the storage type of a copy is a hint.
                let codec = if entry.kind == EntryKind::Window { row.codec } else { Codec::Zstd };
                assembly.content.tally.add(codec);
                assembly.entries.push(entry);
            }
        }
        self.finish(assembly)
    }

    /// Levels of what the entries of a long recipe name: one more than the node's own.
    fn levels(&self, entries: &[Entry]) -> Result<std::collections::HashMap<Hash, u8>, StoreError> {
        if entries.len() <= deltastore_format::recipe::MAX_INLINE_ENTRIES {
            return Ok(Default::default());
        }
        entries
            .iter()
            .filter(|entry| entry.kind == EntryKind::Node)
            .map(|entry| Ok((entry.hash, self.inner().blobs.node(&entry.hash)?.level + 1)))
            .collect()
    }
}
