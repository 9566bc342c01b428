//! The walk over one object: each piece and member in order.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use deltastore_format::{Codec, Entry, EntryKind, Hash, Member, NodePayload, Recipe};
use deltastore_members::{Step, describe};

use super::report::{Inspection, Recreation, Use, WindowUse};
use crate::store::fetch::CachePolicy;
use crate::store::{Store, StoreError, Walk, Worker, slice_of};

/// Most bytes of the view that a unit takes although they lie before its own: history of its encoder, and what that
/// reads ahead.
const OVERLAP: u64 = 512 << 10;

/// View slices that are remembered to tell such bytes.
const TAIL: usize = 16;

/// The walk over one object so far: [`Survey::step`] until nothing is left, then [`Survey::finish`].
pub struct Survey {
    pub(super) store: Store,
    walk: Walk,
    worker: Worker,
    pub(super) out: Inspection,
    pub(super) links: Links,
    /// Where in the object.
    position: u64,
    /// The last slices of the view: window, from, to.
    tail: VecDeque<(Hash, u64, u64)>,
    /// Where each window is in the answer, and up to where in it it was used.
    pub(super) windows: HashMap<Hash, (usize, u64)>,
    pub(super) nodes: HashMap<Hash, u64>,
    pub(super) recreations: BTreeMap<String, Recreation>,
    pub(super) nested: BTreeMap<String, Recreation>,
}

/// What within the object needs what.
#[derive(Default)]
pub(super) struct Links {
    /// How often the object itself uses a blob.
    pub(super) own: HashMap<Hash, i64>,
    pub(super) children: HashMap<Hash, Vec<Hash>>,
}

impl Links {
    pub(super) fn add(&mut self, hash: Hash) {
        *self.own.entry(hash).or_default() += 1;
    }

    /// A blob that needs others; false if it was added before.
    pub(super) fn add_parent(&mut self, hash: Hash, children: Vec<Hash>) -> bool {
        if self.children.contains_key(&hash) {
            return false;
        }
        children.iter().for_each(|child| self.add(*child));
        self.children.insert(hash, children);
        true
    }
}

impl Survey {
    pub(super) fn new(store: Store, recipe: &Recipe) -> Self {
        let mut links = Links::default();
        recipe.entries.iter().for_each(|entry| links.add(entry.hash));
        Self {
            store,
            walk: Walk::new(recipe, 0..recipe.len()),
            // What is looked at once is not worth a place in the cache.
            worker: Worker { cache: CachePolicy::No, ..Worker::new() },
            out: Inspection { size: recipe.len(), ..Inspection::default() },
            links,
            position: 0,
            tail: VecDeque::new(),
            windows: HashMap::new(),
            nodes: HashMap::new(),
            recreations: BTreeMap::new(),
            nested: BTreeMap::new(),
        }
    }

    /// Takes in at most so many further pieces and members; false once there is nothing left.
    ///
    /// # Errors
    /// What reading the index, recipe nodes and members gives.
    pub fn step(&mut self, most: usize) -> Result<bool, StoreError> {
        for _ in 0..most {
            let nodes = RefCell::new(Vec::new());
            let store = &self.store;
            let next = self.walk.next(|hash| {
                let node = store.blobs().node(hash)?;
                nodes.borrow_mut().push((*hash, node.entries.iter().map(|entry| entry.hash).collect()));
                Ok(node)
            })?;
            nodes.into_inner().into_iter().try_for_each(|(hash, children)| self.node(hash, children))?;
            let Some(entry) = next else { return Ok(false) };
            match entry.kind {
                EntryKind::Member => self.member(&entry)?,
                EntryKind::Window | EntryKind::Node => self.piece(&entry)?,
            }
        }
        Ok(true)
    }

    /// Windows, members and recipe nodes that were found so far: what it takes memory for.
    pub fn blobs(&self) -> usize {
        self.windows.len() + self.nodes.len()
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
        let member = self.read_member(entry, entry.len)?;
        let view = length(&member.view);
        self.out.view_bytes += view - member.view.first().map_or(0, |first| self.overlap(first)).min(view);
        for slice in &member.view {
            match slice.kind {
                EntryKind::Member => self.nested(slice, entry.len)?,
                EntryKind::Window | EntryKind::Node => self.window(slice, entry.len, Use::View)?,
            }
            self.remember(slice);
        }
        let (by, copied) = self.described(&member);
        self.recreated(by, entry.len, copied.min(entry.len), view);
        Ok(())
    }

    /// A member in the view of one that makes the next `len` bytes of the object.
    fn nested(&mut self, entry: &Entry, len: u64) -> Result<(), StoreError> {
        if self.nodes.contains_key(&entry.hash) {
            return Ok(());
        }
        let member = self.read_member(entry, len)?;
        member.view.iter().try_for_each(|slice| self.window(slice, len, Use::View))?;
        let (by, copied) = self.described(&member);
        let (bytes, view) = (u64::from(member.len), length(&member.view));
        add(&mut self.nested, by, [bytes, copied.min(bytes), view]);
        Ok(())
    }

    /// A member, its program noted, which helps to make the next `len` bytes of the object.
    fn read_member(&mut self, entry: &Entry, len: u64) -> Result<Member, StoreError> {
        let NodePayload::Member(member) = self.store.blobs().payload(&entry.hash)? else {
            return Err(StoreError::BadNode { hash: entry.hash });
        };
        self.node(entry.hash, member.program.iter().chain(&member.view).map(|slice| slice.hash).collect())?;
        for slice in &member.program {
            self.window(slice, len, Use::Programs)?;
            self.out.program_bytes += slice.len;
        }
        Ok(member)
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
        add(&mut self.recreations, by, [bytes, copied, view]);
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
            codec: row.as_ref().map_or("missing", |row| codec_name(row.codec)).into(),
            depth: row.as_ref().map_or(0, |row| row.depth),
            cold: row.as_ref().is_some_and(|row| row.optimized),
            references: references.iter().map(Hash::to_string).collect(),
            shared: false,
        });
        self.links.add_parent(slice.hash, references);
        Ok(())
    }
}

fn length(slices: &[Entry]) -> u64 {
    slices.iter().fold(0, |sum, slice| sum.saturating_add(slice.len))
}

fn add(sums: &mut BTreeMap<String, Recreation>, by: String, [bytes, copied, view]: [u64; 3]) {
    let empty = Recreation { by: by.clone(), units: 0, bytes: 0, copied_bytes: 0, view_bytes: 0 };
    let sum = sums.entry(by).or_insert(empty);
    sum.units += 1;
    sum.bytes += bytes;
    sum.copied_bytes += copied;
    sum.view_bytes += view;
}

fn codec_name(codec: Codec) -> &'static str {
    match codec {
        Codec::Raw => "raw",
        Codec::Zstd => "zstd",
        Codec::ZstdReferences => "zstd-references",
        Codec::Vcdiff => "vcdiff",
        Codec::Approximate => "approximate",
        Codec::Columns => "columns",
        Codec::ColumnsReferences => "columns-references",
        Codec::Tokens => "tokens",
    }
}
