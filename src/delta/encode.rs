//! Encoding windows: the smallest form that is proven to decode.

use bytes::Bytes;
use deltastore_format::{Codec, Hash};
use zstd::zstd_safe::{CCtx, CParameter, DCtx, compress_bound};

use super::approximate::{self, ApproximateEffort, Approximator};
use super::decode::{inflate, inflate_with, joined};
use super::probe::looks_random;
use super::reference::{Chosen, Reference, References, load};

/// zstd sizes its hash table for the window alone. With one for window and references, level 1 without long-distance
/// matching finds more than level 3 with it does, and faster (one core, deltas as a share of the windows, MB/s):
/// tar 0.0147 at 345 against 0.0162 at 216; ELF 0.188 at 129 against 0.217 at 89; SQL dump 0.0057 at 372 against 0.0051
/// at 142. So levels up to 3 become 1 here.
const FAST_LEVEL: i32 = 1;
/// The table has an entry for every byte of short spans, up to this many (log 2), and for every fourth of long ones.
const FULL_HASH_LOG: u32 = 18;
/// VCDIFF is tried where zstd's result is at most this part of the window. Measured on windows of the tar corpus: under 1/2048
/// it won 24 of 25 times (by 260 bytes each), from there to 1/512 11 of 20 times, above 5 of 57 times; on ELF and SQL never.
const VCDIFF_SHARE: usize = 2048;
/// xdelta3's fastest level: the higher ones halve its speed and gain nothing where it is tried.
const VCDIFF_LEVEL: u8 = 1;
/// Bytes a reference costs in the window head.
const REFERENCE_COST: usize = 32;
/// References must make a window smaller by one part in this many.
const WORTH_REFERENCES: usize = 32;
/// Without references a window is not even tried if they make it at most this many quarters of the estimate for that. The
/// estimate is exact for native code and far too long for what repeats within the window.
const SURE: usize = 3;
/// The same where the references are of the same object: a window without references can serve all later ones of it.
const SURE_OWN: usize = 2;
/// A form must be smaller than the raw bytes by one part in this many.
const WORTH_ENCODING: usize = 64;
/// Bytes that tell how well a window compresses without references, and in how many slices they are taken.
const SAMPLE: usize = 64 << 10;
const SAMPLE_SLICES: usize = 4;
/// Of two codecs that were tried at a fast level, the one that is longer by one part in this many is not tried at a high one.
const NEARLY: usize = 16;

/// How much work an encode may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// zstd's level, 1 to 22 (others as zstd takes them), without references.
    pub level: i32,
    /// zstd's level with references; up to 3 they are the same.
    pub level_with_references: i32,
    /// Most reference hops of the result; 0 means no references.
    pub max_depth: u8,
    /// Most reference hops of the result if a reference is of the object that is being written ([`super::Nearness::Object`]).
    pub max_own_depth: u8,
    /// Most references of the result.
    pub max_references: usize,
    /// Most plain bytes that reading the result may decode, the window and what it is encoded against, directly or not.
    pub max_cost: u64,
    /// False: never ask for references.
    pub deltas: bool,
    /// True: VCDIFF is tried wherever references are used; false: only where it is cheap and may win.
    pub vcdiff_always: bool,
    /// How the approximate match is tried where references are used; `None`: not at all.
    pub approximate: Option<ApproximateEffort>,
}

impl Effort {
    /// What keeps up with a network: for windows that are being uploaded.
    pub fn fast() -> Self {
        Self {
            level: 3,
            level_with_references: 1,
            max_depth: 2,
            max_own_depth: 1,
            max_references: 2,
            max_cost: 64 << 20,
            deltas: true,
            vcdiff_always: false,
            approximate: None,
        }
    }

    /// Between the two.
    pub fn balanced() -> Self {
        Self {
            level: 12,
            level_with_references: 9,
            max_depth: 3,
            max_own_depth: 1,
            max_references: 3,
            approximate: Some(ApproximateEffort { level: 12, step: 2, tries: 4 }),
            ..Self::fast()
        }
    }

