//! From an object's bytes to windows: compressed members are expanded, and what comes of it is cut.
//!
//! An object's *stored view* is its bytes with members expanded. It is cut into windows of its own; the *programs* that
//! re-create the members are a second stream, cut apart from the view so that the same content is cut the same way whatever
//! surrounds its members. Spans tile the object and say which slices of both streams make each stretch of it.
//!
//! Invariant: windows and spans depend only on the bytes, never on how they arrive.

use std::ops::Range;

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

/// What some bytes completed.
#[derive(Debug, Default)]
pub struct Taken {
    pub windows: Vec<(Strand, CutWindow)>,
    pub spans: Vec<Span>,
}

/// Takes one object at a time.
pub struct Intake {
    expander: Option<Expander>,
    view: Cutter,
    programs: Cutter,
    program_end: u64,
    /// Bytes of the view so far, where nothing is expanded.
    copied: u64,
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
                self.view.push(bytes, &mut self.cut);
                let end = self.copied + bytes.len() as u64;
                taken.spans.push(copy(std::mem::replace(&mut self.copied, end)..end));
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

    fn drain(&mut self, taken: &mut Taken) {
        self.view.push(&self.expansion.view, &mut self.cut);
        self.expansion.view.clear();
        self.hand_over(Strand::View, taken);
        for unit in self.expansion.units.drain(..) {
            let start = self.program_end;
            self.program_end += unit.program.len() as u64;
            self.programs.push(&unit.program, &mut self.cut);
            taken.spans.push(Span {
                view: unit.view,
                program: start..self.program_end,
                len: unit.len,
                digest: Hash(unit.digest),
            });
        }
        self.hand_over(Strand::Programs, taken);
    }

    fn hand_over(&mut self, stream: Strand, taken: &mut Taken) {
        taken.windows.extend(self.cut.drain(..).map(|window| (stream, window)));
    }
}

fn copy(view: Range<u64>) -> Span {
    let (program, len) = (0..0, view.end - view.start);
    Span { view, program, len, digest: Hash::default() }
}
