//! Content that is growing: windows as they are prepared, extents as they become known, entries and members from both.
//!
//! Extents come in two layers, see [`super::chunker`]: entries of the outer view are made first, and of those the
//! object's.
//!
//! Invariant: entries tile the object in order; a member is made only of windows that are pushed already, and of
//! members that come before it.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use deltastore_format::{Entry, EntryKind, Member};

use super::{Extent, Prepared, State, StreamKind};
use crate::invariants::invariant;
use crate::store::blob::{AppendedBlob, Blob};
use crate::store::content::Content;
use crate::store::error::StoreError;

/// Members held before they are worth appending on their own.
const MANY_MEMBERS: usize = 512;

/// See the module.
#[derive(Default)]
pub struct Assembly {
    content: Content,
    entries: Vec<Entry>,
    members: Vec<Blob>,
    /// Windows of the stored view.
    view: Track,
    outer_view: Track,
    programs: Track,
    inner: Layer,
    outer: Layer,
}

/// What makes a stream, in order.
#[derive(Default)]
struct Track {
    entries: Vec<(u64, Entry)>,
    end: u64,
}

/// Extents that wait for what they are made of.
#[derive(Default)]
struct Layer(VecDeque<Extent>);

impl Assembly {
    /// Adds the next window of a stream. One that is still [`State::New`] is appended together with the commit.
    pub fn push(&mut self, stream: StreamKind, prepared: Prepared) {
        let Prepared { entry, pins, codec, state } = prepared;
        match stream {
            StreamKind::View => self.view.push(entry),
            StreamKind::Programs => self.programs.push(entry),
        }
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
                self.content.unwritten.push(*blob);
            }
        }
        self.resolve();
    }

    /// Adds the next extents of both layers.
    pub fn add_extents(&mut self, outer: Vec<Extent>, inner: Vec<Extent>) {
        self.outer.add(outer);
        self.inner.add(inner);
        self.resolve();
    }

    /// True when [`crate::store::Store::settle`] is worth its while.
    pub fn has_many_members(&self) -> bool {
        self.members.len() >= MANY_MEMBERS
    }

    /// Adds members that were appended.
    pub fn add_placings(&mut self, placings: Vec<Arc<AppendedBlob>>) {
        self.content.placings.extend(placings);
    }

    pub(in crate::store) fn content_mut(&mut self) -> &mut Content {
        &mut self.content
    }

    /// For a planted bug: the object's pieces in another order.
    pub(in crate::store) fn swap_entries(&mut self) {
        if self.entries.len() > 1 {
            self.entries.swap(0, 1);
        }
    }

    pub(in crate::store) fn take_members(&mut self) -> Vec<Blob> {
        std::mem::take(&mut self.members)
    }

    pub(in crate::store) fn into_parts(self) -> Result<(Content, Vec<Entry>, Vec<Blob>), StoreError> {
        match self.inner.0.front().or(self.outer.0.front()) {
            Some(extent) => Err(StoreError::Incomplete { needed: extent.view.end, found: self.view.end }),
            None => Ok((self.content, self.entries, self.members)),
        }
    }

    /// Makes entries of all extents whose windows are there.
    fn resolve(&mut self) {
        let Self { entries, members, view, outer_view, programs, inner, outer, .. } = self;
        inner.resolve(view, programs, members, |entry| outer_view.push(entry));
        outer.resolve(outer_view, programs, members, |entry| match entries.last_mut() {
            Some(last) if last.hash == entry.hash && last.skip + last.len == entry.skip => last.len += entry.len,
            _ => entries.push(entry),
        });
    }
}

impl Layer {
    fn add(&mut self, extents: Vec<Extent>) {
        for extent in extents {
            match self.0.back_mut() {
                Some(last) if last.is_copy() && extent.is_copy() && last.view.end == extent.view.start => {
                    last.view.end = extent.view.end;
                }
                _ => self.0.push_back(extent),
            }
        }
    }

    fn resolve(&mut self, view: &Track, programs: &Track, members: &mut Vec<Blob>, mut found: impl FnMut(Entry)) {
        while let Some(extent) = self.0.front_mut() {
            if extent.is_copy() {
                // As far as it goes: a long one would hold up what is made of it.
                let there = view.end.clamp(extent.view.start, extent.view.end);
                view.slices(extent.view.start..there).into_iter().for_each(&mut found);
                extent.view.start = there;
                if there < extent.view.end {
                    return;
                }
            } else {
                if extent.view.end > view.end || extent.program.end > programs.end {
                    return;
                }
                let blob = member(extent, programs.slices(extent.program.clone()), view.slices(extent.view.clone()));
                found(Entry { kind: EntryKind::Member, hash: blob.hash, skip: 0, len: extent.len });
                members.push(blob);
            }
            self.0.pop_front();
        }
    }
}

impl Extent {
    fn is_copy(&self) -> bool {
        self.program.is_empty()
    }
}

impl Track {
    fn push(&mut self, entry: Entry) {
        self.entries.push((self.end, entry));
        self.end += entry.len;
    }

    /// The entries that make a range; it must be there.
    fn slices(&self, range: Range<u64>) -> Vec<Entry> {
        let first = self.entries.partition_point(|(start, entry)| start + entry.len <= range.start);
        let in_range = self.entries[first..].iter().take_while(|(start, _)| *start < range.end);
        let slices: Vec<_> = in_range
            .map(|(start, entry)| {
                let (from, to) = (range.start.max(*start), range.end.min(start + entry.len));
                Entry { skip: entry.skip + (from - start), len: to - from, ..*entry }
            })
            .collect();
        let tiles = slices.iter().map(|slice| slice.len).sum::<u64>() == range.end - range.start;
        invariant!(tiles, "{range:?} is made of {slices:?}");
        slices
    }
}