    /// What makes windows smallest: for a background job.
    pub fn cold() -> Self {
        Self {
            level: 19,
            // Higher levels put the whole prefix into trees first, at about 1 MB/s.
            level_with_references: 12,
            max_depth: 4,
            max_own_depth: 2,
            max_references: 4,
            approximate: Some(ApproximateEffort { level: 19, step: 2, tries: 8 }),
            ..Self::fast()
        }
    }
}

impl Default for Effort {
    fn default() -> Self {
        Self::fast()
    }
}

/// A window as it is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    pub codec: Codec,
    /// 0 without references, else 1 + the deepest of them.
    pub depth: u8,
    /// In the order the codec sees them.
    pub references: Vec<Hash>,
    pub bytes: Bytes,
}

/// Encodes windows one after another; one per thread.
pub struct Encoder {
    plain: CCtx<'static>,
    plain_check: DCtx<'static>,
    approximator: Approximator,
    output: Vec<u8>,
    prefix: Vec<u8>,
    sample: Vec<u8>,
}

/// Bytes that may become the window's form, shortest first in the end.
struct Form {
    codec: Codec,
    bytes: Vec<u8>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// An encoder whose buffers and contexts grow with the windows it meets, to a few times the largest.
    pub fn new() -> Self {
        Self {
            plain: CCtx::create(),
            plain_check: DCtx::create(),
            approximator: Approximator::default(),
            output: Vec::new(),
            prefix: Vec::new(),
            sample: Vec::new(),
        }
    }

    /// The smallest form of `window` that decodes to it, raw if nothing else gains. `features` are its sketch.
    /// Raw shares the window's memory. Never fails: a library's error only means that its form is not used.
    pub fn encode(
        &mut self,
        window: &Bytes,
        features: &[u64],
        references: &dyn References,
        effort: &Effort,
    ) -> Encoded {
        let Chosen { references: chosen, own } =
            if effort.deltas { load(window.len(), features, references, effort) } else { Chosen::default() };
        let plain: Vec<Bytes> = chosen.iter().map(|reference| reference.bytes.clone()).collect();
        let mut buffer = std::mem::take(&mut self.prefix);
        let prefix = joined(&mut buffer, &plain);
        let sure = if own { SURE_OWN } else { SURE };
        let forms = self.forms(window, prefix, chosen.len(), sure, effort);
        let encoded = self.proven(window, forms, &chosen, prefix);
        self.prefix = buffer;
        encoded
    }

    /// The forms worth proving; `sure` is one of [`SURE`] and [`SURE_OWN`].
    fn forms(&mut self, window: &[u8], prefix: &[u8], references: usize, sure: usize, effort: &Effort) -> Vec<Form> {
        let mut forms = Vec::new();
        if references > 0 {
            self.against(prefix, window, effort, &mut forms);
        }
        let shortest = forms.iter().map(|form| form.bytes.len()).min();
        if looks_random(window) || shortest.is_some_and(|len| len * 4 <= self.estimate(window) * sure) {
            return forms;
        }
        if let Some(alone) = self.alone(window, effort.level) {
            // Without references a window costs one read, and newer ones can be encoded against it: they must gain enough.
            let gain = alone.bytes.len() / WORTH_REFERENCES + REFERENCE_COST * references;
            if shortest.is_some_and(|len| len + gain >= alone.bytes.len()) {
                forms.clear();
            }
            forms.push(alone);
        }
        forms
    }

    /// Adds the forms that use references.
    fn against(&mut self, prefix: &[u8], window: &[u8], effort: &Effort, forms: &mut Vec<Form>) {
        let (exact, approximate) = self.promising(prefix, window, effort);
        if exact && let Ok(bytes) = self.with_prefix(prefix, window, effort.level_with_references) {
            forms.push(Form { codec: Codec::ZstdReferences, bytes });
        }
        let rival = forms.first().map_or(window.len(), |form| form.bytes.len());
        if effort.vcdiff_always || rival <= window.len() / VCDIFF_SHARE {
            let bytes = deltastore_vcdiff::encode(window, prefix, VCDIFF_LEVEL, rival.saturating_sub(1));
            forms.extend(bytes.map(|bytes| Form { codec: Codec::Vcdiff, bytes }));
        }
        if approximate && let Some(approximate) = &effort.approximate {
            let bytes = self.approximator.write(window, prefix, approximate, rival.saturating_sub(1));
            forms.extend(bytes.map(|bytes| Form { codec: Codec::Approximate, bytes }));
        }
    }

