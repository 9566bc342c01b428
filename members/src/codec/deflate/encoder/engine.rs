//! The seam between what is common to all encoders and the programs that they follow.
//!
//! An engine is one family of encoders: it knows which settings exist, what a restart in the middle of a stream needs,
//! how long encoding takes, which settings can have made given blocks, and how to encode. [`super::engines`] lists
//! them all.

use super::fingerprint::Fingerprint;
use super::output::bits::BitWriter;
use super::output::expected::Expected;
use super::params::{Family, Params};
use super::types::{Block, HISTORY, Input, LOOKAHEAD, Start, WARM_UP};
use std::ops::ControlFlow;

/// What sees finished blocks, and ends the run by breaking.
pub(crate) type BlockSink<'a> = dyn FnMut(Block) -> ControlFlow<()> + 'a;

/// One family of encoders.
pub(crate) trait Engine: Sync {
    /// Whether an encoder with these settings exists. [`Params::is_in_range`] holds.
    fn is_valid(&self, params: &Params) -> bool;

    /// What a restart needs, and what the encoder cannot do.
    fn limits(&self, params: &Params) -> Limits;

    /// Plain bytes before a stream position that a restart there wants.
    fn history(&self, params: &Params, _position: u64) -> usize {
        self.limits(params).history()
    }

    /// About how long encoding a plain byte takes, in picoseconds of a core. See [`Params::cost`].
    fn cost(&self, params: &Params) -> u64 {
        zlib_cost(params.level)
    }

    /// Adds the settings that can have made the blocks.
    fn detect(&self, seen: &Fingerprint, candidates: &mut Candidates);

    /// Encodes from a block boundary, as `encode` of [`super`] does. A sink that breaks ends it.
    fn encode(
        &self,
        params: &Params,
        start: Start,
        input: Input,
        out: &mut BitWriter,
        expected: &mut Option<Expected>,
        sink: &mut BlockSink,
    ) -> ControlFlow<()>;

    /// How [`Params::input_chunk`] is introduced to people.
    fn chunk_label(&self) -> &'static str {
        "input chunks of"
    }
}

/// See [`Engine::limits`].
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// See [`Params::is_lazy`].
    pub(crate) lazy: bool,
    /// See [`Params::lookahead`].
    pub(crate) lookahead: usize,
    /// See [`Params::piece`].
    pub(crate) piece: u32,
    /// See [`Params::is_whole`].
    pub(crate) whole: bool,
    /// See [`Params::takes_flushes`].
    pub(crate) takes_flushes: bool,
}

impl Limits {
    /// Those of most encoders.
    pub(crate) const fn usual(lazy: bool) -> Self {
        Self { lazy, lookahead: 2 * LOOKAHEAD, piece: 0, whole: false, takes_flushes: true }
    }

    /// The history that such a matcher wants everywhere.
    pub(crate) const fn history(&self) -> usize {
        if self.lazy { HISTORY } else { WARM_UP }
    }
}

/// What zlib's matchers take.
pub(crate) const fn zlib_cost(level: u8) -> u64 {
    match level {
        1..=3 => 12_000,
        4 | 5 => 18_000,
        6 => 31_500,
        7 => 36_000,
        8 => 46_000,
        _ => 57_000,
    }
}

/// When settings are tried: lower ranks first, within a rank in the order in which they were added.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// The blocks look as only this family's do.
    Certain(u16),
    /// Families and levels by how frequent they are in the wild.
    Usual(u16),
    /// Everything else.
    Unusual(u16),
}

/// Settings to try, of all families.
pub(crate) struct Candidates {
    ranked: Vec<(Rank, Params)>,
    family: Family,
}

impl Candidates {
    /// None yet.
    pub(crate) const fn new(family: Family) -> Self {
        Self { ranked: Vec::new(), family }
    }

    /// What is added next is of this family.
    pub(crate) const fn begin(&mut self, family: Family) {
        self.family = family;
    }

    /// The family's usual settings at a level.
    pub(crate) const fn level(&self, level: u8) -> Params {
        Params::new(self.family, level)
    }

    /// Adds settings. Those that do not exist are left out later.
    pub(crate) fn add(&mut self, rank: Rank, params: Params) {
        self.ranked.push((rank, params));
    }

    /// Adds the usual settings at these levels.
    pub(crate) fn add_levels(&mut self, rank: Rank, levels: &[u8]) {
        levels.iter().for_each(|&level| self.add(rank, self.level(level)));
    }

    /// All of them in the order in which they are tried.
    pub(crate) fn in_order(mut self) -> impl Iterator<Item = Params> {
        self.ranked.sort_by_key(|&(rank, _)| rank);
        self.ranked.into_iter().map(|(_, params)| params)
    }
}
