//! Whether a stream's first blocks can come from miniz: their sizes and codes nearly always tell.

use super::blocks::{is_bad, is_fixed, is_full, taken};
use super::{ROOM, SHORT_WRITES, WINDOW};
use crate::codec::deflate::encoder::params::{Family, Params};

/// How far beyond the limit a block comes that ends there: a literal and a match more.
const BEYOND: usize = 8;
/// The same for plain bytes.
const BEYOND_PLAIN: usize = 260;

/// What the blocks seen so far say.
#[derive(Clone, Copy)]
pub(crate) struct Signs {
    /// None of them is impossible.
    possible: bool,
    /// One has ended just where its buffer was full, or where it did badly.
    sure: bool,
}

impl Default for Signs {
    fn default() -> Self {
        Self { possible: true, sure: false }
    }
}

/// A block's form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Stored,
    Fixed,
    /// With codes of its own, the rarer symbols' the longer ones, or not.
    Own {
        ordered: bool,
    },
}

impl Signs {
    /// Takes note of a block of `plain` bytes. `full` if it ends neither the stream nor what is before a flush.
    pub(crate) fn see(&mut self, symbols: &[u32], form: Form, plain: usize, full: bool) {
        let matches = symbols.iter().filter(|&&symbol| symbol >> 16 != 0).count();
        let taken = taken(symbols.len(), matches);
        let brimful = is_full(taken) && !is_full(taken - BEYOND.min(taken));
        // More plain bytes than the limit only now, or bad only now.
        let early = !is_bad(usize::MAX >> 8, plain - BEYOND_PLAIN.min(plain));
        let bad = is_bad(taken, plain) && (early || !is_bad(taken - BEYOND.min(taken), plain));
        // Of a stored block's symbols it is known only that they were nearly all literals.
        let stored = is_bad(usize::MAX >> 8, plain);
        let (fits, ends, sure) = match form {
            Form::Stored => (plain <= WINDOW, stored, stored && early),
            Form::Fixed => (is_fixed(plain), false, false),
            Form::Own { ordered } => (ordered && !is_fixed(plain), brimful || bad, true),
        };
        self.possible &= fits && (ends || !full);
        self.sure |= ends && full && sure;
    }

    /// What is worth a try, the most frequent in the wild first: before all others, and behind the most frequent of
    /// them.
    pub(crate) fn plausible(&self) -> (Vec<Params>, Vec<Params>) {
        let fast = Params::new(Family::Miniz, 1);
        let fast = [Params { room: ROOM, ..fast }, Params { room: ROOM, writes: SHORT_WRITES, ..fast }, fast];
        let all = [6, 9, 5, 1, 4, 7, 8, 3, 2, 10].into_iter().flat_map(|level| match level {
            1 => fast.to_vec(),
            _ => vec![Params::new(Family::Miniz, level)],
        });
        match (self.possible, self.sure) {
            (false, _) => (Vec::new(), Vec::new()),
            (_, true) => (all.collect(), Vec::new()),
            (_, false) => (Vec::new(), all.collect()),
        }
    }
}