    /// Whether exact and approximate copies may make the smallest form: both are tried at a fast level, which takes a tenth
    /// of the time of a high one or less. Leaves the approximate copies found.
    fn promising(&mut self, prefix: &[u8], window: &[u8], effort: &Effort) -> (bool, bool) {
        let Some(wanted) = &effort.approximate else { return (true, false) };
        let quick = ApproximateEffort { level: FAST_LEVEL, ..*wanted };
        self.approximator.find(window, prefix, wanted);
        let approximate =
            self.approximator.write(window, prefix, &quick, window.len()).map_or(window.len(), |form| form.len());
        let exact = self.with_prefix(prefix, window, FAST_LEVEL).map_or(window.len(), |form| form.len());
        (exact <= approximate + approximate / NEARLY, approximate <= exact + exact / NEARLY)
    }

    fn with_prefix(&mut self, prefix: &[u8], window: &[u8], level: i32) -> Result<Vec<u8>, usize> {
        // It borrows the prefix, so it lives for this call only; making one takes no measurable time.
        let mut context = CCtx::create();
        let span_log = (prefix.len() + window.len()).next_power_of_two().trailing_zeros().max(10);
        let level = if level <= 3 { FAST_LEVEL } else { level };
        context.set_parameter(CParameter::CompressionLevel(level))?;
        context.set_parameter(CParameter::WindowLog(span_log))?;
        context.set_parameter(CParameter::HashLog(span_log.min(FULL_HASH_LOG).max(span_log - 2)))?;
        context.ref_prefix(prefix)?;
        self.output.clear();
        self.output.reserve(compress_bound(window.len()));
        context.compress2(&mut self.output, window)?;
        Ok(self.output.clone())
    }

    fn alone(&mut self, window: &[u8], level: i32) -> Option<Form> {
        self.output.clear();
        self.output.reserve(compress_bound(window.len()));
        self.plain.set_parameter(CParameter::CompressionLevel(level)).ok()?;
        self.plain.compress2(&mut self.output, window).ok()?;
        Some(Form { codec: Codec::Zstd, bytes: self.output.clone() })
    }

    /// About how long the window would be without references, from a few slices of it; rather too long than too short.
    fn estimate(&mut self, window: &[u8]) -> usize {
        if window.len() <= 2 * SAMPLE {
            // Compressing it all is as quick.
            return 0;
        }
        self.sample.clear();
        let step = window.len() / SAMPLE_SLICES;
        window.chunks_exact(step).for_each(|slice| self.sample.extend_from_slice(&slice[..SAMPLE / SAMPLE_SLICES]));
        let sample = std::mem::take(&mut self.sample);
        let len = self.alone(&sample, 1).map_or(0, |form| form.bytes.len());
        self.sample = sample;
        window.len() / SAMPLE * len
    }

