//! Where units end, and the proof that each comes back.

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::builder::{Builder, TAIL, UNPACKED};
use super::{Expansion, Unit};
use crate::container::chunks;
use crate::program::{MAX_PROGRAM, VERSION};

impl Builder {
    /// Hands out all units that are certain once no member begins before `upto`. A long stretch between members is no
    /// part of their units.
    pub(crate) fn settle(&mut self, upto: usize, out: &mut Expansion) {
        if upto - self.covered >= self.settings.gap.min(self.settings.plain) {
            self.close(out);
        }
        while upto - self.covered >= self.settings.plain {
            self.plain(self.covered + self.settings.plain, out);
        }
    }

    /// Covers the bytes before `upto`: a short stretch as part of the unit being built, a long one on its own.
    pub(crate) fn cover(&mut self, upto: usize, out: &mut Expansion) {
        let gap = upto - self.covered;
        if gap >= self.settings.gap.min(self.settings.plain) {
            self.plain(upto, out);
        } else if gap > 0 {
            self.run = 0;
            self.draft.copy(&self.buffer[self.covered..upto]);
            self.covered = upto;
        }
    }

    /// Hands out bytes up to `end` as a unit without a program; none is being built.
    pub(crate) fn plain(&mut self, end: usize, out: &mut Expansion) {
        let bytes = self.joiner.object(&self.buffer, self.start..end);
        if !bytes.is_empty() {
            self.run = 0;
            let len = bytes.len() as u64;
            let view = append(&mut self.view, out, &bytes);
            out.units.push(Unit { view, program: Vec::new(), len, digest: [0; 32], bytes: Vec::new() });
        }
        (self.start, self.covered) = (end, end);
    }

    /// Hands out the unit being built, if it is proven to come back; else its bytes as they are.
    pub(crate) fn close(&mut self, out: &mut Expansion) {
        if self.draft.is_empty() {
            return;
        }
        self.draft.seal(false);
        let bytes = self.joiner.object(&self.buffer, self.start..self.covered);
        let draft = std::mem::take(&mut self.draft.program);
        let mut program = vec![VERSION];
        chunks::ops(self.joiner.within(self.start..self.covered), self.start, &mut program);
        program.extend_from_slice(draft.get(1..).unwrap_or_default());
        let overlap = std::mem::take(&mut self.draft.overlap);
        let mut view = Vec::new();
        if overlap > 0 {
            view.extend_from_slice(&self.tail[self.tail.len().saturating_sub(overlap)..]);
            view.extend_from_slice(&self.draft.view);
        }
        let view = if overlap > 0 { &view } else { &self.draft.view };
        let len = bytes.len();
        let growth = if self.settings.reencode { self.settings.reencode_growth } else { self.settings.growth };
        let room = if self.settings.reencode { TAIL + UNPACKED } else { 0 };
        let affordable =
            program.len() <= MAX_PROGRAM.min(len / 4 + 128) && view.len() <= len.saturating_mul(growth) + room;
        let proven = affordable && (self.recreate)(&program, view, len, &mut self.proof) && self.proof[..len] == *bytes;
        if proven && len > 0 {
            let digest = Sha256::digest(&bytes).into();
            let Range { start, end } = append(&mut self.view, out, &self.draft.view);
            let view = start - overlap as u64..end;
            out.units.push(Unit { view, program, len: len as u64, digest, bytes: bytes.into_owned() });
            if self.settings.reencode {
                self.tail.extend_from_slice(&self.draft.view);
                let gone = self.tail.len().saturating_sub(TAIL);
                self.tail.drain(..gone);
            }
            self.start = self.covered;
        } else {
            self.run = 0;
            self.plain(self.covered, out);
        }
        self.draft.view.clear();
    }

    /// Hands out the rest: the object has ended.
    pub(crate) fn finish(&mut self, out: &mut Expansion) {
        let end = self.buffer.len();
        self.settle(end, out);
        if !self.draft.is_empty() {
            self.cover(end, out);
            self.close(out);
        }
        // Without a member before it a short end needs no program, and a short object none at all.
        self.plain(end, out);
    }

    /// Closes the unit if it is long enough or has so many view bytes.
    pub(crate) fn close_if_full(&mut self, view: usize, out: &mut Expansion) {
        let full = self.covered - self.start >= self.settings.unit || self.draft.view.len() >= view;
        if full || self.draft.is_long() {
            self.close(out);
        }
    }

    /// Adds a block's tokens, of `bits` of the buffer; `carry` is what precedes them in their first byte.
    pub(crate) fn place_tokens(
        &mut self,
        tokens: &[u8],
        bits: Range<usize>,
        carry: u8,
        last: bool,
        out: &mut Expansion,
    ) {
        let end = bits.end / 8;
        if !self.draft.continues(bits.start) {
            let start = bits.start / 8;
            self.settle(start, out);
            self.cover(start, out);
        }
        self.run = 0;
        self.draft.block(tokens, bits, carry, last);
        self.covered = end;
    }

    /// Adds an op for a stream's plain bytes that begin at `from` in the stream. The first `history` of them precede
    /// those that the op makes, which begin at byte `start` of the buffer. An op that needs history begins a unit, so
    /// that it can take what the view holds already.
    pub(crate) fn place(
        &mut self,
        op: &[u8],
        start: usize,
        (from, history): (u64, usize),
        plain: &[u8],
        out: &mut Expansion,
    ) {
        self.settle(start, out);
        self.cover(start, out);
        let end = from + plain.len() as u64;
        let mut overlap = 0;
        if history > 0 {
            self.close(out);
            let held = self.run_end - self.run as u64..=self.run_end;
            if self.run > 0 && held.contains(&from) && (from + history as u64..=end).contains(&self.run_end) {
                overlap = (self.run_end - from) as usize;
            }
        }
        let fresh = &plain[overlap..];
        self.draft.op(op, fresh, overlap);
        self.run = if overlap > 0 { self.run + fresh.len() } else { fresh.len() };
        self.run = self.run.min(TAIL);
        self.run_end = end;
    }
}

/// Appends to the view; where it lies there.
fn append(position: &mut u64, out: &mut Expansion, view: &[u8]) -> Range<u64> {
    let start = *position;
    *position += view.len() as u64;
    out.view.extend_from_slice(view);
    start..*position
}
