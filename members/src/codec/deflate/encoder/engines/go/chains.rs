//! Hash chains as Go's levels 2 to 9 have them (`deflate.go`): over four bytes, longer than zlib's.

use crate::codec::deflate::encoder::matchers::joined::common;

/// Length of the window.
pub(super) const WINDOW: usize = 32768;
/// The shortest match taken.
pub(super) const MIN_MATCH: usize = 4;
/// A match too short to be taken, and its distance.
pub(super) const NONE: (usize, usize) = (MIN_MATCH - 1, 0);
/// Farther matches of four bytes are not worth it.
const TOO_FAR: usize = 4096;
const HASH_BITS: u32 = 17;
const HASHES: usize = 1 << HASH_BITS;

/// Which positions of a buffer begin with the same four bytes, or with others of the same hash.
pub(super) struct Chains {
    /// One more than the latest position of each hash, 0 for none.
    head: Box<[u32; HASHES]>,
    /// By position modulo the window: one more than the one before it in its chain.
    prev: Box<[u32; WINDOW]>,
}

impl Chains {
    pub(super) fn new() -> Self {
        Self {
            head: vec![0; HASHES].into_boxed_slice().try_into().expect("the length is the array's"),
            prev: vec![0; WINDOW].into_boxed_slice().try_into().expect("the length is the array's"),
        }
    }

    /// Puts `at` into its chain and returns the head before it.
    #[inline(always)]
    pub(super) fn insert(&mut self, buf: &[u8], at: usize) -> u32 {
        let bytes = buf.get(at..at.wrapping_add(4)).and_then(|b| b.first_chunk()).copied().unwrap_or_default();
        let hash = u32::from_be_bytes(bytes).wrapping_mul(0x1e35_a7bd) >> (32 - HASH_BITS);
        let slot = &mut self.head[hash as usize & (HASHES - 1)];
        let before = *slot;
        *slot = (at as u32).wrapping_add(1);
        self.prev[at & (WINDOW - 1)] = before;
        before
    }

    /// The longest match at `at` of at most `most` bytes along the chain from `head`, whose candidates are at `least`
    /// or later: its length and distance. Looks at `tries` of them, and no further once `nice` bytes match.
    #[inline(always)]
    pub(super) fn longest(
        &self,
        buf: &[u8],
        (at, most): (usize, usize),
        head: u32,
        least: usize,
        (tries, nice): (u32, usize),
    ) -> (usize, usize) {
        let nice = nice.min(most);
        let (mut len, mut dist) = NONE;
        let Some(here) = buf.get(at..at + most) else { return NONE };
        let mut next = head;
        for _ in 0..tries {
            let Some(candidate) = (next as usize).checked_sub(1).filter(|&c| c >= least && c < at) else { break };
            let Some(there) = buf.get(candidate..candidate + most) else { break };
            if there.get(len) == here.get(len) {
                let n = common(there, here);
                if n > len && (n > MIN_MATCH || at - candidate <= TOO_FAR) {
                    (len, dist) = (n, at - candidate);
                    if n >= nice {
                        break;
                    }
                }
            }
            if at - candidate == WINDOW {
                break;
            }
            next = self.prev[candidate & (WINDOW - 1)];
        }
        (len, dist)
    }
}
