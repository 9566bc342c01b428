//! Where units end, and the proof that each comes back.

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::{Expander, TAIL};
use crate::codec::deflate::reencode::UNPACKED;
use crate::container::chunks;
use crate::program::{MOST, VERSION};
use crate::recreate::recreate_into;
use crate::unit::{Expansion, Unit};

impl Expander {
    /// Hands out what is certain once no member begins before `upto`: a long stretch between members is no part of
    /// their units.
    pub(super) fn settle(&mut self, upto: usize, out: &mut Expansion) {
        if upto - self.covered >= self.settings.gap.min(self.settings.plain) {
            self.close(out);
        }
        while upto - self.covered >= self.settings.plain {
            self.plain(self.covered + self.settings.plain, out);
        }
    }

    /// Covers what lies before `upto`, as part of the unit being built if it is short.
    pub(super) fn cover(&mut self, upto: usize, out: &mut Expansion) {
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
    pub(super) fn plain(&mut self, end: usize, out: &mut Expansion) {
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
    pub(super) fn close(&mut self, out: &mut Expansion) {
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
        let growth = if self.settings.deep { self.settings.deep_growth } else { self.settings.growth };
        let room = if self.settings.deep { TAIL + UNPACKED } else { 0 };
        let affordable = program.len() <= MOST.min(len / 4 + 128) && view.len() <= len.saturating_mul(growth) + room;
        let proven = affordable
            && recreate_into(&program, view, len, &mut self.encoder, &mut self.proof).is_ok()
            && self.proof[..len] == *bytes;
        if proven && len > 0 {
            let digest = Sha256::digest(&bytes).into();
            let Range { start, end } = append(&mut self.view, out, &self.draft.view);
            let view = start - overlap as u64..end;
            out.units.push(Unit { view, program, len: len as u64, digest, bytes: bytes.into_owned() });
            if self.settings.deep {
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
}

/// Appends to the view; where it lies there.
fn append(position: &mut u64, out: &mut Expansion, view: &[u8]) -> Range<u64> {
    let start = *position;
    *position += view.len() as u64;
    out.view.extend_from_slice(view);
    start..*position
}
