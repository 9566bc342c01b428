//! From an object's bytes to windows: compressed members are expanded, and what comes of it is cut.
//!
//! An object's bytes with members expanded are its *outer view*. Members may hold further ones (a jar in a tar.gz),
//! which the optimizer expands too: the outer view with those expanded is the *stored view*; for a PUT both are the
//! same. The stored view is cut into windows of its own; the *programs* that re-create members are a second stream, cut
//! apart from the view so that the same content is cut the same way whatever surrounds its members. Extents tile the
//! object and say which slices of the outer view and of the programs make each stretch of it; inner extents tile the
//! outer view and say the same of it and the stored view.
//!
//! Invariant: windows and extents depend only on the bytes and on the encoders known beforehand, never on how they
//! arrive.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use deltastore_delta::{CutSettings, CutWindow, Cutter};
use deltastore_format::Hash;
use deltastore_members::{Expander, Expansion, Settings as Members, Unit};

use crate::store::{Space, Store};

/// Which stream a window belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    View,
    Programs,
}

/// A stretch of what is made, and what makes it. Positions are those in the streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    pub view: Range<u64>,
    /// Empty: the stretch is the view's bytes as they are.
    pub program: Range<u64>,
    /// Bytes that a program makes; without one they are as many as the view's.
    pub len: u64,
    /// SHA-256 of them; only meaningful with a program.
    pub digest: Hash,
}

/// A window as it was cut.
#[derive(Debug)]
pub struct Chunk {
    /// From 0 on, in the order of all chunks of the object.
    pub number: u64,
    pub stream: StreamKind,
    /// Whether some of the object's bytes are a slice of it, so that reading them reads the window. Not told of nested
    /// views.
    pub direct: bool,
    pub window: CutWindow,
}

impl Chunk {
    /// Whether it is nothing but what members were expanded to, of an object that is not expanded twice.
    pub fn is_tokens(&self) -> bool {
        self.stream == StreamKind::View && !self.direct
    }
}

/// What some bytes completed.
#[derive(Debug, Default)]
pub struct Chunked {
    pub chunks: Vec<Chunk>,
    pub extents: Vec<Extent>,
    pub inner: Vec<Extent>,
    /// The bytes of each of `extents` with a program, under its digest.
    pub members: Vec<(Hash, Bytes)>,
}

/// How many bytes a byte of a member within a member may become: both together are to be bounded.
const INNER_GROWTH: usize = 16;

/// Nanoseconds of a core that encoders may take to re-create a byte of an object, on average: beside decoding, that
/// leaves some 8 MB/s a core. The rest of an object that would take longer stays tokens, which take more room.
const ENCODING: u64 = 100;

/// Nanoseconds beyond that for any object: what small ones take does not matter.
const GRACE: u64 = 20_000_000;

/// Nanoseconds of a core that looking for encoders may take for each byte of an object, and beyond that for any object.
/// Where most streams have encoders of their own, those that come later stay tokens.
const SEARCHING: u64 = 1_000;
const SEARCH_GRACE: u64 = 1_000_000_000;

/// Takes one object at a time.
pub struct Chunker {
    outer: Option<Expander>,
    inner: Option<Expander>,
    view: Cutter,
    programs: Cutter,
    program_end: u64,
    /// Bytes of the outer view so far.
    outer_end: u64,
    /// Bytes of the stored view in windows that were handed over.
    windows_end: u64,
    /// Slices of the view that are the object's bytes, those of them that end beyond.
    direct: VecDeque<Range<u64>>,
    expansion: Expansion,
    cut: Vec<CutWindow>,
    chunks: u64,
}