fn member(extent: &Extent, program: Vec<Entry>, view: Vec<Entry>) -> Blob {
    let links = program.iter().chain(&view).map(|entry| entry.hash).collect();
    let len = u32::try_from(extent.len).unwrap_or(u32::MAX);
    let mut payload = Vec::new();
    Member { len, digest: extent.digest, program, view }.encode(&mut payload);
    Blob::node(payload, links)
}

#[cfg(test)]
mod tests {
    use deltastore_format::{Codec, Hash};

    use super::*;

    fn window(name: u8, len: u64) -> Prepared {
        let entry = Entry { kind: EntryKind::Window, hash: Hash([name; 32]), skip: 0, len };
        Prepared { entry, pins: Vec::new(), codec: Codec::Raw, state: State::Linked }
    }

    fn extent(view: Range<u64>, program: Range<u64>, len: u64) -> Extent {
        Extent { view, program, len, digest: Hash::default() }
    }

    fn parts(assembly: Assembly) -> (Vec<Entry>, Vec<Blob>) {
        let Ok((_, entries, members)) = assembly.into_parts() else { panic!("incomplete") };
        (entries, members)
    }

    #[test]
    fn copied_spans_make_one_entry_a_window() {
        let mut assembly = Assembly::default();
        assembly.add_extents(vec![extent(0..3, 0..0, 3), extent(3..10, 0..0, 7)], vec![extent(0..10, 0..0, 10)]);
        assembly.push(StreamKind::View, window(1, 6));
        assembly.add_extents(vec![extent(10..12, 0..0, 2)], vec![extent(10..12, 0..0, 2)]);
        assembly.push(StreamKind::View, window(2, 6));
        let (entries, members) = parts(assembly);
        assert_eq!(
            entries.iter().map(|entry| (entry.hash.0[0], entry.skip, entry.len)).collect::<Vec<_>>(),
            [(1, 0, 6), (2, 0, 6)]
        );
        assert!(members.is_empty());
    }

    #[test]
    fn members_wait_for_their_windows_and_name_slices() {
        let mut assembly = Assembly::default();
        let extents = vec![extent(0..4, 0..0, 4), extent(2..9, 0..5, 100), extent(9..10, 0..0, 1)];
        assembly.add_extents(extents, vec![extent(0..10, 0..0, 10)]);
        assembly.push(StreamKind::View, window(1, 6));
        assembly.push(StreamKind::View, window(2, 4));
        assert_eq!(assembly.entries.len(), 1);
        assembly.push(StreamKind::Programs, window(3, 5));
        let (entries, members) = parts(assembly);
        let kinds: Vec<_> = entries.iter().map(|entry| (entry.kind, entry.skip, entry.len)).collect();
        assert_eq!(kinds, [(EntryKind::Window, 0, 4), (EntryKind::Member, 0, 100), (EntryKind::Window, 3, 1)]);
        let member = Member::decode(&members[0].body).expect("valid");
        let slices: Vec<_> = member.view.iter().map(|entry| (entry.hash.0[0], entry.skip, entry.len)).collect();
        assert_eq!((slices, member.program.len()), (vec![(1, 2, 4), (2, 0, 3)], 1));
    }

    #[test]
    fn spans_without_windows_are_an_error() {
        let mut assembly = Assembly::default();
        assembly.add_extents(vec![extent(0..4, 0..0, 4)], vec![extent(0..4, 0..0, 4)]);
        assert!(assembly.into_parts().is_err());
    }

    #[test]
    fn members_within_members_come_first_and_are_sliced() {
        let mut assembly = Assembly::default();
        // 50 bytes of the object are made of 30 of the outer view, the middle 20 of which are made of 9 of the stored
        // view.
        assembly.add_extents(vec![extent(0..18, 0..4, 30), extent(18..30, 4..6, 20)], Vec::new());
        assembly.add_extents(Vec::new(), vec![extent(0..5, 0..0, 5), extent(5..14, 6..8, 20), extent(14..19, 0..0, 5)]);
        assembly.push(StreamKind::View, window(1, 10));
        assert!(assembly.members.is_empty());
        assembly.push(StreamKind::Programs, window(2, 8));
        assembly.push(StreamKind::View, window(3, 9));
        let (entries, members) = parts(assembly);
        assert_eq!(
            entries.iter().map(|entry| (entry.kind, entry.len)).collect::<Vec<_>>(),
            [(EntryKind::Member, 30), (EntryKind::Member, 20)]
        );
        let [inner, first, second] = &members[..] else { panic!("{} members", members.len()) };
        let view = |blob: &Blob| Member::decode(&blob.body).expect("valid").view;
        let slices = |blob| view(blob).iter().map(|entry| (entry.kind, entry.skip, entry.len)).collect::<Vec<_>>();
        assert_eq!(slices(inner), [(EntryKind::Window, 5, 5), (EntryKind::Window, 0, 4)]);
        assert_eq!(slices(first), [(EntryKind::Window, 0, 5), (EntryKind::Member, 0, 13)]);
        assert_eq!(slices(second), [(EntryKind::Member, 13, 7), (EntryKind::Window, 4, 5)]);
        assert_eq!(view(second)[0].hash, inner.hash);
    }

    #[cfg(feature = "invariants")]
    #[test]
    #[should_panic(expected = "invariant: 5..12 is made of")]
    fn a_range_that_the_windows_do_not_cover() {
        let mut track = Track::default();
        track.push(window(1, 10).entry);
        track.slices(5..12);
    }
}
