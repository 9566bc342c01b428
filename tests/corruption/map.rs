//! Where everything lies: the records of a world, and which objects need which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use deltastore::object::Objects;
use deltastore_format::record::RECORD_HEADER_LEN;
use deltastore_format::segment::SEGMENT_HEADER_LEN;
use deltastore_format::{
    BucketId, Change, Commit, Entry, EntryKind, Hash, NodePayload, Op, Position, RecordKind, SegmentId, record_len,
};
use deltastore_segment::{Scanned, Scanner, SegmentReader, WindowPayload, list_segments, segment_path};

use crate::world::{DIR, Name, World};

/// Part of a file that one flip can hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Region {
    SegmentHeader,
    RecordHeader(u8),
    Payload(u8),
    Padding,
}

/// A record, or a segment's header.
pub struct Place {
    pub at: Position,
    pub end: u64,
    payload_end: u64,
    pub kind: Option<RecordKind>,
    /// Objects that cannot be read without these bytes.
    pub needed_by: BTreeSet<Name>,
    /// Objects that a rebuild makes something else of without these bytes.
    pub decides: BTreeSet<Name>,
    pub decides_upload: bool,
}

impl Place {
    pub fn region(&self, offset: u64) -> Region {
        match self.kind {
            None => Region::SegmentHeader,
            Some(kind) if offset < self.at.offset + RECORD_HEADER_LEN as u64 => Region::RecordHeader(kind as u8),
            Some(kind) if offset < self.payload_end => Region::Payload(kind as u8),
            Some(_) => Region::Padding,
        }
    }

    pub fn path(&self) -> PathBuf {
        segment_path(Path::new(DIR), self.at.segment)
    }
}

/// All places of a world.
pub fn places(world: &World, s3: &Objects) -> Vec<Place> {
    let needed = needed(world, s3);
    let mut all = Vec::new();
    for id in list_segments(&world.vfs, Path::new(DIR)).unwrap() {
        all.push(Place { needed_by: BTreeSet::new(), ..place(id, 0, SEGMENT_HEADER_LEN as u64, None) });
        let reader = SegmentReader::open(&world.vfs, Path::new(DIR), id).unwrap();
        for scanned in Scanner::new(&reader, SEGMENT_HEADER_LEN as u64, WindowPayload::Whole).unwrap() {
            let Scanned::Record { header, payload } = scanned.unwrap() else { panic!("a new store is whole") };
            let at = header.position;
            let mut place = place(id, at.offset, at.offset + record_len(header.payload_len), Some(header.kind));
            place.payload_end = at.offset + (RECORD_HEADER_LEN + payload.len()) as u64;
            place.needed_by = needed.get(&at).cloned().unwrap_or_default();
            if header.kind == RecordKind::Commit {
                let commit = Commit::decode(&payload).unwrap();
                commit.ops.iter().for_each(|op| decide(world, op, &mut place));
            }
            all.push(place);
        }
    }
    all
}

fn place(segment: SegmentId, offset: u64, end: u64, kind: Option<RecordKind>) -> Place {
    let (needed_by, decides) = (BTreeSet::new(), BTreeSet::new());
    let at = Position { segment, offset };
    Place { at, end, payload_end: end, kind, needed_by, decides, decides_upload: false }
}

fn decide(world: &World, op: &Op, place: &mut Place) {
    let mut key = |wanted: &str| place.decides.extend(world.history.keys().filter(|name| name.1 == wanted));
    match op {
        Op::Version(Change::Put { put, .. }) => key(&put.key),
        Op::Version(Change::Remove { id, .. }) => key(&id.key),
        Op::Bucket(Change::Put { put, .. }) => {
            place.decides.extend(world.history.keys().filter(|name| name.0 == put.name));
            place.decides_upload |= put.name == "alpha";
        }
        Op::Upload(_) | Op::Part(_) => place.decides_upload = true,
        Op::Bucket(Change::Remove { .. }) | Op::Document(_) => {}
    }
}

/// For each record, the objects whose recipes lead to it.
fn needed(world: &World, s3: &Objects) -> BTreeMap<Position, BTreeSet<Name>> {
    let mut needed: BTreeMap<Position, BTreeSet<Name>> = BTreeMap::new();
    for name in world.objects.keys() {
        let bucket: BucketId = s3.store().index().bucket(name.0).unwrap().unwrap().put.bucket;
        let row = s3.store().index().current(bucket, name.1).unwrap().unwrap();
        let mut found = BTreeSet::new();
        row.put.recipe.entries.iter().for_each(|entry| follow(world, s3, entry, &mut found));
        for position in found {
            needed.entry(position).or_default().insert(*name);
        }
    }
    needed
}

fn follow(world: &World, s3: &Objects, entry: &Entry, found: &mut BTreeSet<Position>) {
    if entry.kind == EntryKind::Window {
        return follow_window(s3, &entry.hash, found);
    }
    let row = s3.store().index().blob(&entry.hash).unwrap().unwrap();
    found.insert(row.position);
    let reader = SegmentReader::open(&world.vfs, Path::new(DIR), row.position.segment).unwrap();
    let entries = match NodePayload::decode(&reader.read(row.position.offset).unwrap().payload).unwrap() {
        NodePayload::List(node) => node.entries,
        NodePayload::Member(member) => [member.program, member.view].concat(),
    };
    entries.iter().for_each(|entry| follow(world, s3, entry, found));
}

fn follow_window(s3: &Objects, hash: &Hash, found: &mut BTreeSet<Position>) {
    let row = s3.store().index().blob(hash).unwrap().unwrap();
    found.insert(row.position);
    row.references.iter().for_each(|reference| follow_window(s3, reference, found));
}
