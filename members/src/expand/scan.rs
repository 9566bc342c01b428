//! Looking for members.

use super::{Expander, State};
use crate::codec::decoder::Step;
use crate::container::start::Start;
use crate::container::{signature, zlib};
use crate::unit::Expansion;
use crate::unit::builder::{ATTEMPT, QUANTUM};

impl Expander {
    /// Looks for the next signature.
    pub(super) fn scan(&mut self, at: usize, ended: bool, out: &mut Expansion) -> Step {
        let builder = &mut self.builder;
        let len = builder.buffer.len();
        let small = builder.joiner.small_window_from(at);
        let before = small.map_or(len, |small| small + 1);
        let signed = signature::find(&builder.buffer[..before], at);
        let found = signed.or(small);
        let reached = found.unwrap_or(if ended { len } else { len.saturating_sub(1).max(at) });
        builder.earn(reached - at);
        builder.settle(reached, out);
        self.state = State::Scan(reached);
        if found.is_none() {
            return Step::Wait(len + QUANTUM);
        }
        let start = match signed {
            _ if builder.has_no_credit() => Start::No,
            None => zlib::start(),
            Some(_) => signature::start(&builder.buffer[reached..]),
        };
        match start {
            Start::More(_) if !ended => return Step::Wait(len + QUANTUM),
            Start::No | Start::More(_) => {
                builder.pay(ATTEMPT / 4);
                return Step::Over(reached + 1);
            }
            Start::At(codec, offset) => {
                self.decoders.of(codec).begin(reached, reached + offset);
                self.state = State::Stream(codec);
            }
        }
        Step::Go
    }
}
