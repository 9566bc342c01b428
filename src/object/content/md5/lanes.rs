//! MD5 of up to four streams side by side, each in a lane of vectors.

use std::array::from_fn;
use std::vec::IntoIter;

use bytes::{Buf, Bytes};
use md5::block_api;
use wide::u32x4;

use super::{BLOCK, Block, Md5};

/// Streams that are worked on at a time: those of a vector that every machine has. It is as fast for four of them as
/// for two.
pub(super) const LANES: usize = 4;
/// Blocks of each that are compressed before the next look at who waits.
const MAX_BLOCKS: usize = 512;

/// Rotations of the four rounds, each four in turn.
const ROTATIONS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// The constants of RFC 1321: the first 32 bits of the fractions of `abs(sin(i + 1))`.
#[rustfmt::skip]
const SINES: [u32; 64] = [
    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
    0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
    0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa, 0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
    0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
    0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
    0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
    0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1, 0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
];

/// A stream and the bytes that it takes next.
pub(super) struct Lane {
    md5: Md5,
    pieces: IntoIter<Bytes>,
    /// Whole blocks of the current piece, not compressed yet.
    blocks: Bytes,
}

impl Lane {
    pub fn new(md5: Md5, bytes: Vec<Bytes>) -> Self {
        Lane { md5, pieces: bytes.into_iter(), blocks: Bytes::new() }
    }

    /// True when the stream has taken all, after a look at the next pieces where no block is left.
    pub fn has_ended(&mut self) -> bool {
        while self.blocks.is_empty() {
            let Some(piece) = self.pieces.next() else { return true };
            self.blocks = piece.slice_ref(self.md5.take(&piece).as_flattened());
        }
        false
    }

    /// The stream, once it has ended.
    pub fn into_md5(self) -> Md5 {
        self.md5
    }

    fn blocks(&self) -> &[Block] {
        self.blocks.as_chunks().0
    }
}

/// Compresses some blocks of each lane, as many as all of them have. None of them has ended, and there are at most
/// [`LANES`].
pub(super) fn advance(lanes: &mut [&mut Lane]) {
    let most = lanes.iter().map(|lane| lane.blocks().len()).min().unwrap_or(0).min(MAX_BLOCKS);
    match lanes {
        [] => return,
        [Lane { md5, blocks, .. }] => block_api::compress(&mut md5.state, &blocks.as_chunks().0[..most]),
        [.., _] => {
            // Lanes that are left over do the last one's work once more.
            let lane = |number: usize| &lanes[number.min(lanes.len() - 1)];
            let mut states: [_; LANES] = from_fn(|number| lane(number).md5.state);
            compress(&mut states, from_fn(|number| &lane(number).blocks()[..most]));
            lanes.iter_mut().zip(states).for_each(|(lane, state)| lane.md5.state = state);
        }
    }
    lanes.iter_mut().for_each(|lane| lane.blocks.advance(most * BLOCK));
}

/// Every lane has as many blocks as the first.
fn compress(states: &mut [[u32; 4]; LANES], blocks: [&[Block]; LANES]) {
    let mut state = u32x4::transpose(states.map(u32x4::new));
    for at in 0..blocks[0].len() {
        let words = words(blocks.map(|lane| &lane[at]));
        let before = state;
        macro_rules! steps {
            ($($number:literal)*) => { $(step::<$number>(&mut state, &words);)* };
        }
        steps!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
        steps!(32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63);
        state.iter_mut().zip(before).for_each(|(state, before)| *state += before);
    }
    *states = u32x4::transpose(state).map(u32x4::to_array);
}

/// The words of the lanes' blocks, the first of each lane first.
fn words(blocks: [&Block; LANES]) -> [[u32x4; 4]; 4] {
    from_fn(|quarter| {
        u32x4::transpose(blocks.map(|block| {
            let words: &[[u8; 4]] = block.as_chunks().0;
            u32x4::new(from_fn(|word| u32::from_le_bytes(words[4 * quarter + word])))
        }))
    })
}

/// One step of all lanes.
#[inline(always)]
fn step<const NUMBER: usize>(state: &mut [u32x4; 4], words: &[[u32x4; 4]; 4]) {
    let [a, b, c, d] = *state;
    let (mixed, word) = match NUMBER / 16 {
        0 => (d ^ (b & (c ^ d)), NUMBER),
        1 => (c ^ (d & (b ^ c)), 5 * NUMBER + 1),
        2 => (b ^ c ^ d, 3 * NUMBER + 5),
        _ => (c ^ (b | !d), 7 * NUMBER),
    };
    let sum = a + words[word % 16 / 4][word % 4] + u32x4::splat(SINES[NUMBER]) + mixed;
    let left = ROTATIONS[NUMBER / 16][NUMBER % 4];
    *state = [d, (sum << left | sum >> (32 - left)) + b, b, c];
}

#[cfg(test)]
mod tests {
    use md5::Digest as _;

    use super::*;

    fn run(mut lanes: Vec<Lane>) -> Vec<Md5> {
        loop {
            let mut open: Vec<_> = lanes.iter_mut().filter_map(|lane| (!lane.has_ended()).then_some(lane)).collect();
            if open.is_empty() {
                return lanes.into_iter().map(Lane::into_md5).collect();
            }
            advance(&mut open);
        }
    }

    #[test]
    fn lanes_of_any_length_do_not_touch_each_other() {
        let bytes: Vec<u8> = (0..6000u32).map(|number| ((number * number) >> 3) as u8).collect();
        let lens = [0, 1, 63, 64, 65, 640, 1000, 4999];
        for count in 1..=LANES {
            for first in 0..lens.len() {
                let bodies: Vec<&[u8]> =
                    (0..count).map(|lane| &bytes[lane..lane + lens[(first + 3 * lane) % lens.len()]]).collect();
                let mut streams = vec![Md5::default(); count];
                // Each in two halves, each half in pieces that end within blocks.
                for half in 0..2 {
                    let halves = bodies.iter().map(|body| body.split_at(body.len() / 2));
                    let halves = halves.map(|(first, second)| if half == 0 { first } else { second });
                    let pieces = halves.map(|body| body.chunks(777).map(Bytes::copy_from_slice).collect());
                    let lanes = streams.into_iter().zip(pieces).map(|(md5, pieces)| Lane::new(md5, pieces));
                    streams = run(lanes.collect());
                }
                for (stream, body) in streams.into_iter().zip(bodies) {
                    let expected: [u8; 16] = md5::Md5::digest(body).into();
                    assert_eq!(stream.finish(), expected, "{count} lanes, {} bytes", body.len());
                }
            }
        }
    }
}
