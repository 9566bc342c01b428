//! How one object is stored: its windows, what re-creates its members, and what of it other objects use too.
//!
//! Windows are not read, only looked up; recipe nodes, members and programs are read and verified.
//!
//! Failure cases: a damaged recipe node or member is an error, as for a client; a damaged program is counted as unreadable.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use deltastore_format::{Codec, Entry, EntryKind, Hash, Member, NodePayload, Recipe};
use deltastore_members::{Step, describe};
use serde::Serialize;

use super::{Store, StoreError, Walk, Worker, slice_of};

/// Most bytes of the view that a unit takes although they lie before its own: history of its encoder, and what that reads ahead.
const OVERLAP: u64 = 512 << 10;
/// View slices that are remembered to tell such bytes.
const TAIL: usize = 16;

/// What became of an object. All sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// The object.
    pub size: u64,
    /// The object with its compressed members expanded.
    pub view_bytes: u64,
    /// Programs that re-create members.
    pub program_bytes: u64,
    /// Records of its windows, members and recipe nodes, whoever else uses them; without the commit's record.
    pub stored_bytes: u64,
    /// Part of `stored_bytes` that others use too: other objects, parts, or windows encoded against them.
    pub shared_bytes: u64,
    /// Recipe nodes and members, part of `stored_bytes`.
    pub nodes: u64,
    pub node_bytes: u64,
    /// Windows that are not its own but needed to decode it, directly or not; not part of `stored_bytes`.
    pub references: u64,
    pub reference_bytes: u64,
    /// Its windows by how they are stored.
    pub codecs: Vec<CodecSum>,
    /// Bytes of the object by what makes them.
    pub recreations: Vec<Recreation>,
    /// Each once, in order of their first use.
    pub windows: Vec<WindowUse>,
}

/// Windows that are stored the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CodecSum {
    pub codec: &'static str,
    pub depth: u8,
    pub cold: bool,
    pub windows: u64,
    pub plain_bytes: u64,
    pub stored_bytes: u64,
}

/// Bytes of the object that come about the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recreation {
    /// `as it is`, `tokens`, an exact encoder with its settings, or several of them where units mix them.
    pub by: String,
    /// Pieces that are re-created one by one.
    pub units: u64,
    /// Bytes of the object.
    pub bytes: u64,
    /// Of those, bytes between compressed streams that units hold as they are.
    pub copied_bytes: u64,
    /// What units are made of; bytes that two of them use count twice.
    pub view_bytes: u64,
}

/// What of an object a window makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// Its bytes, as they are.
    Bytes,
    /// What members are re-created from.
    View,
    /// Both.
    Mixed,
    /// Programs that re-create members.
    Programs,
}

/// One window of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WindowUse {
    pub hash: String,
    /// The stretch of the object that it helps to make, at its first use.
    pub start: u64,
    pub end: u64,
    #[serde(rename = "use")]
    pub used: Use,
    /// Further places of the object that use it.
    pub repeats: u64,
    pub plain_bytes: u64,
    /// Its record; 0 when it is missing.
    pub stored_bytes: u64,
    pub codec: &'static str,
    pub depth: u8,
    pub cold: bool,
    /// Hashes of the windows it is encoded against.
    pub references: Vec<String>,
    /// Others use it too.
    pub shared: bool,
}

impl Store {
    /// How the object of a recipe is stored.
    ///
    /// # Errors
    /// What reading the index, recipe nodes and members gives.
    pub fn inspect(&self, recipe: &Recipe) -> Result<Inspection, StoreError> {
        let mut survey = Survey::new(self);
        survey.out.size = recipe.len();
        recipe.entries.iter().for_each(|entry| survey.links.add(entry.hash));
        let nodes = RefCell::new(Vec::new());
        let mut walk = Walk::new(recipe, 0..recipe.len());
        let load = |hash: &Hash| {
            let node = self.inner().blobs.node(hash)?;
            nodes.borrow_mut().push((*hash, node.entries.iter().map(|entry| entry.hash).collect()));
            Ok(node)
        };
        while let Some(entry) = walk.next(load)? {
            nodes.borrow_mut().drain(..).try_for_each(|(hash, children)| survey.node(hash, children))?;
            match entry.kind {
                EntryKind::Member => survey.member(&entry)?,
                EntryKind::Window | EntryKind::Node => survey.piece(&entry)?,
            }
        }
        survey.finish()
    }
}

/// The walk over one object so far.
struct Survey<'a> {
    store: &'a Store,
    worker: Worker,
    out: Inspection,
    links: Links,
    /// Where in the object.
    position: u64,
    /// The last slices of the view: window, from, to.
    tail: VecDeque<(Hash, u64, u64)>,
    /// Where each window is in the answer, and up to where in it it was used.
    windows: HashMap<Hash, (usize, u64)>,
    nodes: HashMap<Hash, u64>,
    recreations: BTreeMap<String, Recreation>,
}

