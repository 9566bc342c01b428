//! The forms that a window may take.

use bytes::Bytes;
use deltastore_format::Codec;
use zstd::zstd_safe::{CCtx, CParameter, compress_bound};

use super::{Encoder, Form, REFERENCE_COST};
use crate::codecs::approximate::ApproximateEffort;
use crate::codecs::columns::Layout;
use crate::codecs::tokens::Kinds;
use crate::effort::Effort;
use crate::probe::looks_random;

/// zstd sizes its hash table for the window alone. With one for window and references, level 1 without long-distance
/// matching finds more than level 3 with it does, and faster (one core, deltas as a share of the windows, MB/s):
/// tar 0.0147 at 345 against 0.0162 at 216; ELF 0.188 at 129 against 0.217 at 89; SQL dump 0.0057 at 372 against 0.0051
/// at 142. So levels up to 3 become 1 here.
const FAST_LEVEL: i32 = 1;
/// The table has an entry for every byte of short spans, up to this many (log 2), and for every fourth of long ones.
const FULL_HASH_LOG: u32 = 18;
/// At the fast level, a table that nearly fits a core's cache, but an entry for every eighth byte of the longest spans:
/// native code is encoded at 236 instead of 147 to 180 MB/s, and takes 0.2437 of its size instead of 0.2408 (four
/// versions); tar and SQL dumps lose 0.2 % of what they take. Half of it is no faster, and takes 0.263.
const FAST_HASH_LOG: u32 = 19;
/// For tokens, shorter matches than level 1's win back what that table misses (wheels of native libraries: 0.272 of
/// their size instead of 0.275). For other content they are as much slower as they are shorter, and gain nothing.
const TOKENS_MIN_MATCH: u32 = 5;
/// VCDIFF is tried where zstd's result is at most this part of the window. Measured on windows of the tar corpus: under
/// 1/2048 it won 24 of 25 times (by 260 bytes each), from there to 1/512 11 of 20 times, above 5 of 57 times; on ELF
/// and SQL never.
const VCDIFF_SHARE: usize = 2048;
/// xdelta3's fastest level: the higher ones halve its speed and gain nothing where it is tried.
const VCDIFF_LEVEL: u8 = 1;
/// References must make a window smaller by one part in this many.
const WORTH_REFERENCES: usize = 32;
/// Bytes that tell how well a window compresses without references, and in how many slices they are taken.
const SAMPLE: usize = 64 << 10;
const SAMPLE_SLICES: usize = 4;
/// Where columns with references take at most so many quarters of a window, nothing else is tried: numbers that stay
/// are found as columns, too.
const SURE_COLUMNS: usize = 3;
/// Of two codecs that were tried at a fast level, the one that is longer by one part in this many is not tried at a
/// high one.
const NEARLY: usize = 16;

impl Encoder {
    /// The forms worth proving; `sure` is one of [`super::SURE`] and [`super::SURE_OWN`]. The window lies behind the
    /// prefix in memory: zstd then looks for matches as in one buffer, by a faster loop than over two.
    pub(super) fn forms(
        &mut self,
        window: &[u8],
        prefix: &[u8],
        references: &[Bytes],
        sure: usize,
        effort: &Effort,
    ) -> Vec<Form> {
        let mut forms = Vec::new();
        let layout = Layout::of(window);
        if !references.is_empty() {
            if let Some(layout) = layout {
                let bytes = self.columnist.write(window, layout, references, prefix, window.len());
                forms.extend(bytes.map(|bytes| Form { codec: Codec::ColumnsReferences, bytes }));
            }
            if forms.iter().all(|form| form.bytes.len() > window.len() / 4 * SURE_COLUMNS) {
                self.against(prefix, window, effort, &mut forms);
            }
        }
        let shortest = forms.iter().map(|form| form.bytes.len()).min();
        if looks_random(window) || shortest.is_some_and(|len| len * 4 <= self.estimate(window) * sure) {
            return forms;
        }
        if let Some(alone) = self.without(window, layout, effort) {
            // Without references a window costs one read, and newer ones can be encoded against it: they must gain
            // enough.
            let gain = alone.bytes.len() / WORTH_REFERENCES + REFERENCE_COST * references.len();
            if shortest.is_some_and(|len| len + gain >= alone.bytes.len()) {
                forms.clear();
            }
            forms.push(alone);
        }
        forms
    }

