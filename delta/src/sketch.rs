//! Sketches: the smallest rolling hashes of a window (min-hash over 32-byte shingles), or of the keys of its numbers.
//!
//! Two windows share about as large a part of their features as of their shingles. The order is by the rolling hash
//! itself, so that a thinned-out sample of a large window and every hash of a small one agree on which are smallest;
//! the features are those hashes, finalized so that they spread evenly as index keys.

use deltastore_format::window::MAX_FEATURES;

use crate::codecs::columns::Layout;
use crate::gear_hash;

/// Hashes under this are worth keeping while a large window passes by: 1 in 1024.
pub(super) const SAMPLE_BELOW: u64 = 1 << 54;
/// Windows shorter than this are gone over again without the limit above: too few of their hashes are under it.
const SHORT_WINDOW: usize = 64 << 10;
/// Windows shorter than this have no features: a reference to one, 32 bytes and a frame, takes what it could save, and
/// so do the features themselves.
const MIN_SKETCHED: usize = 2 * gear_hash::REACH;
/// Plain bytes for each feature.
const BYTES_PER_FEATURE: usize = 16 << 10;
/// Features of the shortest windows.
const MIN_FEATURES: usize = 4;
/// Hashes of a short window are thinned out at this many: from then on only smaller ones count, and there are few.
const SCAN_ROUND: usize = 4 * MAX_FEATURES;
/// Collected hashes are thinned out at this many: periodic bytes could sample one hash millions of times.
const MAX_SAMPLES: usize = 16 << 10;

/// The features of a window, at most [`MAX_FEATURES`]: the same ones that [`crate::Cutter`] gives it.
pub fn sketch(window: &[u8]) -> Vec<u64> {
    let mut samples = Samples::default();
    if window.len() >= SHORT_WINDOW {
        samples.scan(window, SAMPLE_BELOW);
    }
    samples.finish(window)
}

/// Rolling hashes of one window, collected as it passes by.
#[derive(Default)]
pub(super) struct Samples {
    hashes: Vec<u64>,
}

impl Samples {
    /// Adds the hash that ends at `len` bytes into the window, unless it reaches back over the window's start.
    #[inline]
    pub(super) fn add(&mut self, hash: u64, len: usize) {
        if len < gear_hash::REACH || hash >= SAMPLE_BELOW {
            return;
        }
        self.push(hash);
    }

    /// Ends the window: its features. Empties the samples. Those of windows that are numbers are of their keys, which
    /// stay from version to version as bytes do not; those of short windows are all there are.
    pub(super) fn finish(&mut self, window: &[u8]) -> Vec<u64> {
        if window.len() < MIN_SKETCHED {
            self.hashes.clear();
            return Vec::new();
        }
        if let Some(layout) = Layout::of(window) {
            let mut keys = Vec::new();
            layout.keys(window, &mut keys);
            self.hashes.clear();
            self.scan(&keys, if keys.len() < SHORT_WINDOW { u64::MAX } else { SAMPLE_BELOW });
        } else if window.len() < SHORT_WINDOW {
            self.hashes.clear();
            self.scan(window, u64::MAX);
        }
        self.smallest(window.len())
    }

    fn scan(&mut self, window: &[u8], mut below: u64) {
        let wanted = feature_count(window.len());
        let mut hash = 0;
        for (at, &byte) in window.iter().enumerate() {
            hash = gear_hash::roll(hash, byte);
            if hash < below && at + 1 >= gear_hash::REACH {
                self.push(hash);
                if self.hashes.len() >= SCAN_ROUND {
                    self.keep(wanted);
                    if let Some(&largest) = self.hashes.get(wanted - 1) {
                        below = largest;
                    }
                }
            }
        }
    }

    fn push(&mut self, hash: u64) {
        if self.hashes.last() == Some(&hash) {
            return;
        }
        self.hashes.push(hash);
        if self.hashes.len() == MAX_SAMPLES {
            self.keep(MAX_FEATURES);
        }
    }

    fn keep(&mut self, count: usize) {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.hashes.truncate(count);
    }

    fn smallest(&mut self, window_len: usize) -> Vec<u64> {
        self.keep(feature_count(window_len));
        self.hashes.drain(..).map(gear_hash::mix).collect()
    }
}

fn feature_count(window_len: usize) -> usize {
    (window_len / BYTES_PER_FEATURE).clamp(MIN_FEATURES, MAX_FEATURES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{edited, noise, shared, text};

    #[test]
    fn the_number_of_features_follows_the_length() {
        for (len, count) in
            [(0, 0), (32, 0), (63, 0), (64, 4), (4096, 4), (16384, 4), (262_144, 16), (1 << 20, 64), (4 << 20, 64)]
        {
            assert_eq!(sketch(&noise(7, len)).len(), count, "{len} bytes");
        }
    }

    #[test]
    fn one_percent_of_edits_leaves_most_features() {
        for (seed, len) in [(1, 256 << 10), (2, 1 << 20), (3, 3 << 20)] {
            let window = noise(seed, len);
            let features = sketch(&window);
            // Edits every 1600 bytes spoil 2 % of the shingles.
            let after = sketch(&edited(&window, 1600, seed));
            assert!(shared(&features, &after) * 10 >= features.len() * 7, "{len} bytes");
            assert_eq!(shared(&features, &sketch(&noise(seed + 100, len))), 0);
        }
    }

    #[test]
    fn small_windows_are_found_too() {
        let hits = (0..100u64).filter(|&seed| {
            let window = text(seed, 4096);
            shared(&sketch(&window), &sketch(&edited(&window, 2000, seed))) > 0
        });
        assert!(hits.count() >= 95);
    }

    #[test]
    fn a_part_shares_features_with_the_whole() {
        let whole = noise(5, 2 << 20);
        let part = &whole[300_000..1_300_000];
        assert!(shared(&sketch(&whole), &sketch(part)) > 10);
    }

    #[test]
    fn periodic_bytes_stay_bounded() {
        let window: Vec<u8> = noise(6, 50).into_iter().cycle().take(60_000).collect();
        let features = sketch(&window);
        assert_eq!(features.len(), 4);
        assert!(sketch(&vec![0u8; 4 << 20]).len() <= 1);
    }
}
