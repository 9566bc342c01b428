//! From an object's bytes to windows: compressed members are expanded, and what comes of it is cut.
//!
//! An object's *stored view* is its bytes with members expanded. It is cut into windows of its own; the *programs* that
//! re-create the members are a second stream, cut apart from the view so that the same content is cut the same way whatever
//! surrounds its members. Spans tile the object and say which slices of both streams make each stretch of it.
//!
//! Invariant: windows and spans depend only on the bytes, never on how they arrive.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use deltastore_format::Hash;
use deltastore_members::{Expander, Expansion};

use crate::delta::{CutSettings, CutWindow, Cutter};

/// Which stream a window belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strand {
    View,
    Programs,
}

/// A stretch of an object and what makes it. Positions are those in the streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub view: Range<u64>,
    /// Empty: the stretch is the view's bytes as they are.
    pub program: Range<u64>,
    /// Bytes of the object.
    pub len: u64,
    /// SHA-256 of them; only meaningful with a program.
    pub digest: Hash,
}

/// A window as it was cut.
#[derive(Debug)]
pub struct Piece {
    pub strand: Strand,
    /// Whether some of the object's bytes are a slice of it, so that reading them reads the window.
    pub direct: bool,
    pub window: CutWindow,
}

/// What some bytes completed.
#[derive(Debug, Default)]
pub struct Taken {
    pub windows: Vec<Piece>,
    pub spans: Vec<Span>,
    /// The bytes of each span with a program, under its digest.
    pub members: Vec<(Hash, Bytes)>,
}

/// Takes one object at a time.
pub struct Intake {
    expander: Option<Expander>,
    view: Cutter,
    programs: Cutter,
    program_end: u64,
    /// Bytes of the view so far, where nothing is expanded.
    copied: u64,
    /// Bytes of the view in windows that were handed over.
    windows_end: u64,
    /// Slices of the view that are the object's bytes, those of them that end beyond.
    direct: VecDeque<Range<u64>>,
    expansion: Expansion,
    cut: Vec<CutWindow>,
}

impl Intake {
    /// At the start of an object; `expander` is none where nothing is to be expanded.
    pub fn new(cut: CutSettings, expander: Option<Expander>) -> Self {
        Self {
            expander,
            view: Cutter::new(cut),
            programs: Cutter::new(cut),
            program_end: 0,
            copied: 0,
            windows_end: 0,
            direct: VecDeque::new(),
            expansion: Expansion::default(),
            cut: Vec::new(),
        }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8], taken: &mut Taken) {
        match &mut self.expander {
            Some(expander) => {
                expander.push(bytes, &mut self.expansion);
                self.drain(taken);
            }
            None => {
                let end = self.copied + bytes.len() as u64;
                let copied = copy(std::mem::replace(&mut self.copied, end)..end);
                self.span(copied, taken);
                self.view.push(bytes, &mut self.cut);
                self.hand_over(Strand::View, taken);
            }
        }
    }

    /// Ends the object.
    pub fn finish(&mut self, taken: &mut Taken) {
        if let Some(expander) = &mut self.expander {
            expander.finish(&mut self.expansion);
            self.drain(taken);
        }
        self.cut.extend(self.view.finish());
        self.hand_over(Strand::View, taken);
        self.cut.extend(self.programs.finish());
        self.hand_over(Strand::Programs, taken);
    }

    /// Whether the object, which is ended, ends within a compressed member: it may be the first part of a larger one.
    pub fn is_cut_off(&self) -> bool {
        self.expander.as_ref().is_some_and(Expander::is_cut_off)
    }

    fn drain(&mut self, taken: &mut Taken) {
        for unit in std::mem::take(&mut self.expansion.units) {
            let start = self.program_end;
            self.program_end += unit.program.len() as u64;
            self.programs.push(&unit.program, &mut self.cut);
            let digest = Hash(unit.digest);
            self.span(Span { view: unit.view, program: start..self.program_end, len: unit.len, digest }, taken);
            if !unit.bytes.is_empty() {
                taken.members.push((digest, unit.bytes.into()));
            }
        }
        self.hand_over(Strand::Programs, taken);
        self.view.push(&self.expansion.view, &mut self.cut);
        self.expansion.view.clear();
        self.hand_over(Strand::View, taken);
    }

    fn span(&mut self, span: Span, taken: &mut Taken) {
        if span.program.is_empty() {
            match self.direct.back_mut() {
                Some(last) if last.end == span.view.start => last.end = span.view.end,
                _ => self.direct.push_back(span.view.clone()),
            }
        }
        taken.spans.push(span);
    }

    fn hand_over(&mut self, strand: Strand, taken: &mut Taken) {
        for window in std::mem::take(&mut self.cut) {
            let direct = strand == Strand::View && self.is_direct(window.bytes.len() as u64);
            taken.windows.push(Piece { strand, direct, window });
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

fn copy(view: Range<u64>) -> Span {
    let (program, len) = (0..0, view.end - view.start);
    Span { view, program, len, digest: Hash::default() }
}
