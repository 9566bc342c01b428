//! Symbols that blocks are known to hold, so that an encoder which chooses others gives up early.

use std::cell::Cell;

/// Symbols that the blocks are known to hold, for giving up early.
pub(crate) struct Expected<'a> {
    /// By block; empty where they are not known.
    blocks: &'a [Vec<u32>],
    pub(crate) block: usize,
    /// Symbols of the blocks before.
    before: usize,
    /// Symbols that were compared so far: how far the encoder went before it gave up.
    compared: &'a Cell<usize>,
}

impl<'a> Expected<'a> {
    pub(crate) fn new(blocks: &'a [Vec<u32>], compared: &'a Cell<usize>) -> Self {
        Self { blocks, block: 0, before: 0, compared }
    }

    /// Whether the current block holds `done` symbols and then `more`, or ends behind the `done` and the next begins
    /// with `more`.
    pub(crate) fn allows(&self, done: usize, more: &[u32]) -> bool {
        let Some(current) = self.blocks.get(self.block) else { return true };
        self.compared.set(self.before + done + more.len());
        let (rest, at) = match done > 0 && done == current.len() {
            true => (self.blocks.get(self.block + 1), 0),
            false => (Some(current), done),
        };
        rest.is_none_or(|rest| rest.is_empty() || rest.get(at..).is_some_and(|rest| rest.starts_with(more)))
    }

    /// Whether the current block has `count` symbols, or they are not known. The next is expected then.
    pub(crate) fn ends_after(&mut self, count: usize) -> bool {
        let fits = self.blocks.get(self.block).is_none_or(|block| block.is_empty() || block.len() == count);
        self.block += 1;
        self.before += count;
        self.compared.set(self.before);
        fits
    }

    /// Whether `symbols`, with the first `compared` known to agree, begin the current block or, if it is `whole`, are
    /// all of it.
    pub(crate) fn agrees(&self, symbols: &[u32], compared: usize, whole: bool) -> bool {
        let Some(expected) = self.blocks.get(self.block) else { return true };
        self.compared.set(self.before + symbols.len());
        if expected.is_empty() {
            return true;
        }
        let length_fits = if whole { symbols.len() == expected.len() } else { symbols.len() <= expected.len() };
        length_fits && expected[compared..symbols.len()] == symbols[compared..]
    }
}
