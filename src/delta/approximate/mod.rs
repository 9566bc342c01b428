//! The approximate-match codec: copies from the references that need not be equal, and what has to be added to them.
//!
//! Meant for native code and other data where an insertion shifts the addresses all over the rest: there few stretches are
//! equal and long ones are nearly equal. The bytes are specified in `format/SPEC.md` ("Approximate match").
//!
//! Must: decoding allocates no more than a few times `raw_len` and never panics; encoding the same bytes gives the same bytes.

mod anchors;
mod control;
mod matching;
mod numbers;
mod patch;
mod stream;

use zstd::zstd_safe::DCtx;

use anchors::Anchors;
use control::Step;
use matching::Search;
use patch::{Patcher, Patches};
use stream::Streams;

/// Bytes that an anchor compares.
const GRAM: usize = 16;

/// A stretch of the window that is like one of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Copy {
    /// Where in the window.
    at: usize,
    /// Where in the source.
    from: usize,
    len: usize,
}

/// How much work an encode may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApproximateEffort {
    /// zstd's level for the streams.
    pub level: i32,
    /// Bytes of the source from one anchor to the next.
    pub step: usize,
    /// Anchors of one gram that are tried.
    pub tries: usize,
    /// True: the references are tried as prefix of the literals' frame.
    pub literals_with_prefix: bool,
}

/// Encodes windows one after another. Its memory grows with the references it meets, to about 64 MiB.
#[derive(Default)]
pub(super) struct Approximator {
    anchors: Anchors,
    copies: Vec<Copy>,
    control: Vec<u8>,
    patches: Patches,
    literals: Vec<u8>,
}

impl Approximator {
    /// `window` against `source`, or nothing if that would be longer than `limit`, or the library refuses.
    pub(super) fn encode(
        &mut self,
        window: &[u8],
        source: &[u8],
        effort: &ApproximateEffort,
        limit: usize,
    ) -> Option<Vec<u8>> {
        self.find(window, source, effort);
        self.write(window, source, effort, limit)
    }

    /// The copies, which [`Approximator::write`] then turns into bytes.
    fn find(&mut self, window: &[u8], source: &[u8], effort: &ApproximateEffort) {
        let search = Search { step: effort.step, tries: effort.tries };
        self.anchors.build(source, search.step, search.tries > 1);
        matching::copies(window, source, &self.anchors, search, &mut self.copies);
    }

    fn write(&mut self, window: &[u8], source: &[u8], effort: &ApproximateEffort, limit: usize) -> Option<Vec<u8>> {
        control::write(&self.copies, &mut self.control);
        self.patches.collect(&self.copies, window, source);
        self.literals.clear();
        let mut done = 0;
        for copy in &self.copies {
            self.literals.extend_from_slice(&window[done..copy.at]);
            done = copy.at + copy.len;
        }
        self.literals.extend_from_slice(&window[done..]);
        let streams = Streams {
            control: &self.control[..],
            places: &self.patches.places,
            values: &self.patches.values,
            literals: &self.literals,
        };
        // A decoder takes no stream longer than the window; such a one would not pay either.
        if streams.control.len().max(streams.places.len()) > window.len() {
            return None;
        }
        let prefix = if effort.literals_with_prefix { source } else { &[] };
        stream::write(&streams, prefix, effort.level, limit)
    }
}

/// Undoes it: exactly `raw_len` bytes. Allocates no more than five times that.
pub(super) fn decode(zstd: &mut DCtx<'_>, encoded: &[u8], source: &[u8], raw_len: usize) -> Result<Vec<u8>, String> {
    let streams = stream::read(zstd, encoded, source, raw_len)?;
    let mut patcher = Patcher::new(&streams.places, &streams.values)?;
    let mut literals = &streams.literals[..];
    let mut plain = Vec::with_capacity(raw_len);
    for step in control::read(&streams.control)? {
        let Step { literals: before, from, len } = step?;
        let (before, rest) = literals.split_at_checked(before).ok_or("a copy after more literals than there are")?;
        literals = rest;
        plain.extend_from_slice(before);
        let there = source.get(from..).and_then(|source| source.get(..len)).ok_or("a copy from outside the source")?;
        if len > raw_len - plain.len().min(raw_len) {
            return Err("copies of more bytes than the window has".to_owned());
        }
        let start = plain.len();
        plain.extend_from_slice(there);
        patcher.apply(&mut plain[start..])?;
    }
    patcher.finish()?;
    plain.extend_from_slice(literals);
    if plain.len() == raw_len { Ok(plain) } else { Err(format!("{} bytes instead of {raw_len}", plain.len())) }
}