impl Chunker {
    /// At the start of an object; `outer` is none where nothing is to be expanded, `inner` where nothing within members
    /// is.
    pub fn new(cut: CutSettings, outer: Option<Expander>, inner: Option<Expander>) -> Self {
        Self {
            outer,
            inner,
            view: Cutter::new(cut),
            programs: Cutter::new(cut),
            program_end: 0,
            outer_end: 0,
            windows_end: 0,
            direct: VecDeque::new(),
            expansion: Expansion::default(),
            cut: Vec::new(),
            chunks: 0,
        }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8], chunked: &mut Chunked) {
        match &mut self.outer {
            Some(expander) => {
                expander.push(bytes, &mut self.expansion);
                self.drain(chunked);
            }
            None => {
                let end = self.outer_end + bytes.len() as u64;
                self.note_direct(self.outer_end..end);
                chunked.extents.push(copy(self.outer_end..end));
                self.take_outer_view(bytes, chunked);
            }
        }
    }

    /// Ends the object.
    pub fn finish(&mut self, chunked: &mut Chunked) {
        if let Some(expander) = &mut self.outer {
            expander.finish(&mut self.expansion);
            self.drain(chunked);
        }
        if let Some(expander) = &mut self.inner {
            expander.finish(&mut self.expansion);
            self.drain_inner(chunked);
        }
        self.cut.extend(self.view.finish());
        self.hand_over(StreamKind::View, chunked);
        self.cut.extend(self.programs.finish());
        self.hand_over(StreamKind::Programs, chunked);
    }

    /// Whether the object, which is ended, ends within a compressed member: it may be the first part of a larger one.
    pub fn is_truncated(&self) -> bool {
        self.outer.as_ref().is_some_and(Expander::is_cut_off)
    }

    fn drain(&mut self, chunked: &mut Chunked) {
        let Expansion { view, units } = std::mem::take(&mut self.expansion);
        for mut unit in units {
            let bytes = std::mem::take(&mut unit.bytes);
            let extent = self.extent(unit);
            if extent.program.is_empty() {
                self.note_direct(extent.view.clone());
            } else {
                chunked.members.push((extent.digest, bytes.into()));
            }
            chunked.extents.push(extent);
        }
        self.hand_over(StreamKind::Programs, chunked);
        self.take_outer_view(&view, chunked);
    }

    fn take_outer_view(&mut self, bytes: &[u8], chunked: &mut Chunked) {
        let start = self.outer_end;
        self.outer_end += bytes.len() as u64;
        match &mut self.inner {
            Some(expander) => {
                expander.push(bytes, &mut self.expansion);
                self.drain_inner(chunked);
            }
            None => {
                chunked.inner.push(copy(start..self.outer_end));
                self.view.push(bytes, &mut self.cut);
                self.hand_over(StreamKind::View, chunked);
            }
        }
    }

    fn drain_inner(&mut self, chunked: &mut Chunked) {
        let Expansion { view, units } = std::mem::take(&mut self.expansion);
        for unit in units {
            let extent = self.extent(unit);
            chunked.inner.push(extent);
        }
        self.hand_over(StreamKind::Programs, chunked);
        self.view.push(&view, &mut self.cut);
        self.hand_over(StreamKind::View, chunked);
    }

    fn extent(&mut self, unit: Unit) -> Extent {
        let start = self.program_end;
        self.program_end += unit.program.len() as u64;
        self.programs.push(&unit.program, &mut self.cut);
        Extent { view: unit.view, program: start..self.program_end, len: unit.len, digest: Hash(unit.digest) }
    }

    fn hand_over(&mut self, stream: StreamKind, chunked: &mut Chunked) {
        for window in std::mem::take(&mut self.cut) {
            let direct = stream == StreamKind::View && self.is_direct(window.bytes.len() as u64);
            chunked.chunks.push(Chunk { number: self.chunks, stream, direct, window });
            self.chunks += 1;
        }
    }

    fn note_direct(&mut self, slice: Range<u64>) {
        match self.direct.back_mut() {
            _ if self.inner.is_some() => {}
            Some(last) if last.end == slice.start => last.end = slice.end,
            _ => self.direct.push_back(slice),
        }
    }

    /// Whether the next so many bytes of the view have any that are the object's.
    fn is_direct(&mut self, len: u64) -> bool {
        let start = self.windows_end;
        self.windows_end += len;
        while self.direct.front().is_some_and(|slice| slice.end <= start) {
            self.direct.pop_front();
        }
        self.direct.front().is_some_and(|slice| slice.start < self.windows_end)
    }
}

impl Store {
    /// What a body goes through first: expansion of compressed members and cutting, as the settings say.
    pub fn chunker(&self) -> Chunker {
        let expander = self.settings().expand.clone().map(Expander::new);
        Chunker::new(self.settings().cut, expander, None)
    }

    /// As [`Store::chunker`], for the optimizer and an object of `len` bytes of a deltaspace.
    pub(crate) fn optimizing_chunker(&self, cut: CutSettings, space: Space, len: u64) -> Chunker {
        let expand = self.settings().expand.clone();
        let time = len.saturating_mul(ENCODING).saturating_add(GRACE);
        let search = len.saturating_mul(SEARCHING).saturating_add(SEARCH_GRACE);
        let deep = expand.map(|settings| Members { reencode: true, time, search, ..settings });
        let inner = deep.clone().map(|settings| Members { reencode_growth: INNER_GROWTH, ..settings });
        let known = |nested| self.encoders().of(space, nested);
        let outer = deep.map(|settings| Expander::new(settings).with_recent(known(false)));
        let inner = inner.map(|settings| Expander::new(settings).with_recent(known(true)));
        Chunker::new(cut, outer, inner)
    }

    /// Remembers which encoders an object of the deltaspace turned out to have.
    pub(crate) fn note_encoders(&self, space: Space, chunker: &Chunker) {
        for (expander, nested) in [(&chunker.outer, false), (&chunker.inner, true)] {
            if let Some(expander) = expander {
                self.encoders().note(space, nested, expander.recent());
            }
        }
    }
}

fn copy(view: Range<u64>) -> Extent {
    let (program, len) = (0..0, view.end - view.start);
    Extent { view, program, len, digest: Hash::default() }
}
