//! Looking for members.

use super::{Expander, Phase};
use crate::codec::decoder::Progress;
use crate::container::start::StreamStart;
use crate::container::{signature, zlib};
use crate::unit::Expansion;
use crate::unit::builder::{ATTEMPT, QUANTUM};

impl Expander {
    /// Looks for the next signature.
    pub(super) fn scan(&mut self, at: usize, ended: bool, out: &mut Expansion) -> Progress {
        let builder = &mut self.builder;
        let len = builder.buffer.len();
        let small = builder.joiner.small_window_from(at);
        let before = small.map_or(len, |small| small + 1);
        let signed = signature::find(&builder.buffer[..before], at);
        let found = signed.or(small);
        let reached = found.unwrap_or(if ended { len } else { len.saturating_sub(1).max(at) });
        builder.earn(reached - at);
        builder.settle(reached, out);
        self.state = Phase::Scan(reached);
        if found.is_none() {
            return Progress::Wait(len + QUANTUM);
        }
        let start = match signed {
            _ if builder.has_no_credit() => StreamStart::No,
            None => zlib::start(),
            Some(_) => signature::start(&builder.buffer[reached..]),
        };
        match start {
            StreamStart::More(_) if !ended => return Progress::Wait(len + QUANTUM),
            StreamStart::No | StreamStart::More(_) => {
                builder.pay(ATTEMPT / 4);
                return Progress::Over(reached + 1);
            }
            StreamStart::At(codec, offset) => {
                self.decoders.of(codec).begin(reached, reached + offset);
                self.state = Phase::Stream(codec);
            }
        }
        Progress::Go
    }
}
