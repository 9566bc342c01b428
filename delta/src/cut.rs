//! Cutting a stream into windows where its content says so, and sketching them in the same pass.
//!
//! A cut lies after any byte where the rolling hash is under a limit; the limit is four times stricter than the target
//! size asks for until that size is reached, and four times laxer after it, so that sizes gather around the target. The
//! hash runs on over cuts and sees 32 bytes: after an insertion or removal cuts fall on the same content again.

use bytes::Bytes;
use deltastore_format::window::MAX_WINDOW_LEN;

use crate::gear_hash;
use crate::sketch::{SAMPLE_BELOW, Samples};

/// Stretches of a block that are hashed side by side.
const LANES: usize = 4;
/// Bytes of each; a block is short, because what of it lies after a cut is gone over again.
const LANE: usize = 1024;

/// Sizes of windows, in plain bytes. Only the last window of a stream may be shorter than `min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutSettings {
    pub min: u32,
    pub target: u32,
    pub max: u32,
}

impl Default for CutSettings {
    fn default() -> Self {
        Self { min: 256 << 10, target: 1 << 20, max: 4 << 20 }
    }
}

impl CutSettings {
    /// For data that a background job stores anew: fewer windows than the default, each with more of its own bytes and
    /// of its references to point at. Twice the target bounds what one read decodes.
    pub fn cold() -> Self {
        Self { min: 512 << 10, target: 2 << 20, max: 4 << 20 }
    }
}

/// One window of the stream with its sketch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutWindow {
    /// Never empty; has exactly its own allocation.
    pub bytes: Bytes,
    /// At most [`deltastore_format::window::MAX_FEATURES`].
    pub features: Vec<u64>,
}

/// Cuts one stream at a time. Holds at most `max` bytes.
pub struct Cutter {
    min: usize,
    target: usize,
    max: usize,
    /// A hash under this cuts before the target size.
    strict: u64,
    /// A hash under this cuts after it.
    lax: u64,
    /// Hashes under this are looked at: the largest of the limits.
    notable: u64,
    hash: u64,
    window: Vec<u8>,
    samples: Samples,
    /// Kept for its allocations; empty between blocks.
    hits: [Vec<(usize, u64)>; LANES],
}

impl Cutter {
    /// A cutter at the start of a stream. Sizes are brought into order: `1 <= max <= MAX_WINDOW_LEN`, `target <= max`,
    /// `min <= target`.
    pub fn new(settings: CutSettings) -> Self {
        let max = settings.max.clamp(1, MAX_WINDOW_LEN);
        let target = settings.target.clamp(1, max);
        let min = settings.min.clamp(1, target);
        let average = u64::MAX / u64::from(target);
        let (strict, lax) = (average / 4, average.saturating_mul(4));
        Self {
            min: min as usize,
            target: target as usize,
            max: max as usize,
            strict,
            lax,
            notable: lax.max(SAMPLE_BELOW),
            hash: 0,
            window: Vec::new(),
            samples: Samples::default(),
            hits: Default::default(),
        }
    }

    /// Takes the next bytes of the stream and appends the windows they complete to `out`.
    pub fn push(&mut self, mut data: &[u8], out: &mut Vec<CutWindow>) {
        while !data.is_empty() {
            let room = data.len().min(self.max - self.window.len());
            let (now, cut) = self.scan(&data[..room]);
            self.window.extend_from_slice(&data[..now]);
            data = &data[now..];
            if cut || self.window.len() == self.max {
                out.extend(self.take());
            }
        }
    }

    /// Ends the stream: the last window, if any bytes are left. The cutter is ready for another stream.
    pub fn finish(&mut self) -> Option<CutWindow> {
        self.hash = 0;
        self.take()
    }

    /// Goes over bytes until a cut: how many belong to the window, and whether it ends there.
    fn scan(&mut self, data: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while let Some(block) = data[at..].first_chunk::<{ LANES * LANE }>() {
            let mut hits = std::mem::take(&mut self.hits);
            let last = self.roll_lanes(block, &mut hits);
            let cut = hits.iter().enumerate().find_map(|(lane, hits)| {
                hits.iter().find_map(|&(offset, seen)| {
                    let end = at + lane * LANE + offset + 1;
                    self.note(seen, end).then_some((end, seen))
                })
            });
            self.hits = hits;
            if let Some((end, seen)) = cut {
                self.hash = seen;
                return (end, true);
            }
            self.hash = last;
            at += block.len();
        }
        for &byte in &data[at..] {
            self.hash = gear_hash::roll(self.hash, byte);
            at += 1;
            if self.hash < self.notable && self.note(self.hash, at) {
                return (at, true);
            }
        }
        (data.len(), false)
    }

    /// Rolls over a block in lanes side by side, because each step of the hash waits for the one before it. A lane
    /// starts with the hash of the bytes before it, which is all it depends on. Leaves notable hashes and where in
    /// their lane they end in `hits`, and returns the hash at the block's end.
    fn roll_lanes(&self, block: &[u8; LANES * LANE], hits: &mut [Vec<(usize, u64)>; LANES]) -> u64 {
        hits.iter_mut().for_each(Vec::clear);
        let (lanes, _) = block.as_chunks::<LANE>();
        let [a, b, c, d] = lanes else { return self.hash };
        let before = |lane: &[u8; LANE]| {
            lane[LANE - gear_hash::REACH..].iter().fold(0, |hash, &byte| gear_hash::roll(hash, byte))
        };
        let mut hashes = [self.hash, before(a), before(b), before(c)];
        for offset in 0..LANE {
            hashes = [
                gear_hash::roll(hashes[0], a[offset]),
                gear_hash::roll(hashes[1], b[offset]),
                gear_hash::roll(hashes[2], c[offset]),
                gear_hash::roll(hashes[3], d[offset]),
            ];
            let smallest = hashes[0].min(hashes[1]).min(hashes[2].min(hashes[3]));
            if smallest < self.notable {
                for (hash, hits) in hashes.into_iter().zip(hits.iter_mut()) {
                    if hash < self.notable {
                        hits.push((offset, hash));
                    }
                }
            }
        }
        hashes[LANES - 1]
    }

