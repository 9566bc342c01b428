//! klauspost's levels 1 to 6 and its Huffman-only mode (`deflate.go`): they work on 65535 or 32768 bytes at a time, and
//! each such section is written with or without matches, or stored.
//!
//! What a level remembers depends on what it found before, so a restart runs over sections of the history first.

use super::place::{Matcher, Place, Version};
use super::sections::Sections;
use super::state::Carried;
use super::tables::Found;
use crate::codec::deflate::encoder::matchers::window::Flow;
use std::ops::ControlFlow;

/// Length of a section.
const SECTION: usize = 65535;
/// Length of a section without matches.
const LITERALS: usize = 32768;
/// A section ended by a flush that is shorter has no matches, and all is forgotten.
const SMALL: usize = 128;
/// Up to so many bytes are stored then.
const TINY: usize = 32;
/// Length of the encoder's buffer.
const BUFFER: usize = 5 * SECTION;
/// What it keeps when it is full.
const KEPT: usize = 32768;
/// No matches are looked for in a dictionary shorter than this.
const MIN_INPUT: usize = 13;

/// What finds matches in a section.
pub(super) trait Search {
    /// Nothing is known.
    fn new(version: Version) -> Self
    where
        Self: Sized;

    /// Looks for matches in `found.buf` from `found.done` on.
    fn search(&mut self, found: &mut Found);
}

/// Huffman only.
pub(super) struct Literals<'a> {
    buf: &'a [u8],
    at: usize,
}

impl<'a> Literals<'a> {
    pub(super) fn new(place: Place<'a>) -> Self {
        Self { buf: place.buf, at: place.at }
    }
}

impl Matcher for Literals<'_> {
    fn run(&mut self, w: &mut Sections, to: usize, sync: Option<Carried>) -> Flow {
        while to > self.at && (to - self.at >= LITERALS || sync.is_some()) {
            let end = to.min(self.at + LITERALS);
            let sync = sync.filter(|_| end == to);
            w.write_literals(&self.buf[self.at..end], sync.is_some(), sync.unwrap_or_default())?;
            self.at = end;
        }
        ControlFlow::Continue(())
    }
}

/// Levels 1 to 6.
pub(super) struct Fast<'a, S> {
    buf: &'a [u8],
    version: Version,
    search: S,
    at: usize,
    /// What is before is forgotten.
    floor: usize,
    /// Bytes before `at` that are in the encoder's buffer.
    held: usize,
}

impl<'a, S: Search> Fast<'a, S> {
    pub(super) fn new(place: Place<'a>) -> Self {
        let Place { buf, version, start, seam, .. } = place;
        let mut made = Self { buf, version, search: S::new(version), at: place.at % SECTION, floor: 0, held: KEPT };
        let sections = (place.at as i64 - seam) as u64 / SECTION as u64;
        let whole = ((place.at as i64 - seam) as u64).is_multiple_of(SECTION as u64);
        if let (true, Ok(from), Ok(seam)) = (whole, usize::try_from(start), usize::try_from(seam)) {
            (made.at, made.floor, made.held) = (from, from, 0);
            if seam - from >= MIN_INPUT {
                made.search(&mut Vec::new(), seam);
            }
            made.at = seam;
            made.held = seam - from;
        } else if whole {
            made.held = (seam - start) as usize;
            let before = sections.saturating_sub((place.at / SECTION) as u64);
            // In the end, the buffer is emptied every four sections.
            let same = if before < 16 { before } else { 8 + before % 4 };
            (0..same).for_each(|_| made.hold(SECTION));
        }
        while made.at < place.at {
            made.search(&mut Vec::new(), made.at + SECTION);
            made.at += SECTION;
        }
        made
    }

    /// Makes room for a section in the buffer.
    fn make_room(&mut self, len: usize) {
        if self.held + len > BUFFER {
            self.held = KEPT;
        }
    }

    /// Takes a section into the buffer.
    fn hold(&mut self, len: usize) {
        self.make_room(len);
        self.held += len;
    }

    fn search(&mut self, symbols: &mut Vec<u32>, end: usize) {
        self.make_room(end - self.at);
        let held = self.at.saturating_sub(self.held);
        let mut found = Found { buf: &self.buf[..end], floor: self.floor, held, done: self.at, symbols };
        self.search.search(&mut found);
        found.finish();
        self.held += end - self.at;
    }
}

impl<S: Search> Matcher for Fast<'_, S> {
    fn run(&mut self, w: &mut Sections, to: usize, sync: Option<Carried>) -> Flow {
        while to > self.at && (to - self.at >= SECTION || sync.is_some()) {
            let end = to.min(self.at + SECTION);
            let sync = sync.filter(|_| end == to);
            let plain = &self.buf[self.at..end];
            let after = sync.unwrap_or_default();
            if plain.len() < SMALL {
                match plain.len() <= TINY {
                    true => w.store(plain, after)?,
                    false => w.write_literals(plain, true, after)?,
                }
                (self.at, self.floor, self.held, self.search) = (end, end, 0, S::new(self.version));
                continue;
            }
            self.search(w.symbols(), end);
            self.at = end;
            match w.count() {
                0 => w.store(plain, after)?,
                count if count > plain.len() - (plain.len() >> 4) => w.write_literals(plain, sync.is_some(), after)?,
                _ => w.write(plain.len(), Some(plain), sync.is_some(), after)?,
            }
        }
        ControlFlow::Continue(())
    }
}
