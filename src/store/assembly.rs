//! Content that is growing: windows as they are prepared, spans as they become known, entries and members from both.
//!
//! Invariant: entries tile the object in order; a member is made only of windows that are pushed already.

use std::collections::VecDeque;
use std::ops::Range;

use deltastore_format::recipe::MAX_INLINE_ENTRIES;
use deltastore_format::{Entry, EntryKind, Member};

use super::blob::Blob;
use super::content::Content;
use super::error::StoreError;
use super::ingest::{Prepared, State};
use super::intake::{Span, Strand};

/// Members held before they are worth appending on their own.
const MANY_MEMBERS: usize = 512;

/// See the module.
#[derive(Default)]
pub struct Assembly {
    content: Content,
    entries: Vec<Entry>,
    members: Vec<Blob>,
    view: Track,
    programs: Track,
    spans: VecDeque<Span>,
}

/// The windows of one stream, in order.
#[derive(Default)]
struct Track {
    windows: Vec<(u64, Entry)>,
    end: u64,
}

impl Assembly {
    /// Adds the next window of a stream. One that is still [`State::New`] is appended together with the commit.
    pub fn push(&mut self, stream: Strand, prepared: Prepared) {
        let Prepared { entry, pins, codec, state } = prepared;
        match stream {
            Strand::View => self.view.push(entry),
            Strand::Programs => self.programs.push(entry),
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
                self.content.unwritten.push(blob);
            }
        }
        self.resolve();
    }

    /// Adds the next spans.
    pub fn add_spans(&mut self, spans: Vec<Span>) {
        for span in spans {
            match self.spans.back_mut() {
                Some(last) if last.is_copy() && span.is_copy() && last.view.end == span.view.start => {
                    last.view.end = span.view.end;
                    last.len += span.len;
                }
                _ => self.spans.push_back(span),
            }
        }
        self.resolve();
    }

    /// Adds ready entries.
    pub fn extend(&mut self, entries: Vec<Entry>) {
        self.entries.extend(entries);
    }

    /// True when no window was added yet.
    pub fn is_empty(&self) -> bool {
        self.view.windows.is_empty() && self.programs.windows.is_empty()
    }

    /// True when finishing reads the index.
    pub fn is_long(&self) -> bool {
        self.view.windows.len() > MAX_INLINE_ENTRIES || !self.programs.windows.is_empty()
    }

    /// True when [`super::Store::settle`] is worth its while.
    pub fn has_many_members(&self) -> bool {
        self.members.len() >= MANY_MEMBERS
    }

    /// Adds members that were appended.
    pub fn placed(&mut self, placing: std::sync::Arc<super::Placing>) {
        self.content.placings.push(placing);
    }

    pub(super) fn content_mut(&mut self) -> &mut Content {
        &mut self.content
    }

    /// For a planted bug: the object's pieces in another order.
    pub(super) fn swap_entries(&mut self) {
        if self.entries.len() > 1 {
            self.entries.swap(0, 1);
        }
    }

    pub(super) fn take_members(&mut self) -> Vec<Blob> {
        std::mem::take(&mut self.members)
    }

    pub(super) fn into_parts(self) -> Result<(Content, Vec<Entry>, Vec<Blob>), StoreError> {
        match self.spans.front() {
            Some(span) => Err(StoreError::Incomplete { needed: span.view.end, found: self.view.end }),
            None => Ok((self.content, self.entries, self.members)),
        }
    }

    /// Makes entries of all spans whose windows are there.
    fn resolve(&mut self) {
        let (view, programs) = (self.view.end, self.programs.end);
        while let Some(span) = self.spans.pop_front_if(|span| span.view.end <= view && span.program.end <= programs) {
            if span.is_copy() {
                for slice in self.view.slices(span.view) {
                    match self.entries.last_mut() {
                        Some(last) if last.hash == slice.hash && last.skip + last.len == slice.skip => {
                            last.len += slice.len;
                        }
                        _ => self.entries.push(slice),
                    }
                }
            } else {
                let blob =
                    member(&span, self.programs.slices(span.program.clone()), self.view.slices(span.view.clone()));
                self.entries.push(Entry { kind: EntryKind::Member, hash: blob.hash, skip: 0, len: span.len });
                self.members.push(blob);
            }
        }
    }
}

impl Span {
    fn is_copy(&self) -> bool {
        self.program.is_empty()
    }
}

impl Track {
    fn push(&mut self, entry: Entry) {
        self.windows.push((self.end, entry));
        self.end += entry.len;
    }

    /// The entries that make a range; it must be there.
    fn slices(&self, range: Range<u64>) -> Vec<Entry> {
        let first = self.windows.partition_point(|(start, entry)| start + entry.len <= range.start);
        let in_range = self.windows[first..].iter().take_while(|(start, _)| *start < range.end);
        in_range
            .map(|(start, entry)| {
                let (from, to) = (range.start.max(*start), range.end.min(start + entry.len));
                Entry { skip: entry.skip + (from - start), len: to - from, ..*entry }
            })
            .collect()
    }
}

fn member(span: &Span, program: Vec<Entry>, view: Vec<Entry>) -> Blob {
    let links = program.iter().chain(&view).map(|entry| entry.hash).collect();
    let len = u32::try_from(span.len).unwrap_or(u32::MAX);
    let mut payload = Vec::new();
    Member { len, digest: span.digest, program, view }.encode(&mut payload);
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

    fn span(view: Range<u64>, program: Range<u64>, len: u64) -> Span {
        Span { view, program, len, digest: Hash::default() }
    }

    fn parts(assembly: Assembly) -> (Vec<Entry>, Vec<Blob>) {
        let Ok((_, entries, members)) = assembly.into_parts() else { panic!("incomplete") };
        (entries, members)
    }

    #[test]
    fn copied_spans_make_one_entry_a_window() {
        let mut assembly = Assembly::default();
        assembly.add_spans(vec![span(0..3, 0..0, 3), span(3..10, 0..0, 7)]);
        assembly.push(Strand::View, window(1, 6));
        assembly.add_spans(vec![span(10..12, 0..0, 2)]);
        assembly.push(Strand::View, window(2, 6));
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
        assembly.add_spans(vec![span(0..4, 0..0, 4), span(2..9, 0..5, 100), span(9..10, 0..0, 1)]);
        assembly.push(Strand::View, window(1, 6));
        assembly.push(Strand::View, window(2, 4));
        assert_eq!(assembly.entries.len(), 1);
        assembly.push(Strand::Programs, window(3, 5));
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
        assembly.add_spans(vec![span(0..4, 0..0, 4)]);
        assert!(assembly.into_parts().is_err());
    }
}