    /// The shortest form that decodes to the window.
    fn proven(&mut self, window: &Bytes, mut forms: Vec<Form>, references: &[Reference], prefix: &[u8]) -> Encoded {
        forms.sort_by_key(|form| form.bytes.len());
        let enough = window.len() - window.len() / WORTH_ENCODING;
        for Form { codec, bytes } in forms {
            let uses = if codec == Codec::Zstd { &[] } else { references };
            if bytes.len() + REFERENCE_COST * uses.len() >= enough {
                continue;
            }
            let back = match codec {
                Codec::Raw => continue,
                Codec::Zstd => inflate(&mut self.plain_check, &bytes, window.len()),
                Codec::ZstdReferences => inflate_with(prefix, &bytes, window.len()),
                Codec::Approximate => approximate::decode(&mut self.plain_check, &bytes, prefix, window.len()),
                Codec::Vcdiff => {
                    deltastore_vcdiff::decode(&bytes, prefix, window.len()).map_err(|error| error.to_string())
                }
            };
            if back.is_ok_and(|back| back == window[..]) {
                return Encoded {
                    codec,
                    depth: uses.iter().map(|reference| reference.depth.saturating_add(1)).max().unwrap_or(0),
                    references: uses.iter().map(|reference| reference.hash).collect(),
                    bytes: Bytes::from(bytes),
                };
            }
        }
        Encoded { codec: Codec::Raw, depth: 0, references: Vec::new(), bytes: window.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delta::testing::{Random, Shelf, decode, edited, native, noise, text};
    use crate::delta::{Nearness, sketch};

    fn encode(window: &[u8], shelf: &Shelf, effort: &Effort) -> Encoded {
        let encoded = Encoder::new().encode(&Bytes::copy_from_slice(window), &sketch(window), shelf, effort);
        assert_eq!(decode(window, &encoded, shelf).expect("decodes"), window);
        encoded
    }

    #[test]
    fn adversarial_windows_come_back() {
        let shelf = Shelf::default();
        let cases: [(Vec<u8>, Codec); 7] = [
            (Vec::new(), Codec::Raw),
            (vec![7], Codec::Raw),
            (vec![0; 4 << 20], Codec::Zstd),
            (vec![0; 16 << 20], Codec::Zstd),
            (noise(1, 16 << 20), Codec::Raw),
            (noise(2, 1000), Codec::Raw),
            (text(3, 1 << 20), Codec::Zstd),
        ];
        for (window, codec) in cases {
            let encoded = encode(&window, &shelf, &Effort::default());
            assert_eq!(
                (encoded.codec, encoded.depth, encoded.references.len()),
                (codec, 0, 0),
                "{} bytes",
                window.len()
            );
        }
    }

    #[test]
    fn one_encoder_serves_windows_of_all_kinds() {
        let mut encoder = Encoder::new();
        let mut shelf = Shelf::default();
        let mut random = Random::new(4);
        for round in 0..60 {
            let len = 1 << random.below(19);
            let window = if round % 2 == 0 { noise(round, len) } else { text(round, len) };
            for window in [edited(&window, 500, round), edited(&window, 3000, round + 1), window] {
                let features = sketch(&window);
                let effort =
                    Effort { vcdiff_always: round % 3 == 0, max_references: random.below(5), ..Effort::default() };
                let encoded = encoder.encode(&window.clone().into(), &features, &shelf, &effort);
                assert_eq!(decode(&window, &encoded, &shelf).expect("decodes"), window);
                assert!(encoded.depth <= 2 && encoded.references.len() <= effort.max_references.min(4));
                shelf.put(&window, encoded.depth, Nearness::Store);
            }
        }
    }

    #[test]
    fn a_reference_that_equals_the_window_leaves_almost_nothing() {
        let mut shelf = Shelf::default();
        for window in [noise(5, 1 << 20), text(5, 1 << 20), text(6, 20_000)] {
            shelf.put(&window, 0, Nearness::Store);
            let encoded = encode(&window, &shelf, &Effort::default());
            assert_eq!((encoded.depth, encoded.references.len()), (1, 1));
            assert!(encoded.bytes.len() < 400, "{}", encoded.bytes.len());
        }
    }

    #[test]
    fn the_largest_window_takes_the_largest_reference() {
        let mut shelf = Shelf::default();
        let window = noise(7, 16 << 20);
        shelf.put(&edited(&window[..(16 << 20) - 100_000], 100_000, 7), 0, Nearness::Store);
        let encoded = encode(&window, &shelf, &Effort::default());
        assert_eq!(encoded.codec, Codec::ZstdReferences);
        assert!(encoded.bytes.len() < 200_000);
    }

    #[test]
    fn depth_never_passes_the_limit() {
        let window = noise(8, 300_000);
        for (stored, max_depth, depth) in
            [(0, 0, 0), (0, 1, 1), (1, 1, 0), (1, 2, 2), (2, 2, 0), (3, 4, 4), (255, 255, 0)]
        {
            let mut shelf = Shelf::default();
            shelf.put(&edited(&window, 50_000, 8), stored, Nearness::Store);
            let encoded = encode(&window, &shelf, &Effort { max_depth, ..Effort::default() });
            assert_eq!(encoded.depth, depth, "reference {stored} deep, {max_depth} allowed");
            let unused = encode(&window, &shelf, &Effort { deltas: false, ..Effort::default() });
            assert_eq!(unused.depth, 0);
        }
    }

    #[test]
    fn references_that_do_not_help_are_not_kept() {
        let mut shelf = Shelf::default();
        let mut window = text(9, 500_000);
        let mut stranger = noise(9, 500_000);
        // Enough in common to be found, too little to gain.
        stranger[..3000].copy_from_slice(&window[..3000]);
        let shared = sketch(&stranger);
        shelf.put(&stranger, 0, Nearness::Store);
        let mut encoder = Encoder::new();
        let encoded = encoder.encode(&window.clone().into(), &shared, &shelf, &Effort::default());
        assert_eq!((encoded.codec, encoded.depth), (Codec::Zstd, 0));
        window = noise(10, 500_000);
        let encoded = encoder.encode(&window.clone().into(), &shared, &shelf, &Effort::default());
        assert_eq!((encoded.codec, encoded.depth), (Codec::Raw, 0));
    }

    #[test]
    fn vcdiff_wins_where_next_to_nothing_changed() {
        let mut shelf = Shelf::default();
        let window = noise(11, 1 << 20);
        let mut before = window.clone();
        before[700_000] ^= 1;
        shelf.put(&before, 0, Nearness::Store);
        let encoded = encode(&window, &shelf, &Effort::default());
        assert_eq!(encoded.codec, Codec::Vcdiff);
        assert!(encoded.bytes.len() < 60, "{}", encoded.bytes.len());
    }

    #[test]
    fn shifted_addresses_are_for_the_approximate_match() {
        let mut shelf = Shelf::default();
        let window = native(13, 600_000, 0x5550);
        shelf.put(&native(13, 600_000, 0), 0, Nearness::Store);
        for effort in [Effort::balanced(), Effort::cold()] {
            let features = sketch(&native(13, 600_000, 0));
            let encoded = Encoder::new().encode(&window.clone().into(), &features, &shelf, &effort);
            assert_eq!((encoded.codec, encoded.depth), (Codec::Approximate, 1));
            assert!(encoded.bytes.len() * 20 < window.len(), "{}", encoded.bytes.len());
            assert_eq!(decode(&window, &encoded, &shelf).expect("decodes"), window);
        }
    }

    #[test]
    fn a_wrong_difference_is_caught() {
        let mut encoder = Encoder::new();
        let window = Bytes::from(native(14, 200_000, 0x777));
        let old = native(14, 200_000, 0);
        let reference = Reference { hash: Hash([1; 32]), bytes: old.clone().into(), depth: 0, cost: 200_000 };
        let wanted = Effort::balanced().approximate.expect("tried");
        encoder.approximator.find(&window, &old, &wanted);
        let right = encoder.approximator.write(&window, &old, &wanted, window.len()).expect("shorter");
        let mut other = window.to_vec();
        *other.last_mut().expect("not empty") ^= 1;
        let wrong = encoder.approximator.write(&other, &old, &wanted, window.len()).expect("shorter");
        assert!(approximate::decode(&mut DCtx::create(), &wrong, &old, window.len()).is_ok(), "it does decode");
        let form = |bytes: &Vec<u8>| Form { codec: Codec::Approximate, bytes: bytes.clone() };
        let references = std::slice::from_ref(&reference);
        let only = encoder.proven(&window, vec![form(&wrong)], references, &old);
        assert_eq!((only.codec, &only.bytes), (Codec::Raw, &window));
        let both = encoder.proven(&window, vec![form(&wrong), form(&right)], references, &old);
        assert_eq!(both.bytes, right);
    }

    #[test]
    fn levels_from_end_to_end_work_with_references() {
        let mut shelf = Shelf::default();
        let window = text(12, 200_000);
        shelf.put(&edited(&window, 1000, 12), 0, Nearness::Store);
        for level in [-5, 0, 1, 3, 4, 9, 19, 99] {
            let effort = Effort { level, level_with_references: level, ..Effort::default() };
            let encoded = encode(&window, &shelf, &effort);
            assert_eq!(encoded.depth, 1, "level {level}");
        }
    }
}
