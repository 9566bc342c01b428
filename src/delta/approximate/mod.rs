//! The approximate-match codec: copies from the references that need not be equal, and what has to be added to them.
//!
//! Meant for native code and other data where an insertion shifts the addresses all over the rest: there few stretches are
//! equal and long ones are nearly equal. The bytes are specified in `format/SPEC.md` ("Approximate match").
//!
//! Must: decoding allocates no more than a few times `raw_len` and never panics; encoding the same bytes gives the same bytes.

mod anchors;
mod control;
mod matching;
mod stream;

use zstd::zstd_safe::DCtx;

use anchors::Anchors;
use matching::Search;

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

/// Encodes windows one after another. Its memory grows with the references it meets, to about 48 MiB.
#[derive(Default)]
pub(super) struct Approximator {
    anchors: Anchors,
    copies: Vec<Copy>,
    differences: Vec<u8>,
    literals: Vec<u8>,
    control: Vec<u8>,
}

impl Approximator {
    /// `window` against `source`, or nothing if that would be longer than `limit`, or a library refuses.
    pub(super) fn encode(
        &mut self,
        window: &[u8],
        source: &[u8],
        effort: &ApproximateEffort,
        limit: usize,
    ) -> Option<Vec<u8>> {
        let search = Search { step: effort.step, tries: effort.tries };
        self.anchors.build(source, search.step, search.tries > 1);
        matching::copies(window, source, &self.anchors, search, &mut self.copies);
        self.split(window, source);
        control::write(&self.copies, &mut self.control);
        if self.control.len() > stream::max_control(window.len()) {
            return None;
        }
        let prefix = if effort.literals_with_prefix { source } else { &[] };
        stream::write(&self.control, &self.differences, &self.literals, prefix, effort.level, limit)
    }

    /// The bytes outside of copies, and the differences inside.
    fn split(&mut self, window: &[u8], source: &[u8]) {
        self.differences.clear();
        self.literals.clear();
        let mut done = 0;
        for copy in &self.copies {
            self.literals.extend_from_slice(&window[done..copy.at]);
            done = copy.at + copy.len;
            let there = &source[copy.from..copy.from + copy.len];
            let differences = window[copy.at..done].iter().zip(there).map(|(new, old)| new.wrapping_sub(*old));
            self.differences.extend(differences);
        }
        self.literals.extend_from_slice(&window[done..]);
    }
}

/// Undoes it: exactly `raw_len` bytes.
pub(super) fn decode(zstd: &mut DCtx<'_>, encoded: &[u8], source: &[u8], raw_len: usize) -> Result<Vec<u8>, String> {
    let streams = stream::read(zstd, encoded, source, raw_len)?;
    let mut plain = Vec::with_capacity(raw_len);
    let mut differences = &streams.differences[..];
    let mut literals = &streams.literals[..];
    for copy in control::read(&streams.control)? {
        let copy = copy?;
        let (before, rest) = literals.split_at_checked(copy.literals).ok_or("a copy after more literals than there are")?;
        literals = rest;
        plain.extend_from_slice(before);
        let (added, rest) =
            differences.split_at_checked(copy.len).ok_or("a copy of more bytes than there are differences")?;
        differences = rest;
        let there = source.get(copy.from..).and_then(|source| source.get(..copy.len)).ok_or("a copy from outside")?;
        plain.extend(there.iter().zip(added).map(|(old, difference)| old.wrapping_add(*difference)));
    }
    if !differences.is_empty() {
        return Err("differences that no copy uses".to_owned());
    }
    plain.extend_from_slice(literals);
    Ok(plain)
}
