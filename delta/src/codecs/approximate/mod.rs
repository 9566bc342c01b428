//! The approximate-match codec: copies from the references that need not be equal, and what has to be added to them.
//!
//! Meant for native code and other data where an insertion shifts the addresses all over the rest: there few stretches
//! are equal and long ones are nearly equal. The bytes are specified in `format/SPEC.md` ("Approximate match").
//!
//! Must: decoding allocates no more than a few times `raw_len` and never panics; encoding the same bytes gives the same
//! bytes.

mod patch;
mod stream;

use zstd::zstd_safe::DCtx;

use crate::copies::Copy;
use crate::copies::anchors::Anchors;
use crate::copies::control::{self, Step};
use crate::copies::matching::{self, Search};
use patch::{Patcher, Patches};
use stream::Streams;

/// How much work an encode may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApproximateEffort {
    /// zstd's level for the streams.
    pub level: i32,
    /// Bytes of the source from one anchor to the next.
    pub step: usize,
    /// Anchors of one gram that are tried.
    pub tries: usize,
}

/// Encodes windows one after another. Its memory grows with the references it meets, to about 64 MiB.
#[derive(Default)]
pub(crate) struct Approximator {
    anchors: Anchors,
    copies: Vec<Copy>,
    control: Vec<u8>,
    patches: Patches,
    literals: Vec<u8>,
}

impl Approximator {
    /// Finds the copies of `window` in `source`, for [`Approximator::write`].
    pub(crate) fn find(&mut self, window: &[u8], source: &[u8], effort: &ApproximateEffort) {
        let search = Search { step: effort.step, tries: effort.tries };
        self.anchors.build(source, search.step, search.tries > 1);
        matching::copies(window, source, &self.anchors, search, &mut self.copies);
    }

    /// The encoded window, or nothing if that would be longer than `limit`, or the library refuses. The copies must
    /// have been found for the same two.
    pub(crate) fn write(
        &mut self,
        window: &[u8],
        source: &[u8],
        effort: &ApproximateEffort,
        limit: usize,
    ) -> Option<Vec<u8>> {
        control::write(&self.copies, 1, &mut self.control);
        self.patches.collect(&self.copies, window, source);
        self.literals.clear();
        let mut done = 0;
        for copy in &self.copies {
            self.literals.extend_from_slice(&window[done..copy.at]);
            done = copy.at + copy.len;
        }
        self.literals.extend_from_slice(&window[done..]);
        let streams = Streams {
            control: &self.control[..],
            places: &self.patches.places,
            values: &self.patches.values,
            literals: &self.literals,
        };
        // A decoder takes no stream longer than the window; such a one would not pay either.
        if streams.control.len().max(streams.places.len()) > window.len() {
            return None;
        }
        stream::write(&streams, effort.level, limit)
    }
}

