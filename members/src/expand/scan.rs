//! Looking for members, and what that may cost.

use super::{CREDIT, Expander, QUANTUM, State, Step, Stream};
use crate::codec::deflate::inflate::Fault;
use crate::container::start::Start;
use crate::container::{signature, zlib};
use crate::unit::Expansion;

/// What looking at one candidate costs at least, in bytes of credit.
pub(super) const ATTEMPT: usize = 256;

/// What becomes of a block that could not be decoded.
pub(super) enum Verdict {
    /// It may do once the buffer is that long.
    More(usize),
    /// It is none that is held; trying cost that much credit.
    Over { cost: usize },
}

impl Expander {
    /// Looks for the next signature.
    pub(super) fn scan(&mut self, at: usize, ended: bool, out: &mut Expansion) -> Step {
        let len = self.buffer.len();
        while self.joiner.small.pop_front_if(|small| *small < at).is_some() {}
        let small = self.joiner.small.front().copied();
        let before = small.map_or(len, |small| small + 1);
        let signed = signature::find(&self.buffer[..before], at);
        let found = signed.or(small);
        let reached = found.unwrap_or(if ended { len } else { len.saturating_sub(1).max(at) });
        self.earn(reached - at);
        self.settle(reached, out);
        self.state = State::Scan(reached);
        if found.is_none() {
            return Step::Wait(len + QUANTUM);
        }
        let start = match signed {
            _ if self.credit == 0 => Start::No,
            None => zlib::start(),
            Some(_) => signature::start(&self.buffer[reached..]),
        };
        match start {
            Start::More(_) if !ended => return Step::Wait(len + QUANTUM),
            Start::No | Start::More(_) => self.scan_from(reached + 1, ATTEMPT / 4),
            Start::At(offset) => {
                let bit = (reached + offset) * 8;
                self.state = State::Stream(Stream { signature: reached, bit, plain: 0, worthwhile: false });
            }
        }
        Step::Go
    }

    /// Up to where a block that starts at byte `start` is decoded: no further than a block may go that is held.
    pub(super) fn limit(&self, start: usize) -> usize {
        self.buffer.len().min(start.saturating_add(self.settings.block))
    }

    /// What is to become of a block that starts at byte `start` and cannot be decoded.
    pub(super) fn verdict(&mut self, fault: Fault, start: usize, ended: bool) -> Verdict {
        let (len, most) = (self.buffer.len(), start.saturating_add(self.settings.block));
        let reached = match fault {
            Fault::Incomplete if !ended && len < most => {
                let want = len + QUANTUM.max(len.saturating_sub(start));
                return Verdict::More(want.min(most).max(len + 1));
            }
            Fault::Incomplete => {
                self.cut_off |= len < most;
                self.limit(start)
            }
            Fault::Invalid { at } => at / 8,
        };
        Verdict::Over { cost: ATTEMPT + reached.saturating_sub(start) }
    }

    /// Goes on scanning from there, after an attempt that cost so much in vain.
    pub(super) fn scan_from(&mut self, at: usize, cost: usize) {
        self.credit = self.credit.saturating_sub(cost);
        self.state = State::Scan(at);
    }

    pub(super) fn earn(&mut self, bytes: usize) {
        self.credit = (self.credit + bytes).min(CREDIT);
    }
}
