//! A unit being built: its program and its view grow as the object is read.

use std::ops::Range;

use crate::program::{MAX_PROGRAM, Op, VERSION};

/// A unit being built.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) program: Vec<u8>,
    pub(crate) view: Vec<u8>,
    /// View bytes just before the unit's own that its first op takes too.
    pub(crate) overlap: usize,
    /// Blocks that the program does not mention yet.
    open: Option<Open>,
}

/// Consecutive blocks of one stream.
struct Open {
    carry: u8,
    count: u64,
    /// Where the next block would start, in bits.
    end: usize,
}

impl Draft {
    pub(crate) fn is_empty(&self) -> bool {
        self.program.is_empty() && self.open.is_none()
    }

    /// Whether it should not grow much more, for its program's sake.
    pub(crate) fn is_long(&self) -> bool {
        self.program.len() > MAX_PROGRAM / 2
    }

    pub(crate) fn copy(&mut self, bytes: &[u8]) {
        self.seal(false);
        self.view.extend_from_slice(bytes);
        self.push(Op::Copy(bytes.len() as u64));
    }

    /// Adds an op, as its bytes; the first `overlap` of the view bytes it takes are in the view already.
    pub(crate) fn op(&mut self, op: &[u8], view: &[u8], overlap: usize) {
        self.seal(false);
        // Only the first op of a unit can have one.
        self.overlap += overlap;
        self.view.extend_from_slice(view);
        self.begin();
        self.program.extend_from_slice(op);
    }

    /// Whether a block at this bit only continues the last op.
    pub(crate) fn continues(&self, bit: usize) -> bool {
        self.open.as_ref().is_some_and(|open| open.end == bit)
    }

    /// Adds a block; `carry` counts only if it does not continue the last op.
    pub(crate) fn block(&mut self, tokens: &[u8], bits: Range<usize>, carry: u8, last: bool) {
        if !self.continues(bits.start) {
            self.seal(false);
            self.open = Some(Open { carry, count: 0, end: bits.start });
        }
        if let Some(open) = &mut self.open {
            open.count += 1;
            open.end = bits.end;
        }
        self.view.extend_from_slice(tokens);
        if last {
            self.seal(true);
        }
    }

    /// Writes the op of the open blocks, so that nothing continues them.
    pub(crate) fn seal(&mut self, last: bool) {
        if let Some(Open { carry, count, .. }) = self.open.take() {
            self.push(Op::Blocks { carry, count: if last { 0 } else { count } });
        }
    }

    /// Follows the buffer that bit positions count in, of which the first `bytes` bytes were dropped.
    pub(crate) fn rebase(&mut self, bytes: usize) {
        if let Some(open) = &mut self.open {
            open.end -= bytes * 8;
        }
    }

    fn push(&mut self, op: Op) {
        self.begin();
        op.encode(&mut self.program);
    }

    fn begin(&mut self) {
        if self.program.is_empty() {
            self.program.push(VERSION);
        }
    }
}