/// Undoes it: exactly `raw_len` bytes. Allocates no more than five times that.
pub(crate) fn decode(zstd: &mut DCtx<'_>, encoded: &[u8], source: &[u8], raw_len: usize) -> Result<Vec<u8>, String> {
    let streams = stream::read(zstd, encoded, raw_len)?;
    let mut patcher = Patcher::new(&streams.places, &streams.values)?;
    let mut literals = &streams.literals[..];
    let mut plain = Vec::with_capacity(raw_len);
    for step in control::read(&streams.control, 1)? {
        let Step { literals: before, from, len } = step?;
        let (before, rest) = literals.split_at_checked(before).ok_or("a copy after more literals than there are")?;
        literals = rest;
        plain.extend_from_slice(before);
        let there = source.get(from..).and_then(|source| source.get(..len)).ok_or("a copy from outside the source")?;
        if len > raw_len - plain.len().min(raw_len) {
            return Err("copies of more bytes than the window has".to_owned());
        }
        let start = plain.len();
        plain.extend_from_slice(there);
        patcher.apply(&mut plain[start..])?;
    }
    patcher.finish()?;
    plain.extend_from_slice(literals);
    if plain.len() == raw_len { Ok(plain) } else { Err(format!("{} bytes instead of {raw_len}", plain.len())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Random, edited, native, noise, text};

    const QUICK: ApproximateEffort = ApproximateEffort { level: 1, step: 4, tries: 1 };
    const THOROUGH: ApproximateEffort = ApproximateEffort { level: 12, step: 1, tries: 8 };

    fn encode(window: &[u8], source: &[u8], effort: &ApproximateEffort) -> Option<Vec<u8>> {
        let mut approximator = Approximator::default();
        approximator.find(window, source, effort);
        approximator.write(window, source, effort, window.len() + 100)
    }

    fn back(encoded: &[u8], source: &[u8], raw_len: usize) -> Result<Vec<u8>, String> {
        decode(&mut DCtx::create(), encoded, source, raw_len)
    }

    /// Streams as they are, behind their header.
    fn pieces(control: &[u8], places: &[u8], values: &[u8], literals: &[u8]) -> Vec<u8> {
        let [control_len, places_len, values_len] = [control, places, values].map(|stream| stream.len() as u32);
        let header =
            [0, control_len, control_len, places_len, places_len, values_len, values_len, literals.len() as u32];
        let mut bytes: Vec<u8> = header.iter().flat_map(|field| field.to_le_bytes()).collect();
        [control, places, values, literals].iter().for_each(|stream| bytes.extend_from_slice(stream));
        bytes
    }

    #[test]
    fn edits_insertions_and_shifts_come_back() {
        let mut random = Random::new(1);
        for round in 0..120 {
            let len = 1 + random.below(60_000);
            let source = match round % 3 {
                0 => noise(round, len),
                1 => text(round, len),
                _ => native(round, len, 0),
            };
            let mut window = match round % 4 {
                0 => edited(&source, 1 + random.below(300), round),
                1 => native(round, 1 + random.below(60_000), random.next() as u32),
                2 => source.iter().map(|byte| byte.wrapping_add(u8::from(random.below(9) == 0))).collect(),
                _ => source[random.below(len)..].to_vec(),
            };
            let at = random.below(window.len() + 1);
            window.splice(at..at, noise(round + 1, random.below(5000)));
            for effort in [QUICK, THOROUGH] {
                let Some(encoded) = encode(&window, &source, &effort) else { continue };
                assert_eq!(back(&encoded, &source, window.len()).as_deref(), Ok(&window[..]), "round {round}");
                assert_eq!(encode(&window, &source, &effort), Some(encoded), "the same bytes again");
            }
        }
    }

    #[test]
    fn the_shortest_windows_and_sources_come_back() {
        for window in [0, 1, 15, 16, 17, 33] {
            for source in [0, 1, 15, 16, 17, 33] {
                let (window, source) = (noise(2, window), noise(2, source));
                let encoded = encode(&window, &source, &THOROUGH).expect("room enough");
                assert_eq!(back(&encoded, &source, window.len()).as_deref(), Ok(&window[..]));
            }
        }
    }

    #[test]
    fn unchanging_bytes_take_no_time() {
        let (window, source) = (vec![0; 4 << 20], vec![0; 4 << 20]);
        for effort in [QUICK, THOROUGH] {
            let encoded = encode(&window, &source, &effort).expect("zeros shrink");
            assert!(encoded.len() < 200, "{}", encoded.len());
            assert_eq!(back(&encoded, &source, window.len()).as_deref(), Ok(&window[..]));
        }
    }

    #[test]
    fn addresses_that_shift_cost_next_to_nothing() {
        let source = native(3, 400_000, 0);
        let window = native(3, 400_000, 0x1230);
        let encoded = encode(&window, &source, &THOROUGH).expect("shorter than the window");
        assert!(encoded.len() * 20 < window.len(), "{}", encoded.len());
        assert_eq!(back(&encoded, &source, window.len()).as_deref(), Ok(&window[..]));
    }

    #[test]
    fn the_layout_is_the_specified_one() {
        let source = b"0123456789abcdef";
        // Two literals, then 10 bytes from 4; one literal, then 3 bytes from 0, where 15 would be expected: 15 back.
        let control = [2, 1, 10, 3, 4, 29];
        // Copied byte 1 and the last two of the second copy.
        let places = [1, 9, 1, 2];
        let encoded = pieces(&control, &places, &[1, 255, 2], b"XY-!");
        assert_eq!(back(&encoded, source, 17).as_deref(), Ok(&b"XY466789abcd-004!"[..]));
    }

    #[test]
    fn what_does_not_add_up_is_refused() {
        let source = b"0123456789abcdef";
        let good = pieces(&[0, 10, 0], &[], &[], b"!");
        assert_eq!(back(&good, source, 11).as_deref(), Ok(&b"0123456789!"[..]));
        let bad = [
            ("two columns", pieces(&[0, 10], &[], &[], b"!")),
            ("an endless number", pieces(&[0, 10, 0x80], &[], &[], b"!")),
            ("more literals than there are", pieces(&[2, 10, 0], &[], &[], b"!")),
            ("from before the source", pieces(&[0, 10, 1], &[], &[], b"!")),
            ("over the source's end", pieces(&[0, 10, 14], &[], &[], b"!")),
            ("too short", pieces(&[0, 9, 0], &[], &[], b"!")),
            ("too long", pieces(&[0, 11, 0], &[], &[], b"!")),
            ("a patch over the copy's end", pieces(&[0, 10, 0], &[9, 2], &[1, 1], b"!")),
            ("a patch after all copies", pieces(&[0, 10, 0], &[10, 1], &[1], b"!")),
            ("more patches than values", pieces(&[0, 10, 0], &[0, 2], &[1], b"!")),
            ("more values than patches", pieces(&[0, 10, 0], &[0, 1], &[1, 1], b"!")),
            ("one column of places", pieces(&[0, 10, 0], &[1], &[1], b"!")),
            ("no header", vec![0; 31]),
            ("a reserved bit", [&[1][..], &good[1..]].concat()),
            ("bytes after the literals", [&good[..], b"!"].concat()),
        ];
        for (name, encoded) in bad {
            assert!(back(&encoded, source, 11).is_err(), "{name}");
        }
    }

    #[test]
    fn damage_is_an_error_or_other_bytes_of_the_right_length() {
        let mut random = Random::new(4);
        let source = native(4, 50_000, 0);
        let window = edited(&native(4, 50_000, 77), 400, 4);
        for effort in [QUICK, THOROUGH] {
            let encoded = encode(&window, &source, &effort).expect("shorter than the window");
            for round in 0..2000 {
                let mut bad = encoded.clone();
                if round % 5 == 0 {
                    bad.truncate(random.below(bad.len()));
                }
                for _ in 0..1 + random.below(3) {
                    // Half of the damage hits the header and the streams' starts.
                    let reach = if random.below(2) == 0 { bad.len() } else { bad.len().min(64) };
                    if reach > 0 {
                        bad[random.below(reach)] ^= 1 << random.below(8);
                    }
                }
                if let Ok(plain) = back(&bad, &source, window.len()) {
                    assert_eq!(plain.len(), window.len());
                }
            }
        }
    }
}
