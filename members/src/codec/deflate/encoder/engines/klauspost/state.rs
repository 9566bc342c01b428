//! What klauspost's encoder carries from one block into the next, packed into a [`State`].

use crate::codec::deflate::encoder::state::State;

/// All of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) middle: Middle,
    /// Level 9: where the window's costs begin: 0 for here, [`AT_SEAM`], or `n` for `n - 1` bytes before the end of the
    /// window before.
    pub(super) step: u16,
    /// The codes of the block before, which the next could have gone on with.
    pub(super) before: Option<Before>,
    /// pgzip: the marker that ends the piece is still to come.
    pub(super) marker_due: bool,
    /// pgzip: only the stream's end is still to come.
    pub(super) closing: bool,
}

/// Costs begin where the stream or, behind its dictionary, the piece does.
pub(super) const AT_SEAM: u16 = 511;

/// What a lazy matcher was about when its block was full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Middle {
    /// Nothing waits, so many literals after the last match.
    Done { run: u16 },
    /// The byte at the cursor waits, with this match (length, distance); the cursor's position is in its chain.
    Match(usize, usize),
    /// The same without a match, so many literals after the last one.
    Literal { run: u16 },
    /// The byte at the cursor is skipped, as that many more are to be.
    Skip { left: u16, run: u16 },
    /// So many literals and then this match are to be written.
    Owe { left: usize, len: usize, dist: usize },
}

impl Default for Middle {
    fn default() -> Self {
        Self::Done { run: 0 }
    }
}

/// A block's codes as the next block's choice sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Before {
    /// Bits of their description.
    pub(super) header: usize,
    /// Bits of the end of the block.
    pub(super) end: usize,
    /// They have literals only.
    pub(super) literals: bool,
}

const USED: u32 = 57;

impl Carried {
    pub(super) fn pack(&self) -> State {
        let pair = |len: usize, dist: usize| (len as u64 & 511) << 15 | (dist as u64).wrapping_sub(1) & 0x7fff;
        let (mode, payload) = match self.middle {
            Middle::Done { run } => (0, u64::from(run)),
            Middle::Match(len, dist) => (1, pair(len, dist)),
            Middle::Literal { run } => (1, 1 << 27 | u64::from(run)),
            Middle::Skip { left, run } => (2, u64::from(left & 0x7ff) << 16 | u64::from(run)),
            Middle::Owe { left, len, dist } => (3, (left as u64 & 3) << 24 | pair(len, dist)),
        };
        let before = self.before.map_or(0, |before| {
            let flags = 1 | u64::from(before.literals) << 1;
            flags << USED | (before.end as u64 & 15) << 53 | (before.header as u64 & 0x3fff) << 39
        });
        let ends = u64::from(self.marker_due) << 59 | u64::from(self.closing) << 60;
        State(ends | before | u64::from(self.step & 511) << 30 | mode << 28 | payload)
    }

    /// Any number is read; a wrong one costs exactness only.
    pub(super) fn unpack(State(bits): State) -> Self {
        let field = |shift: u32, width: u32| (bits >> shift & ((1 << width) - 1)) as usize;
        let (dist, len) = (field(0, 15) + 1, field(15, 9).clamp(4, 258));
        let run = field(0, 16) as u16;
        let middle = match field(28, 2) {
            1 if field(27, 1) == 1 => Middle::Literal { run },
            1 => Middle::Match(len, dist),
            2 => Middle::Skip { left: field(16, 11) as u16, run },
            3 => Middle::Owe { left: field(24, 2), len, dist },
            _ => Middle::Done { run },
        };
        let before = Before { header: field(39, 14), end: field(53, 4), literals: field(58, 1) == 1 };
        Self {
            middle,
            step: field(30, 9) as u16,
            before: (field(USED, 1) == 1).then_some(before),
            marker_due: field(59, 1) == 1,
            closing: field(60, 1) == 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        let middles = [
            Middle::Done { run: 77 },
            Middle::Match(258, 32768),
            Middle::Match(4, 1),
            Middle::Literal { run: 65535 },
            Middle::Skip { left: 1024, run: 65535 },
            Middle::Owe { left: 2, len: 77, dist: 999 },
        ];
        for middle in middles {
            let before = Some(Before { header: 4500, end: 15, literals: true });
            let carried = Carried { middle, step: 262, before, marker_due: true, closing: true };
            assert_eq!(Carried::unpack(carried.pack()), carried);
            assert!(carried.pack().0 < 1 << 63);
            let carried = Carried { middle, ..Carried::default() };
            assert_eq!(Carried::unpack(carried.pack()), carried);
        }
        assert_eq!(Carried::default().pack(), State::default());
    }
}