    /// The shortest form without references.
    fn without(&mut self, window: &[u8], layout: Option<Layout>, effort: &Effort) -> Option<Form> {
        let columns = layout.and_then(|layout| self.columnist.write(window, layout, &[], &[], window.len()));
        let columns = columns.map(|bytes| Form { codec: Codec::Columns, bytes });
        if columns.as_ref().is_some_and(|columns| columns.bytes.len() < self.estimate(window)) {
            return columns;
        }
        let apart = self.apart(window, effort);
        let apart = apart.map(|bytes| Form { codec: Codec::Tokens, bytes });
        let whole = if apart.is_some() { None } else { self.alone(window, effort.level) };
        [columns, apart, whole].into_iter().flatten().min_by_key(|form| form.bytes.len())
    }

    /// The window as tokens, kinds apart, if it is better off so: of tokens that is known, of other content, which
    /// quick efforts do not try, a trial at a fast level tells.
    fn apart(&mut self, window: &[u8], effort: &Effort) -> Option<Vec<u8>> {
        if !effort.tokens && effort.approximate.is_none() {
            return None;
        }
        let kinds = Kinds::of(window);
        if !kinds.has_many_matches() {
            return None;
        }
        if !effort.tokens {
            let whole = self.alone(window, FAST_LEVEL).map_or(window.len(), |form| form.bytes.len());
            kinds.write(FAST_LEVEL, whole - whole / NEARLY)?;
        }
        kinds.write(effort.level, window.len())
    }

    /// Adds the forms that use references.
    fn against(&mut self, prefix: &[u8], window: &[u8], effort: &Effort, forms: &mut Vec<Form>) {
        let (exact, approximate) = self.promising(prefix, window, effort);
        if exact && let Ok(bytes) = self.with_prefix(prefix, window, effort.level_with_references, effort.tokens) {
            forms.push(Form { codec: Codec::ZstdReferences, bytes });
        }
        let rival = forms.iter().map(|form| form.bytes.len()).min().unwrap_or(window.len());
        if effort.vcdiff_always || rival <= window.len() / VCDIFF_SHARE {
            let bytes = deltastore_vcdiff::encode(window, prefix, VCDIFF_LEVEL, rival.saturating_sub(1));
            forms.extend(bytes.map(|bytes| Form { codec: Codec::Vcdiff, bytes }));
        }
        if approximate && let Some(approximate) = &effort.approximate {
            let bytes = self.approximator.write(window, prefix, approximate, rival.saturating_sub(1));
            forms.extend(bytes.map(|bytes| Form { codec: Codec::Approximate, bytes }));
        }
    }

    /// Whether exact and approximate copies may make the smallest form: both are tried at a fast level, which takes a
    /// tenth of the time of a high one or less. Leaves the approximate copies found.
    fn promising(&mut self, prefix: &[u8], window: &[u8], effort: &Effort) -> (bool, bool) {
        let Some(wanted) = &effort.approximate else { return (true, false) };
        let quick = ApproximateEffort { level: FAST_LEVEL, ..*wanted };
        self.approximator.find(window, prefix, wanted);
        let approximate =
            self.approximator.write(window, prefix, &quick, window.len()).map_or(window.len(), |form| form.len());
        let exact = self.with_prefix(prefix, window, FAST_LEVEL, false).map_or(window.len(), |form| form.len());
        (exact <= approximate + approximate / NEARLY, approximate <= exact + exact / NEARLY)
    }

    fn with_prefix(&mut self, prefix: &[u8], window: &[u8], level: i32, tokens: bool) -> Result<Vec<u8>, usize> {
        // It borrows the prefix, so it lives for this call only; making one takes no measurable time.
        let mut context = CCtx::create();
        let span_log = (prefix.len() + window.len()).next_power_of_two().trailing_zeros().max(10);
        let level = if level <= 3 { FAST_LEVEL } else { level };
        context.set_parameter(CParameter::CompressionLevel(level))?;
        context.set_parameter(CParameter::WindowLog(span_log))?;
        let most = if level == FAST_LEVEL { FAST_HASH_LOG.max(span_log - 3) } else { u32::MAX };
        context.set_parameter(CParameter::HashLog(span_log.min(FULL_HASH_LOG).max(span_log - 2).min(most)))?;
        if tokens {
            context.set_parameter(CParameter::MinMatch(TOKENS_MIN_MATCH))?;
        }
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
}
