//! Building and walking recipes.

use std::collections::VecDeque;
use std::ops::Range;

use deltastore_format::recipe::{MAX_INLINE_ENTRIES, MAX_NODE_ENTRIES, MAX_NODE_LEVEL};
use deltastore_format::{Entry, EntryKind, Hash, Node, Recipe};

use super::blob::Blob;
use super::error::StoreError;

/// A recipe of any number of entries, and the nodes it needs, children first.
pub fn build(mut entries: Vec<Entry>, level_of: impl Fn(&Entry) -> u8) -> (Recipe, Vec<Blob>) {
    entries.retain(|entry| entry.len > 0);
    let mut nodes = Vec::new();
    let mut level = entries.iter().map(&level_of).max().unwrap_or(0);
    while entries.len() > MAX_INLINE_ENTRIES {
        entries = entries
            .chunks(MAX_NODE_ENTRIES)
            .map(|children| {
                let (entry, blob) = node(level, children);
                nodes.push(blob);
                entry
            })
            .collect();
        level += 1;
    }
    (Recipe { entries }, nodes)
}

fn node(level: u8, children: &[Entry]) -> (Entry, Blob) {
    let mut payload = Vec::new();
    Node { level, entries: children.to_vec() }.encode(&mut payload);
    let len = children.iter().map(|entry| entry.len).sum();
    let blob = Blob::node(payload, children.iter().map(|entry| entry.hash).collect());
    (Entry { kind: EntryKind::Node, hash: blob.hash, skip: 0, len }, blob)
}

/// The entries that make `range` of what `entries` make.
pub fn restrict(entries: &[Entry], range: Range<u64>) -> Vec<Entry> {
    let mut start = 0u64;
    let mut kept = Vec::new();
    for entry in entries {
        let end = start.saturating_add(entry.len);
        let (from, to) = (range.start.max(start), range.end.min(end));
        if from < to {
            kept.push(Entry { skip: entry.skip + (from - start), len: to - from, ..*entry });
        }
        start = end;
        if start >= range.end {
            break;
        }
    }
    kept
}

/// Walks the windows and members of a range of a recipe in order, loading nodes as they come.
pub struct Walk {
    /// Entries to come, each with the level below which a node it names must be.
    queue: VecDeque<(Entry, u8)>,
}

impl Walk {
    pub fn new(recipe: &Recipe, range: Range<u64>) -> Self {
        Self { queue: restrict(&recipe.entries, range).into_iter().map(|entry| (entry, MAX_NODE_LEVEL + 1)).collect() }
    }

    /// Takes the next slice of a window or member if no node has to be loaded for it.
    pub fn take_window(&mut self) -> Option<Entry> {
        self.queue.pop_front_if(|(entry, _)| entry.kind != EntryKind::Node).map(|(entry, _)| entry)
    }

    /// True when nothing is left.
    pub fn is_done(&self) -> bool {
        self.queue.is_empty()
    }

    /// The next slice of a window or member. Loads at most one node per level before it.
    pub fn next(&mut self, load: impl Fn(&Hash) -> Result<Node, StoreError>) -> Result<Option<Entry>, StoreError> {
        while let Some((entry, below)) = self.queue.pop_front() {
            match entry.kind {
                EntryKind::Window | EntryKind::Member => return Ok(Some(entry)),
                EntryKind::Node => {
                    let node = load(&entry.hash)?;
                    let children = restrict(&node.entries, entry.skip..entry.skip.saturating_add(entry.len));
                    if node.level >= below || children.iter().map(|child| child.len).sum::<u64>() != entry.len {
                        return Err(StoreError::BadNode { hash: entry.hash });
                    }
                    children.into_iter().rev().for_each(|child| self.queue.push_front((child, node.level)));
                }
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn window(number: u16, len: u64) -> Entry {
        let mut hash = [0; 32];
        hash[..2].copy_from_slice(&number.to_be_bytes());
        Entry { kind: EntryKind::Window, hash: Hash(hash), skip: 0, len }
    }

    #[test]
    fn a_walk_over_a_built_tree_yields_the_slices_of_any_range() {
        let entries: Vec<_> = (0..3000).map(|number| window(number, 1 + u64::from(number % 7))).collect();
        let (recipe, blobs) = build(entries.clone(), |_| 0);
        assert_eq!(recipe.entries.len(), 3);
        let nodes: HashMap<_, _> =
            blobs.iter().map(|blob| (blob.hash, Node::decode(&blob.body).expect("own encoding"))).collect();
        let total = recipe.len();
        assert_eq!(total, entries.iter().map(|entry| entry.len).sum::<u64>());
        for range in [0..total, 0..1, total - 1..total, 2500..9000, 4096..4097] {
            let mut walk = Walk::new(&recipe, range.clone());
            let mut slices = Vec::new();
            while let Some(entry) = walk.next(|hash| Ok(nodes[hash].clone())).expect("all nodes are there") {
                slices.push(entry);
            }
            assert_eq!(slices, restrict(&entries, range));
        }
    }

    #[test]
    fn short_recipes_need_no_nodes_and_empty_entries_vanish() {
        let (recipe, nodes) = build(vec![window(1, 0), window(2, 5)], |_| 0);
        assert_eq!(recipe.entries, vec![window(2, 5)]);
        assert!(nodes.is_empty());
    }
}