    /// Samples a notable hash that ends `new` bytes after the window so far, and says whether it cuts.
    #[inline(never)]
    fn note(&mut self, hash: u64, new: usize) -> bool {
        let len = self.window.len() + new;
        self.samples.add(hash, len);
        len >= self.min && hash < if len < self.target { self.strict } else { self.lax }
    }

    fn take(&mut self) -> Option<CutWindow> {
        if self.window.is_empty() {
            return None;
        }
        let features = self.samples.finish(&self.window);
        // A copy, so that a window keeps no more memory than it has bytes and this buffer is used again.
        let bytes = Bytes::copy_from_slice(&self.window);
        self.window.clear();
        Some(CutWindow { bytes, features })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sketch::sketch;
    use crate::testing::{noise, text};

    const TINY: CutSettings = CutSettings { min: 64, target: 256, max: 1024 };

    fn cut(settings: CutSettings, data: &[u8], piece: usize) -> Vec<CutWindow> {
        let mut cutter = Cutter::new(settings);
        let mut windows = Vec::new();
        for bytes in data.chunks(piece) {
            cutter.push(bytes, &mut windows);
        }
        windows.extend(cutter.finish());
        windows
    }

    fn lens(windows: &[CutWindow]) -> Vec<usize> {
        windows.iter().map(|window| window.bytes.len()).collect()
    }

    #[test]
    fn windows_make_the_stream_however_it_arrives() {
        for (settings, len) in [(TINY, 100_000), (CutSettings::default(), 9 << 20)] {
            let data = noise(1, len);
            let whole = cut(settings, &data, len);
            assert_eq!(whole.iter().flat_map(|window| window.bytes.to_vec()).collect::<Vec<_>>(), data);
            for piece in [1, 7, 1000, 65_536] {
                if piece > 1 || len < 200_000 {
                    assert_eq!(cut(settings, &data, piece), whole, "pieces of {piece}");
                }
            }
            let (last, before) = whole.split_last().expect("windows");
            assert!(last.bytes.len() <= settings.max as usize);
            assert!(
                before.iter().all(|window| { (settings.min..=settings.max).contains(&(window.bytes.len() as u32)) })
            );
        }
    }

    #[test]
    fn sizes_gather_around_the_target() {
        let windows = cut(TINY, &noise(2, 1 << 20), 4096);
        let average = (1 << 20) / windows.len();
        assert!((200..=340).contains(&average), "{average}");
        let near = lens(&windows).into_iter().filter(|len| (128..=512).contains(len)).count();
        assert!(near * 4 >= windows.len() * 3, "{near} of {}", windows.len());
    }

    #[test]
    fn features_are_a_function_of_the_windows_bytes() {
        for (settings, data) in [(TINY, text(3, 50_000)), (CutSettings::default(), noise(3, 5 << 20))] {
            for window in cut(settings, &data, 10_000) {
                assert_eq!(window.features, sketch(&window.bytes));
            }
        }
    }

    #[test]
    fn shifted_content_falls_back_into_step() {
        for (settings, len) in [(TINY, 200_000), (CutSettings::default(), 24 << 20)] {
            let data = noise(4, len);
            let windows = cut(settings, &data, 1 << 16);
            for shift in [1, 33, 4097] {
                let mut shifted = noise(5, shift);
                shifted.extend_from_slice(&data);
                let known: std::collections::HashSet<_> = windows.iter().map(|window| &window.bytes).collect();
                let again = cut(settings, &shifted, 1 << 16);
                let same = again.iter().filter(|window| known.contains(&window.bytes)).count();
                assert!(same * 10 >= again.len() * 8, "shift {shift}: {same} of {}", again.len());
            }
        }
    }

    #[test]
    fn unchanging_bytes_are_cut_at_the_maximum() {
        assert_eq!(lens(&cut(CutSettings::default(), &vec![0; 10 << 20], 1 << 16)), [4 << 20, 4 << 20, 2 << 20]);
        assert_eq!(lens(&cut(TINY, &[255; 2500], 999)), [1024, 1024, 452]);
    }

    #[test]
    fn streams_do_not_touch_each_other() {
        let mut cutter = Cutter::new(TINY);
        let data = noise(6, 10_000);
        let mut windows = Vec::new();
        for _ in 0..2 {
            cutter.push(&data, &mut windows);
            windows.extend(cutter.finish());
        }
        assert_eq!(cutter.finish(), None);
        let (first, second) = windows.split_at(windows.len() / 2);
        assert_eq!(first, second);
    }

    #[test]
    fn settings_out_of_order_still_cut() {
        for (min, target, max) in [(0, 0, 0), (9, 3, 1), (u32::MAX, u32::MAX, u32::MAX), (1, 1, 1)] {
            let windows = cut(CutSettings { min, target, max }, &noise(7, 5000), 512);
            assert_eq!(lens(&windows).iter().sum::<usize>(), 5000);
        }
    }
}