/// What within the object needs what.
#[derive(Default)]
struct Links {
    /// How often the object itself uses a blob.
    own: HashMap<Hash, i64>,
    children: HashMap<Hash, Vec<Hash>>,
}

impl Links {
    fn add(&mut self, hash: Hash) {
        *self.own.entry(hash).or_default() += 1;
    }

    /// A blob that needs others; false if it was added before.
    fn add_parent(&mut self, hash: Hash, children: Vec<Hash>) -> bool {
        if self.children.contains_key(&hash) {
            return false;
        }
        children.iter().for_each(|child| self.add(*child));
        self.children.insert(hash, children);
        true
    }
}

impl<'a> Survey<'a> {
    fn new(store: &'a Store) -> Self {
        Self {
            store,
            worker: Worker::new(),
            out: Inspection::default(),
            links: Links::default(),
            position: 0,
            tail: VecDeque::new(),
            windows: HashMap::new(),
            nodes: HashMap::new(),
            recreations: BTreeMap::new(),
        }
    }

    /// A recipe node or a member.
    fn node(&mut self, hash: Hash, children: Vec<Hash>) -> Result<(), StoreError> {
        if self.links.add_parent(hash, children) {
            let len = self.store.index().blob(&hash)?.map_or(0, |row| row.record_len);
            self.nodes.insert(hash, len);
        }
        Ok(())
    }

    /// A slice of a window that is the object's as it is.
    fn piece(&mut self, entry: &Entry) -> Result<(), StoreError> {
        self.window(entry, entry.len, Use::Bytes)?;
        self.out.view_bytes += entry.len;
        self.remember(entry);
        self.recreated("as it is".to_owned(), entry.len, 0, entry.len);
        Ok(())
    }

    fn member(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let NodePayload::Member(member) = self.store.inner().blobs.payload(&entry.hash)? else {
            return Err(StoreError::BadNode { hash: entry.hash });
        };
        self.node(entry.hash, member.program.iter().chain(&member.view).map(|slice| slice.hash).collect())?;
        for slice in &member.program {
            self.window(slice, entry.len, Use::Programs)?;
            self.out.program_bytes += slice.len;
        }
        let view: u64 = member.view.iter().map(|slice| slice.len).sum();
        self.out.view_bytes += view - member.view.first().map_or(0, |first| self.overlap(first)).min(view);
        for slice in &member.view {
            self.window(slice, entry.len, Use::View)?;
            self.remember(slice);
        }
        let (by, copied) = self.described(&member);
        self.recreated(by, entry.len, copied.min(entry.len), view);
        Ok(())
    }

    /// View bytes that end the view so far and begin with `first`.
    fn overlap(&self, first: &Entry) -> u64 {
        let mut behind = 0;
        for &(hash, from, to) in self.tail.iter().rev() {
            if hash == first.hash && (from..to).contains(&first.skip) {
                return Some(behind + to - first.skip).filter(|&overlap| overlap <= OVERLAP).unwrap_or(0);
            }
            behind += to - from;
        }
        0
    }

    fn remember(&mut self, slice: &Entry) {
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back((slice.hash, slice.skip, slice.skip.saturating_add(slice.len)));
    }

    /// What makes a member, and how many of its bytes are copied from the view.
    fn described(&mut self, member: &Member) -> (String, u64) {
        let mut program = Vec::new();
        for slice in &member.program {
            let window = self.store.window(&slice.hash, &mut self.worker).and_then(|bytes| slice_of(&bytes, slice));
            program.extend_from_slice(&window.unwrap_or_default());
        }
        // An empty program, which no member has, is one that could not be read.
        let steps = describe(&program).ok().filter(|steps| !steps.is_empty());
        let Some(steps) = steps else { return ("a program that cannot be read".to_owned(), 0) };
        let copied = steps.iter().map(|step| if let Step::Copy { bytes } = step { *bytes } else { 0 });
        let names: BTreeSet<String> =
            steps.iter().filter(|step| !matches!(step, Step::Copy { .. })).map(Step::to_string).collect();
        let name = names.into_iter().collect::<Vec<_>>().join(" + ");
        (if name.is_empty() { "copied".to_owned() } else { name }, copied.fold(0, u64::saturating_add))
    }

    fn recreated(&mut self, by: String, bytes: u64, copied: u64, view: u64) {
        self.position += bytes;
        let empty = Recreation { by: by.clone(), units: 0, bytes: 0, copied_bytes: 0, view_bytes: 0 };
        let sum = self.recreations.entry(by).or_insert(empty);
        sum.units += 1;
        sum.bytes += bytes;
        sum.copied_bytes += copied;
        sum.view_bytes += view;
    }

