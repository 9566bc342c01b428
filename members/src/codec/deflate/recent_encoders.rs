//! Encoders that made earlier streams, tried before others.
//!
//! A search over all encoders takes milliseconds, however short the stream is. After many streams in a row without an
//! encoder, it is made ever more rarely.
//!
//! Invariant: what is found depends on the streams and on the encoders known beforehand, never on time.

use super::encoder::detect::find_within;
use super::encoder::find_among;
use super::encoder::params::Params;
use super::encoder::types::{Input, Start};

/// The most encoders that are remembered.
const MAX_ENCODERS: usize = 4;
/// Failed searches in a row up to which every stream is searched. After that, only a stream whose number in the row is
/// a power of two is.
const MAX_SEARCHES_IN_VAIN: u32 = 16;

/// The encoders of earlier streams, the last one first.
#[derive(Clone, Debug, Default)]
pub struct RecentEncoders {
    encoders: Vec<Params>,
    /// Streams since the last search that found something.
    in_vain: u32,
}

impl RecentEncoders {
    /// Nothing but these encoders, at most four of them.
    #[must_use]
    pub fn of(encoders: &[Params]) -> Self {
        Self { encoders: encoders[..encoders.len().min(MAX_ENCODERS)].to_vec(), in_vain: 0 }
    }

    /// The encoders, the one that was of use last first.
    #[must_use]
    pub fn encoders(&self) -> &[Params] {
        &self.encoders
    }

    /// One that makes the first blocks of `actual`, as [`crate::deflate::encoder::find`] has it: a known one or, where
    /// looking for it is worthwhile and `time` is left, any. What the search takes of the time is taken off.
    pub(crate) fn find(&mut self, time: &mut u64, start: Start, input: Input, actual: &[u8]) -> Option<Params> {
        if *time == 0 || self.in_vain > MAX_SEARCHES_IN_VAIN && !self.in_vain.is_power_of_two() {
            self.in_vain = self.in_vain.saturating_add(1);
            return find_among(start, input, actual, &self.encoders);
        }
        let found = find_within(time, start, input, actual, &self.encoders);
        match found {
            Some(params) if self.encoders.contains(&params) => {}
            Some(_) => self.in_vain = 0,
            None => self.in_vain += 1,
        }
        found
    }

    /// Notes one that was of use.
    pub(crate) fn note(&mut self, params: Params) {
        self.encoders.retain(|known| *known != params);
        self.encoders.insert(0, params);
        self.encoders.truncate(MAX_ENCODERS);
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::codec::deflate::encoder::encode;
    use crate::codec::deflate::encoder::params::Family;

    fn made(params: &Params, plain: &[u8]) -> Vec<u8> {
        let input = Input { plain, flushes: &[], ends: true };
        encode(params, Start::of_stream(), input, &mut |_| ControlFlow::Continue(()))
    }

    fn found(known: &mut RecentEncoders, stream: &[u8], plain: &[u8]) -> Option<Params> {
        known.find(&mut u64::MAX.clone(), Start::of_stream(), Input { plain, flushes: &[], ends: true }, stream)
    }

    #[test]
    fn the_last_ones_come_first() {
        // Too short to tell levels apart.
        let plain = b"abcdefgh abcdefgh";
        let levels = [6, 9, 5, 7, 8].map(|level| Params::new(Family::Zlib, level));
        let stream = made(&levels[0], plain);
        for params in levels {
            assert_eq!(found(&mut RecentEncoders::of(&[params]), &stream, plain), Some(params));
        }
        let mut known = RecentEncoders::of(&levels);
        known.note(levels[1]);
        known.note(levels[4]);
        assert_eq!(known.encoders(), [levels[4], levels[1], levels[0], levels[2]]);
    }

    #[test]
    fn streams_without_an_encoder_are_searched_for_ever_more_rarely() {
        let plain: Vec<u8> = (0..900u32).map(|at| (at * at % 251) as u8 % 16).collect();
        let zlib = made(&Params::new(Family::Zlib, 6), &plain);
        // No encoder ends a block in the midst of nothing and begins another.
        let halves =
            [made(&Params::new(Family::Zlib, 6), &plain[..450]), made(&Params::new(Family::Zlib, 1), &plain[450..])];
        let nobodys: Vec<u8> = [&[0, 3, 0, 252, 255][..], &plain[..3], &halves[1]].concat();
        let others = [&plain[..3], &plain[450..]].concat();
        let mut known = RecentEncoders::default();
        for _ in 0..MAX_SEARCHES_IN_VAIN + 5 {
            assert_eq!(found(&mut known, &nobodys, &others), None);
        }
        // Only known ones are tried now; a search comes again, and if it finds something, all streams are searched for.
        assert_eq!(found(&mut known, &zlib, &plain), None);
        let waited = (0..100).take_while(|_| found(&mut known, &zlib, &plain).is_none()).count();
        assert_eq!(waited as u32, 2 * MAX_SEARCHES_IN_VAIN - (MAX_SEARCHES_IN_VAIN + 6));
        assert_eq!(known.in_vain, 0);
        known.in_vain = MAX_SEARCHES_IN_VAIN + 1;
        known.note(Params::new(Family::Zlib, 6));
        assert_eq!(found(&mut known, &zlib, &plain), Some(Params::new(Family::Zlib, 6)));
    }
}
