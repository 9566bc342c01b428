//! Putting content together from prepared windows or from slices of recipes.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use crossbeam_channel::bounded;
use deltastore_format::recipe::{MAX_INLINE_ENTRIES, MAX_NODE_LEVEL};
use deltastore_format::{Codec, Entry, EntryKind, Hash, Recipe};

use super::assembly::Assembly;
use crate::invariants::invariant;
use crate::store::Store;
use crate::store::blob::{AppendedBlob, Blob};
use crate::store::bugs::Bug;
use crate::store::content::Content;
use crate::store::error::StoreError;
use crate::store::log::Callback;
use crate::store::recipe::{build, restrict};

/// Highest level asked of the first nodes made over given entries: millions of entries need two levels above them.
const MAX_CHILD_LEVEL: u8 = MAX_NODE_LEVEL - 2;

/// What was appended, in order.
pub type Placings = Vec<Arc<AppendedBlob>>;

impl Store {
    /// Appends records in their order; `done` is called on the log thread and must not block.
    pub fn append(&self, blobs: Vec<Blob>, done: impl FnOnce(Result<Placings, StoreError>) + Send + 'static) {
        let handoffs = self.handoffs().clone();
        handoffs.count();
        // No handle on the store: this runs on its own thread.
        let soundness = Arc::clone(self.blobs().soundness());
        let done = Callback::new(move |result: Result<Placings, StoreError>| {
            for placing in result.iter().flatten() {
                soundness.verified(&placing.hash, placing.row.position);
            }
            handoffs.count();
            done(result);
        });
        match self.log() {
            Ok(log) => log.append(blobs, done),
            Err(error) => done.call(Err(error)),
        }
    }

    /// As [`Store::append`], for threads that may wait.
    ///
    /// # Errors
    /// What appending gives.
    pub fn append_and_wait(&self, blobs: Vec<Blob>) -> Result<Placings, StoreError> {
        let (sender, receiver) = bounded(1);
        self.append(blobs, move |result| drop(sender.send(result)));
        receiver.recv().unwrap_or_else(|_| Err(StoreError::closing()))
    }

    /// Appends what would be appended with the commit, so that the content can be read before.
    ///
    /// # Errors
    /// What appending gives.
    pub fn append_unwritten(&self, content: &mut Content) -> Result<(), StoreError> {
        let unwritten = content.take_unwritten();
        if unwritten.is_empty() {
            return Ok(());
        }
        content.placings.extend(self.append_and_wait(unwritten)?);
        Ok(())
    }

    /// The content of an assembly; writes the recipe's nodes with the commit.
    ///
    /// # Errors
    /// When the index or a node cannot be read, and [`StoreError::Incomplete`] when spans and windows do not fit
    /// together.
    pub fn finish(&self, assembly: Assembly) -> Result<Content, StoreError> {
        let (content, entries, members) = assembly.into_parts()?;
        let (entries, levels) = self.flatten(entries)?;
        self.put_together(content, entries, &levels, members)
    }

    fn put_together(
        &self,
        mut content: Content,
        entries: Vec<Entry>,
        levels: &HashMap<Hash, u8>,
        members: Vec<Blob>,
    ) -> Result<Content, StoreError> {
        let size = entries.iter().map(|entry| entry.len).sum::<u64>();
        let (recipe, nodes) = build(entries, |entry| levels.get(&entry.hash).copied().unwrap_or(0));
        let members = members.into_iter().map(|member| self.member_node(member));
        for node in members.chain(nodes) {
            self.add_node(&mut content, node)?;
        }
        invariant!(recipe.len() == size, "a recipe makes {} bytes of {size}", recipe.len());
        content.recipe = recipe;
        Ok(content)
    }

    /// Members of a growing assembly that are to be appended now, so that it does not hold them all to its end.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn settle(&self, assembly: &mut Assembly) -> Result<Vec<Blob>, StoreError> {
        for member in assembly.take_members() {
            self.add_node(assembly.content_mut(), self.member_node(member))?;
        }
        Ok(assembly.content_mut().take_unwritten())
    }

    fn member_node(&self, mut member: Blob) -> Blob {
        if self.bugs().has(Bug::ForgetMemberLinks) {
            member.links.clear();
        }
        member
    }

    /// A node whose record is damaged is written anew, and takes its place. What it names is the caller's to verify.
    fn add_node(&self, content: &mut Content, mut node: Blob) -> Result<(), StoreError> {
        let (pin, fresh) = self.pin(node.hash);
        content.pins.push(pin);
        let known = self.index().blob(&node.hash)?;
        if let Some(placing) = &fresh
            && placing.takes_effect(known.as_ref())
            && self.is_sound(&node.hash, &placing.row)?
        {
            content.placings.push(Arc::clone(placing));
            return Ok(());
        }
        if let Some(row) = &known
            && self.is_sound(&node.hash, row)?
        {
            return Ok(());
        }
        node.heals = known.is_some() || fresh.is_some();
        content.stored_bytes += node.row.record_len;
        content.unwritten.push(node);
        Ok(())
    }

    /// Content made of slices of stored recipes: no data moves. What it names is pinned, and verified as far as the
    /// budget goes.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when a piece was deleted and collected meanwhile; damage to what it names.
    pub fn concat(&self, pieces: &[(Recipe, Range<u64>)]) -> Result<Content, StoreError> {
        let mut content = Content::default();
        let mut entries = Vec::new();
        for (recipe, range) in pieces {
            for entry in restrict(&recipe.entries, range.clone()) {
                let (pin, _) = self.pin(entry.hash);
                let row = self.index().blob(&entry.hash)?.ok_or(StoreError::Missing { hash: entry.hash })?;
                content.pins.push(pin);
                // How a node's windows are stored is not looked up: the storage type of a copy is a hint.
                let codec = if entry.kind == EntryKind::Window { row.codec } else { Codec::Zstd };
                content.tally.add(codec);
                entries.push(entry);
            }
        }
        let (entries, levels) = self.flatten(entries)?;
        if !self.bugs().has(Bug::LinkWithoutVerification) {
            self.verify_linked(&entries)?;
        }
        self.put_together(content, entries, &levels, Vec::new())
    }

    /// Entries of a long recipe low enough that the nodes above them stay within the format's levels, and the level
    /// that each asks of a node above it. Copies of copies would otherwise nest without end.
    fn flatten(&self, mut entries: Vec<Entry>) -> Result<(Vec<Entry>, HashMap<Hash, u8>), StoreError> {
        let mut levels = HashMap::new();
        if entries.len() <= MAX_INLINE_ENTRIES {
            return Ok((entries, levels));
        }
        loop {
            let mut flat = Vec::with_capacity(entries.len());
            let mut deep = false;
            for entry in entries {
                if entry.kind != EntryKind::Node || levels.contains_key(&entry.hash) {
                    flat.push(entry);
                    continue;
                }
                let node = self.blobs().node(&entry.hash)?;
                if node.level + 1 > MAX_CHILD_LEVEL {
                    deep = true;
                    flat.extend(restrict(&node.entries, entry.skip..entry.skip.saturating_add(entry.len)));
                } else {
                    levels.insert(entry.hash, node.level + 1);
                    flat.push(entry);
                }
            }
            if !deep {
                return Ok((flat, levels));
            }
            entries = flat;
        }
    }
}