    /// A window, a slice of which helps to make the next `len` bytes of the object.
    fn window(&mut self, slice: &Entry, len: u64, used: Use) -> Result<(), StoreError> {
        let (start, end) = (self.position, self.position + len);
        let slice_end = slice.skip.saturating_add(slice.len);
        if let Some((number, to)) = self.windows.get_mut(&slice.hash) {
            let window = &mut self.out.windows[*number];
            if window.used != used {
                window.used = Use::Mixed;
            }
            // Going on in the window is the same use of it, going back is another.
            if slice.skip.saturating_add(OVERLAP) < *to {
                window.repeats += 1;
            } else if window.repeats == 0 {
                window.end = end;
            }
            *to = slice_end;
            return Ok(());
        }
        let row = self.store.index().blob(&slice.hash)?;
        let references = row.as_ref().map(|row| row.references.clone()).unwrap_or_default();
        self.windows.insert(slice.hash, (self.out.windows.len(), slice_end));
        self.out.windows.push(WindowUse {
            hash: slice.hash.to_string(),
            start,
            end,
            used,
            repeats: 0,
            plain_bytes: row.as_ref().map_or(0, |row| row.raw_len.into()),
            stored_bytes: row.as_ref().map_or(0, |row| row.record_len),
            codec: row.as_ref().map_or("missing", |row| codec_name(row.codec)),
            depth: row.as_ref().map_or(0, |row| row.depth),
            cold: row.as_ref().is_some_and(|row| row.cold),
            references: references.iter().map(Hash::to_string).collect(),
            shared: false,
        });
        self.links.add_parent(slice.hash, references);
        Ok(())
    }

    fn finish(mut self) -> Result<Inspection, StoreError> {
        let shared = self.shared()?;
        for (hash, (number, _)) in &self.windows {
            self.out.windows[*number].shared = shared.contains(hash);
        }
        let mut sums: BTreeMap<_, CodecSum> = BTreeMap::new();
        for window in &self.out.windows {
            self.out.stored_bytes += window.stored_bytes;
            self.out.shared_bytes += if window.shared { window.stored_bytes } else { 0 };
            let WindowUse { codec, depth, cold, .. } = *window;
            let empty = CodecSum { codec, depth, cold, windows: 0, plain_bytes: 0, stored_bytes: 0 };
            let sum = sums.entry((codec, depth, cold)).or_insert(empty);
            sum.windows += 1;
            sum.plain_bytes += window.plain_bytes;
            sum.stored_bytes += window.stored_bytes;
        }
        self.out.codecs = sums.into_values().collect();
        self.out.nodes = self.nodes.len() as u64;
        self.out.node_bytes = self.nodes.values().sum();
        self.out.stored_bytes += self.out.node_bytes;
        self.out.shared_bytes +=
            self.nodes.iter().filter(|(hash, _)| shared.contains(hash)).map(|(_, len)| len).sum::<u64>();
        self.out.recreations = self.recreations.values().cloned().collect();
        self.out.recreations.sort_by_key(|recreation| std::cmp::Reverse(recreation.bytes));
        self.references()?;
        Ok(self.out)
    }

    /// Blobs that others use too: linked from outside the object, or needed by such a one.
    fn shared(&self) -> Result<HashSet<Hash>, StoreError> {
        let blobs: Vec<Hash> = self.windows.keys().chain(self.nodes.keys()).copied().collect();
        let counts = self.store.index().links_of(&blobs)?;
        let own = |hash: &Hash| self.links.own.get(hash).copied().unwrap_or(0);
        let mut open: Vec<Hash> =
            blobs.iter().zip(counts).filter(|(hash, count)| *count > own(hash)).map(|(hash, _)| *hash).collect();
        let mut shared = HashSet::new();
        while let Some(hash) = open.pop() {
            if shared.insert(hash) {
                open.extend(self.links.children.get(&hash).into_iter().flatten());
            }
        }
        Ok(shared)
    }

    /// Counts what the object's windows are encoded against, as far as it is not the object's.
    fn references(&mut self) -> Result<(), StoreError> {
        let windows = self.windows.keys().filter_map(|hash| self.links.children.get(hash));
        let mut open: Vec<Hash> = windows.flatten().copied().collect();
        let mut seen = HashSet::new();
        while let Some(hash) = open.pop() {
            if !self.windows.contains_key(&hash)
                && seen.insert(hash)
                && let Some(row) = self.store.index().blob(&hash)?
            {
                self.out.references += 1;
                self.out.reference_bytes += row.record_len;
                open.extend(row.references);
            }
        }
        Ok(())
    }
}

fn codec_name(codec: Codec) -> &'static str {
    match codec {
        Codec::Raw => "raw",
        Codec::Zstd => "zstd",
        Codec::ZstdReferences => "zstd-references",
        Codec::Vcdiff => "vcdiff",
        Codec::Approximate => "approximate",
    }
}
