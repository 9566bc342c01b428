//! The SHA extensions of x86: "Intel SHA Extensions", July 2013, which describes the instructions and the order of the
//! state's words.

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_set_epi8, _mm_set_epi32, _mm_set_epi64x,
    _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8, _mm_shuffle_epi32,
};

use crate::message::{BLOCK, Pair};

/// The rounds' constants: FIPS 180-4, 4.2.2.
#[rustfmt::skip]
const ROUNDS: [[u32; 4]; 16] = [
    [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5], [0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5],
    [0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3], [0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174],
    [0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc], [0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da],
    [0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7], [0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967],
    [0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13], [0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85],
    [0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3], [0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070],
    [0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5], [0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3],
    [0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208], [0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2],
];

/// A message's state, its words in the order that the instructions want.
#[derive(Clone, Copy)]
struct State {
    /// Words a, b, e and f, the last one lowest.
    abef: __m128i,
    /// Words c, d, g and h.
    cdgh: __m128i,
}

/// Compresses blocks of two messages in turn, if the processor has the instructions.
pub(crate) fn pair() -> Option<Pair> {
    let found = std::is_x86_feature_detected!("sha")
        && std::is_x86_feature_detected!("ssse3")
        && std::is_x86_feature_detected!("sse4.1");
    found.then_some(compress_detected as Pair)
}

/// Only [`pair`] gives it away.
#[expect(unsafe_code, reason = "what a processor can do is no part of a function's type")]
fn compress_detected(states: &mut [[u32; 8]; 2], a: &[[u8; BLOCK]], b: &[[u8; BLOCK]]) {
    // SAFETY: `pair` found all the features that the function enables, and nobody else knows this one.
    unsafe { compress_pair(states, a, b) }
}

#[target_feature(enable = "sha,ssse3,sse4.1")]
fn compress_pair(states: &mut [[u32; 8]; 2], a: &[[u8; BLOCK]], b: &[[u8; BLOCK]]) {
    let [mut x, mut y] = [State::of(&states[0]), State::of(&states[1])];
    for (a, b) in a.iter().zip(b) {
        let (before_x, before_y) = (x, y);
        let (mut words_a, mut words_b) = (words(a), words(b));
        macro_rules! rounds {
            ($($number:literal)*) => { $(
                four_rounds::<$number>(&mut x, &mut words_a);
                four_rounds::<$number>(&mut y, &mut words_b);
            )* };
        }
        rounds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        (x, y) = (x.plus(before_x), y.plus(before_y));
    }
    *states = [x.words(), y.words()];
}

/// Four rounds, and the four words that are needed sixteen rounds later in the place of those that were used.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn four_rounds<const NUMBER: usize>(state: &mut State, words: &mut [__m128i; 4]) {
    let [k0, k1, k2, k3] = ROUNDS[NUMBER].map(u32::cast_signed);
    let sum = _mm_add_epi32(words[NUMBER % 4], _mm_set_epi32(k3, k2, k1, k0));
    state.cdgh = _mm_sha256rnds2_epu32(state.cdgh, state.abef, sum);
    state.abef = _mm_sha256rnds2_epu32(state.abef, state.cdgh, _mm_shuffle_epi32(sum, 0x0e));
    if NUMBER < 12 {
        let [first, second, third, fourth] = [0, 1, 2, 3].map(|place| words[(NUMBER + place) % 4]);
        let next = _mm_add_epi32(_mm_sha256msg1_epu32(first, second), _mm_alignr_epi8(fourth, third, 4));
        words[NUMBER % 4] = _mm_sha256msg2_epu32(next, fourth);
    }
}

/// A block's sixteen words, which are big-endian.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn words(block: &[u8; BLOCK]) -> [__m128i; 4] {
    let halves: &[[u8; 8]] = block.as_chunks().0;
    let swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    let quarter = |number: usize| {
        let [low, high] = [halves[2 * number], halves[2 * number + 1]].map(i64::from_le_bytes);
        _mm_shuffle_epi8(_mm_set_epi64x(high, low), swap)
    };
    [quarter(0), quarter(1), quarter(2), quarter(3)]
}

impl State {
    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn of(words: &[u32; 8]) -> Self {
        let [a, b, c, d, e, f, g, h] = words.map(u32::cast_signed);
        Self { abef: _mm_set_epi32(a, b, e, f), cdgh: _mm_set_epi32(c, d, g, h) }
    }

    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn plus(self, other: Self) -> Self {
        Self { abef: _mm_add_epi32(self.abef, other.abef), cdgh: _mm_add_epi32(self.cdgh, other.cdgh) }
    }

    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn words(self) -> [u32; 8] {
        let [a, b, e, f] = lanes(self.abef);
        let [c, d, g, h] = lanes(self.cdgh);
        [a, b, c, d, e, f, g, h]
    }
}

/// The words of a vector, the highest first.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn lanes(vector: __m128i) -> [u32; 4] {
    let [first, second] = [_mm_extract_epi32(vector, 3), _mm_extract_epi32(vector, 2)];
    let [third, fourth] = [_mm_extract_epi32(vector, 1), _mm_extract_epi32(vector, 0)];
    [first, second, third, fourth].map(i32::cast_unsigned)
}
