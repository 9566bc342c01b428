//! A cheap look at a window: can it be compressed at all?

/// Slices the look is spread over, so that a window of mixed content is not judged by one end.
const SLICES: usize = 64;
/// Bytes of each slice.
const SLICE: usize = 1024;
/// Windows shorter than this are not judged: compressing them costs nothing.
const MIN_LEN: usize = 4 * SLICE;
/// Bits of entropy a byte from which on compression is not tried. Deflate and zstd output lies over 7.99,
/// a window with 4 % of text in it under 7.95.
const RANDOM_BITS: f64 = 7.95;

/// True when the bytes are so evenly spread that no codec without references would gain more than about 2 %.
/// Looks at no more than 64 KiB; bytes that repeat at a distance without being uneven are misjudged.
pub(super) fn looks_random(window: &[u8]) -> bool {
    if window.len() < MIN_LEN {
        return false;
    }
    let mut counts = [0u32; 256];
    let step = (window.len() / SLICES).max(SLICE);
    for slice in window.chunks(step).take(SLICES) {
        for &byte in &slice[..slice.len().min(SLICE)] {
            counts[byte as usize] += 1;
        }
    }
    entropy(&counts) >= RANDOM_BITS
}

/// Bits a byte, of bytes that are a sample: how often each value was seen. With the correction of Miller ("Note on the
/// bias of information estimates", 1955), since few bytes look less even than what they are taken from.
pub(super) fn entropy(counts: &[u32; 256]) -> f64 {
    let total = f64::from(counts.iter().sum::<u32>().max(1));
    let seen = counts.iter().filter(|&&count| count > 0);
    let bits: f64 = seen.clone().map(|&count| f64::from(count) / total).map(|share| -share * share.log2()).sum();
    bits + seen.count().saturating_sub(1) as f64 / (2.0 * std::f64::consts::LN_2 * total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{noise, text};

    #[test]
    fn noise_is_random_and_text_is_not() {
        for len in [4096, 5000, 65_536, 100_000, 1 << 20, (4 << 20) - 1] {
            assert!(looks_random(&noise(1, len)), "{len}");
            assert!(!looks_random(&text(1, len)), "{len}");
            assert!(!looks_random(&vec![0; len]), "{len}");
        }
        assert!(!looks_random(&[]) && !looks_random(&noise(1, 100)));
    }

    #[test]
    fn a_tenth_of_text_is_seen() {
        let mut window = noise(2, 1 << 20);
        window[500_000..605_000].copy_from_slice(&text(2, 105_000));
        assert!(!looks_random(&window));
    }
}
