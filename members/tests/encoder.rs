//! The exact re-encoders against the encoders they stand for, from streams' starts and from every block boundary.

use std::ops::ControlFlow;

use deltastore_members::deflate::encoder::{Family, Input, Params, Start, State, Strategy, encode, find, matching};
use deltastore_members::deflate::inflate::{Plain, Tables, decode_block};
use flate2::{Compress, Compression, FlushCompress};
use miniz_oxide::MZFlush;
use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
use miniz_oxide::deflate::stream::deflate;

/// A small generator, so that made inputs are the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// Words, with every tenth replaced by something said up to 40 KiB before: matches of all lengths and distances.
fn text(len: usize, seed: u64) -> Vec<u8> {
    let mut random = Random(seed | 1);
    let mut made: Vec<u8> = Vec::with_capacity(len + 512);
    while made.len() < len {
        if made.len() > 100 && random.below(10) == 0 {
            let back = 1 + random.below(made.len().min(40_000));
            let from = made.len() - back;
            let n = 3 + random.below(300).min(back);
            for i in from..from + n.min(back) {
                made.push(made[i]);
            }
        } else {
            for _ in 0..1 + random.below(7) {
                made.push(b'a' + (random.below(26) * random.below(26) / 26) as u8);
            }
            made.push(b' ');
        }
    }
    made.truncate(len);
    made
}

fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut random = Random(seed | 1);
    (0..len).map(|_| random.next() as u8).collect()
}

/// Text, noise and runs by turns.
fn mixed(len: usize, seed: u64) -> Vec<u8> {
    let mut made = Vec::new();
    let mut part = 0;
    while made.len() < len {
        let n = 9_000 + 5_000 * (part % 7);
        match part % 3 {
            0 => made.extend(text(n, seed + part as u64)),
            1 => made.extend(noise(n, seed + part as u64)),
            _ => made.extend(std::iter::repeat_n(part as u8, n / 3)),
        }
        part += 1;
    }
    made.truncate(len);
    made
}

fn inputs() -> Vec<Vec<u8>> {
    let sizes = [0, 1, 2, 3, 4, 5, 258, 300, 4_000, 32_506, 32_768, 65_274, 65_275, 65_536, 65_800, 98_304, 300_000];
    let mut made = Vec::new();
    for (n, &size) in sizes.iter().enumerate() {
        made.push(text(size, n as u64 + 7));
        made.push(mixed(size, n as u64 + 70));
    }
    for size in [10, 1_000, 70_000] {
        made.push(noise(size, 5));
        made.push(vec![0; size]);
    }
    made
}

/// What C zlib makes of it, in one call or in calls of `input_chunk` bytes, with a sync flush at each of `flushes`.
fn zlib(plain: &[u8], level: u32, flushes: &[usize], window_bits: u8) -> Vec<u8> {
    let mut compress = Compress::new_with_window_bits(Compression::new(level), false, window_bits);
    let mut out = Vec::with_capacity(plain.len() + plain.len() / 8 + 1000 + 10 * flushes.len());
    let mut from = 0;
    for &flush in flushes {
        compress.compress_vec(&plain[from..flush], &mut out, FlushCompress::Sync).expect("room enough");
        from = flush;
    }
    compress.compress_vec(&plain[from..], &mut out, FlushCompress::Finish).expect("room enough");
    out
}

/// What zlib-rs makes of it.
fn zlib_rs(plain: &[u8], level: i32, input_chunk: usize) -> Vec<u8> {
    let mut deflate = zlib_rs::Deflate::new(level, false, 15);
    let mut out = vec![0; plain.len() + plain.len() / 4 + 1000];
    let (mut from, mut to) = (0, 0);
    while input_chunk > 0 && plain.len() - from > input_chunk {
        let flush = zlib_rs::DeflateFlush::NoFlush;
        deflate.compress(&plain[from..from + input_chunk], &mut out[to..], flush).expect("room enough");
        (from, to) = (from + input_chunk, deflate.total_out() as usize);
    }
    deflate.compress(&plain[from..], &mut out[to..], zlib_rs::DeflateFlush::Finish).expect("room enough");
    out.truncate(deflate.total_out() as usize);
    out
}

/// What miniz_oxide makes of it in calls of `input_chunk` bytes (0: all at once) with an output buffer of
/// `output_buffer` bytes of output each, as `flate2` calls it, and with a sync flush at each of `flushes`.
fn miniz(plain: &[u8], level: u8, flushes: &[usize], input_chunk: usize, output_buffer: usize) -> Vec<u8> {
    let mut compressor = CompressorOxide::new(create_comp_flags_from_zip_params(i32::from(level), 0, 0));
    let (mut out, mut buf) = (Vec::new(), vec![0; output_buffer]);
    let mut call = |mut input: &[u8], flush: MZFlush| {
        loop {
            let done = deflate(&mut compressor, input, &mut buf, flush);
            out.extend_from_slice(&buf[..done.bytes_written]);
            input = &input[done.bytes_consumed..];
            if input.is_empty() && done.bytes_written < output_buffer {
                return;
            }
        }
    };
    let mut from = 0;
    let mut write = |to: usize, flush: MZFlush| {
        plain[from..to]
            .chunks(if input_chunk == 0 { plain.len().max(1) } else { input_chunk })
            .for_each(|part| call(part, MZFlush::None));
        call(&[], flush);
        from = to;
    };
    flushes.iter().for_each(|&flush| write(flush, MZFlush::Sync));
    write(plain.len(), MZFlush::Finish);
    out
}

/// Ends of all blocks: plain bytes, bits.
fn ends(packed: &[u8]) -> Vec<(usize, usize)> {
    let mut tables = Tables::default();
    let mut plain = Plain::default();
    let mut ends = Vec::new();
    let mut bit = 0;
    loop {
        let history = plain.bytes.len() as u64;
        let block = decode_block(&mut tables, packed, bit, history, &mut plain).expect("a stream");
        bit = block.end;
        ends.push((plain.bytes.len(), bit));
        if block.last {
            return ends;
        }
    }
}

/// Exact from the start; then from each block's end with the state that the encoder had there.
fn check(params: &Params, plain: &[u8], flushes: &[usize], packed: &[u8], restarts: bool) {
    let input = Input { plain, flushes, ends: true };
    let mut states = Vec::new();
    let made = encode(params, Start::of_stream(), input, &mut |block| {
        states.push((block.plain_end, block.bit_end as usize, block.state));
        ControlFlow::Continue(())
    });
    assert!(made == packed, "{params:?}: {} plain bytes, {} made, {} packed", plain.len(), made.len(), packed.len());
    let whole = matching(params, Start::of_stream(), input, packed);
    assert!(whole.complete && whole.plain == plain.len());
    let actual = ends(packed);
    assert_eq!(actual, states.iter().map(|s| (s.0, s.1)).collect::<Vec<_>>());
    if !restarts {
        return;
    }
    for &(at, bit, state) in &states[..states.len() - 1] {
        let start = Start {
            history: &plain[at.saturating_sub(params.history(at as u64))..at],
            position: at as u64,
            state: State::from_bits(state.to_bits()),
            first_bit: (bit % 8) as u8,
            written: (bit / 8) as u64,
        };
        // Markers of flushes at this very place are behind it if the block is one.
        let passed = states.iter().filter(|s| s.1 <= bit && flushes.contains(&s.0)).count();
        let near: Vec<usize> =
            flushes.iter().filter(|&&f| f > at || (f == at && passed == 0)).map(|f| f - at).collect();
        let rest = Input { plain: &plain[at..], flushes: &near, ends: true };
        let found = matching(params, start, rest, &packed[bit / 8..]);
        assert!(found.complete, "{params:?}: restart at {at} of {} reached {found:?}", plain.len());
    }
}

#[test]
fn zlib_at_all_levels() {
    for plain in inputs() {
        for level in 1..=9 {
            let params = Params::new(Family::Zlib, level);
            check(&params, &plain, &[], &zlib(&plain, u32::from(level), &[], 15), true);
        }
    }
}

/// The first candidate may be as far as is allowed, the others must be nearer; and what lies at the window's edge is
/// none.
#[test]
fn zlib_at_the_farthest_distance() {
    let said = noise(40, 1);
    for far in [32_504, 32_505, 32_506, 32_507, 32_768] {
        for lead in [0, 1, 700, 33_000] {
            // Twice in a row, each with another as far; and a short form of it between.
            let mut plain = noise(lead, 2);
            plain.extend_from_slice(&said);
            plain.extend(noise(far - said.len(), 3));
            plain.extend_from_slice(&said);
            plain.extend(noise(500, 4));
            plain.extend_from_slice(&said[..20]);
            plain.extend(noise(far - 520 - said.len(), 5));
            plain.extend_from_slice(&said);
            for level in 4..=9 {
                let params = Params::new(Family::Zlib, level);
                check(&params, &plain, &[], &zlib(&plain, u32::from(level), &[], 15), true);
            }
        }
    }
}

#[test]
fn zlib_with_small_windows() {
    let plain = mixed(300_000, 3);
    for window_bits in 9..15 {
        for level in [1, 6, 9] {
            let params = Params { window_bits, ..Params::new(Family::Zlib, level) };
            check(&params, &plain, &[], &zlib(&plain, u32::from(level), &[], window_bits), params.is_lazy());
        }
    }
}

#[test]
fn zlib_with_flushes() {
    let plain = mixed(200_000, 9);
    let flushes = [5, 50_000, 50_100, 131_072, 200_000];
    for level in [4, 6, 9] {
        let params = Params::new(Family::Zlib, level);
        let packed = zlib(&plain, u32::from(level), &flushes, 15);
        check(&params, &plain, &flushes, &packed, false);
    }
}

#[test]
fn zlib_rs_at_all_levels_and_writes() {
    for plain in inputs() {
        for level in 2..=9 {
            for input_chunk in [0, 1_000, 8_192, 32_768, 65_536] {
                let params = Params { input_chunk, ..Params::new(Family::Ng, level) };
                let packed = zlib_rs(&plain, i32::from(level), input_chunk as usize);
                check(&params, &plain, &[], &packed, input_chunk == 0 || input_chunk == 8_192);
            }
        }
    }
}

#[test]
fn miniz_at_all_levels() {
    for plain in inputs() {
        for level in 2..=10 {
            check(&Params::new(Family::Miniz, level), &plain, &[], &miniz(&plain, level, &[], 0, 32768), true);
        }
    }
}

/// Level 1 takes in another chunk where it finds no output buffer.
#[test]
fn miniz_with_little_room() {
    for plain in inputs().into_iter().chain([mixed(1_500_000, 8), noise(700_000, 8), text(1_500_000, 8)]) {
        for (input_chunk, output_buffer, set) in
            [(0, 32768, (0, 32768)), (8192, 32768, (8192, 32768)), (0, 1 << 22, (0, 0)), (1000, 1 << 22, (0, 0))]
        {
            let packed = miniz(&plain, 1, &[], input_chunk, output_buffer);
            let params = Params { input_chunk: set.0, output_buffer: set.1, ..Params::new(Family::Miniz, 1) };
            // Entries of the table that are older than what is run over may matter.
            check(&params, &plain, &[], &packed, plain.len() < 300_000);
            assert!(plain.len() < 100_000 || find_complete(&plain, &packed), "{params:?}");
            if plain.len() < 300_000 {
                let packed = miniz(&plain, 6, &[], input_chunk, output_buffer);
                check(&Params::new(Family::Miniz, 6), &plain, &[], &packed, false);
            }
        }
    }
}

/// Whether an encoder is found that makes all of it.
fn find_complete(plain: &[u8], packed: &[u8]) -> bool {
    let input = Input { plain, flushes: &[], ends: true };
    let found = find(Start::of_stream(), input, packed, &[]);
    found.is_some_and(|params| matching(&params, Start::of_stream(), input, packed).complete)
}

#[test]
fn miniz_with_flushes() {
    let plain = mixed(200_000, 9);
    let flushes = [5, 50_000, 50_100, 131_072, 200_000];
    for level in [1, 2, 6, 9] {
        let packed = miniz(&plain, level, &flushes, 0, 32768);
        let output_buffer = if level == 1 { 32768 } else { 0 };
        check(&Params { output_buffer, ..Params::new(Family::Miniz, level) }, &plain, &flushes, &packed, false);
    }
}

/// Where positions of 16 bits are zero, chains end, and where windows begin, matches do not.
#[test]
fn miniz_where_positions_are_zero() {
    for lead in [32_768, 65_536, 131_072, 196_608] {
        let said = noise(300, 1);
        for back in [0, 1, 50] {
            let mut plain = noise(lead - back, 2);
            for gap in [500, 3_000, 30_000, 65_536 - 3_900, 500] {
                plain.extend_from_slice(&said);
                plain.extend(noise(gap, 3));
            }
            for level in [2, 4, 6, 10] {
                check(&Params::new(Family::Miniz, level), &plain, &[], &miniz(&plain, level, &[], 0, 32768), true);
            }
        }
    }
}

/// Runs keep chains long and matches waiting, few symbols make codes too long.
#[test]
fn miniz_with_odd_content() {
    let mut random = Random(3);
    let mut runs = Vec::new();
    while runs.len() < 400_000 {
        runs.extend(std::iter::repeat_n(random.next() as u8 & 3, 1 << random.below(12)));
    }
    let skewed: Vec<u8> = (0..400_000).map(|_| (random.next() | 1 << 40).trailing_zeros() as u8).collect();
    let steps: Vec<u8> = (0..400_000u32).map(|n| ((n / 3 * 7) >> (n % 11)) as u8).collect();
    for plain in [runs, skewed, steps] {
        for level in 2..=10 {
            check(&Params::new(Family::Miniz, level), &plain, &[], &miniz(&plain, level, &[], 0, 32768), true);
        }
        let params = Params { output_buffer: 32768, ..Params::new(Family::Miniz, 1) };
        check(&params, &plain, &[], &miniz(&plain, 1, &[], 0, 32768), false);
    }
}

#[test]
fn miniz_is_found() {
    for (plain, levels) in [(text(700_000, 4), 2..=10), (text(5_000, 4), 6..=6), (mixed(40_000, 4), 6..=6)] {
        let input = Input { plain: &plain, flushes: &[], ends: true };
        for level in levels {
            let packed = miniz(&plain, level, &[], 0, 32768);
            let found = find(Start::of_stream(), input, &packed, &[]).expect("an encoder");
            assert_eq!(found.family, Family::Miniz, "{level}: {found:?}");
            assert!(matching(&found, Start::of_stream(), input, &packed).complete, "{level}: {found:?}");
        }
    }
}

#[test]
fn the_encoder_is_found() {
    let plain = text(150_000, 4);
    let input = Input { plain: &plain, flushes: &[], ends: true };
    for level in 1..=9 {
        let packed = zlib(&plain, u32::from(level), &[], 15);
        assert_eq!(find(Start::of_stream(), input, &packed, &[]), Some(Params::new(Family::Zlib, level)));
    }
    for level in [2, 5, 6, 8] {
        let packed = zlib_rs(&plain, level, 8192);
        let found = find(Start::of_stream(), input, &packed, &[]).expect("an encoder");
        assert!(matching(&found, Start::of_stream(), input, &packed).complete, "{level}: {found:?}");
    }
    assert_eq!(find(Start::of_stream(), input, &noise(1000, 1), &[]), None);
    assert_eq!(find(Start::of_stream(), input, &[], &[]), None);
}

#[test]
fn settings_of_image_writers_are_found() {
    let plain = mixed(600_000, 5);
    for (strategy, level) in
        [(Strategy::Filtered, 6), (Strategy::Filtered, 9), (Strategy::Huffman, 6), (Strategy::Rle, 6)]
    {
        let params = Params { strategy, mem_level: 9, ..Params::new(Family::Zlib, level) };
        let input = Input { plain: &plain, flushes: &[], ends: true };
        let made = encode(&params, Start::of_stream(), input, &mut |_| ControlFlow::Continue(()));
        assert_eq!(find(Start::of_stream(), input, &made, &[]), Some(params));
    }
}

/// Digests of what GNU gzip 1.12, also with `--rsyncable`, pigz (pieces of 128 KiB) and Node.js 20's zlib themselves
/// made of `mixed(300_000, 1)`.
#[test]
fn golden_digests() {
    let plain = mixed(300_000, 1);
    assert_eq!(fnv(&plain), GOLDEN_INPUT);
    for (family, level, digest) in GOLDEN {
        let input = Input { plain: &plain, flushes: &[], ends: true };
        let input_chunk = if family == Family::Pigz { 131_072 } else { 0 };
        let params = Params { input_chunk, ..Params::new(family, level) };
        let made = encode(&params, Start::of_stream(), input, &mut |_| ControlFlow::Continue(()));
        assert_eq!(fnv(&made), digest, "{family:?} {level}");
        check(&params, &plain, &[], &made, params.is_lazy());
    }
}

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// Wrong states, places and ends give wrong bits at most.
#[test]
fn nonsense_does_no_harm() {
    let mut random = Random(99);
    let plain = mixed(40_000, 2);
    let families = [
        Family::Miniz,
        Family::Klauspost,
        Family::KlauspostEarlier,
        Family::KlauspostEarliest,
        Family::Libdeflate,
        Family::Go,
        Family::Pigz,
        Family::Zlib,
        Family::Chromium,
        Family::Gzip,
        Family::GzipRsyncable,
        Family::Ng,
        Family::NgEarlier,
    ];
    let strategies = [Strategy::Default, Strategy::Filtered, Strategy::Huffman, Strategy::Rle, Strategy::Fixed];
    for _ in 0..3000 {
        let mut params = Params::new(families[random.below(families.len())], 1 + random.below(9) as u8);
        params.input_chunk = [0, 0, 256, 8192, 65_536, 1_234_567][random.below(6)];
        params.strategy = strategies[random.below(9).min(4)];
        params.output_buffer = [0, 4096, 32768][random.below(3)];
        params.window_bits = [15, 15, 9, 12][random.below(4)];
        params.mem_level = [8, 1, 9][random.below(3)];
        if random.below(2) == 0 {
            params = Params::new(params.family, params.level);
        }
        let cut = random.below(plain.len());
        let rest = &plain[cut..(cut + random.below(5_000)).min(plain.len())];
        let history = &plain[cut.saturating_sub(random.below(40_000))..cut];
        let flushes: Vec<usize> = (0..random.below(3)).map(|_| random.below(6_000)).collect();
        let position = if random.below(3) == 0 { random.next() } else { random.below(200_000) as u64 };
        let state = State::from_bits(random.next() >> random.below(64) | 1 << 34);
        let start = Start { history, position, state, first_bit: random.next() as u8, written: random.next() };
        let input = Input { plain: rest, flushes: &flushes, ends: random.below(2) == 0 };
        let made = encode(&params, start, input, &mut |_| ControlFlow::Continue(()));
        assert!(made.len() < 3 * rest.len() + 10_000);
        let _ = matching(&params, start, input, &plain);
    }
}

/// Digests of what Go's `compress/flate` itself made of `mixed(300_000, 1)`, see `golden/flate.go`.
#[test]
fn go_at_all_levels() {
    let plain = mixed(300_000, 1);
    for (level, whole, flushed) in GO {
        let literals = level < 0;
        let strategy = if literals { Strategy::Huffman } else { Strategy::Default };
        let params = Params { strategy, ..Params::new(Family::Go, if literals { 6 } else { level as u8 }) };
        for (digest, flushes) in [(whole, &[][..]), (flushed, &GO_FLUSHES)] {
            let input = Input { plain: &plain, flushes, ends: true };
            let made = encode(&params, Start::of_stream(), input, &mut |_| ControlFlow::Continue(()));
            assert_eq!(fnv(&made), digest, "level {level}, flushes {flushes:?}");
            check(&params, &plain, flushes, &made, flushes.is_empty());
            if flushes.is_empty() {
                assert_eq!(find(Start::of_stream(), input, &made, &[]), Some(params));
            }
        }
    }
}

/// Go's streams from every block boundary, for all sizes of input.
#[test]
fn go_restarts() {
    for plain in inputs() {
        for level in 1..=9 {
            let params = Params::new(Family::Go, level);
            let input = Input { plain: &plain, flushes: &[], ends: true };
            let made = encode(&params, Start::of_stream(), input, &mut |_| ControlFlow::Continue(()));
            check(&params, &plain, &[], &made, true);
        }
    }
}

/// Digests of what libdeflate makes of `mixed(300_000, 1)`: 1.14 (levels 1 to 9) and 1.26 themselves. Stored objects
/// rely on them: a release of libdeflate with others must not replace this one.
#[test]
fn libdeflate_at_all_levels() {
    let plain = mixed(300_000, 1);
    let input = Input { plain: &plain, flushes: &[], ends: true };
    for (level, digest) in (1..).zip(LIBDEFLATE) {
        let params = Params::new(Family::Libdeflate, level);
        let made = encode(&params, Start::of_stream(), input, &mut |_| ControlFlow::Continue(()));
        assert_eq!(fnv(&made), digest, "level {level}: {:#x}", fnv(&made));
        check(&params, &plain, &[], &made, false);
        let found = find(Start::of_stream(), input, &made, &[]).expect("an encoder");
        assert!(matching(&found, Start::of_stream(), input, &made).complete, "{level}: {found:?}");
    }
}

/// libdeflate's streams are found whole or not at all.
#[test]
fn libdeflate_is_all_or_nothing() {
    let plain = mixed(600_000, 2);
    let params = Params::new(Family::Libdeflate, 6);
    let input = Input { plain: &plain, flushes: &[], ends: true };
    let mut made = encode(&params, Start::of_stream(), input, &mut |_| ControlFlow::Continue(()));
    assert!(matching(&params, Start::of_stream(), input, &made).blocks > 1);
    assert_eq!(matching(&params, Start::of_stream(), Input { ends: false, ..input }, &made).blocks, 0);
    assert_eq!(matching(&params, Start { position: 1, ..Start::of_stream() }, input, &made).blocks, 0);
    *made.last_mut().expect("bytes") ^= 1;
    assert_eq!(matching(&params, Start::of_stream(), input, &made).blocks, 0);
}

/// Words without long matches, noise, and [`mixed`]: what releases of klauspost's encoder differ in occurs.
fn worded(seed: u64) -> Vec<u8> {
    let mut random = Random(seed | 1);
    let mut made: Vec<u8> = (0..150_000).map(|_| b" aeinorst"[random.below(3) * random.below(5)]).collect();
    made.extend(noise(100_000, seed));
    made.extend(mixed(300_000, seed));
    made
}

/// Digests of what klauspost's `compress/flate` and pgzip themselves made of `worded(1)`, see `golden/klauspost.go`.
#[test]
fn klauspost_at_all_levels() {
    let plain = worded(1);
    for (family, digests) in KLAUSPOST {
        for (level, whole, flushed, pieces) in digests {
            let strategy = if level < 0 { Strategy::Huffman } else { Strategy::Default };
            let params = Params { strategy, ..Params::new(family, if level < 0 { 6 } else { level as u8 }) };
            let of_pgzip = Params { input_chunk: 65536, ..params };
            let all = [(params, &[][..], whole), (params, &GO_FLUSHES, flushed), (of_pgzip, &[], pieces)];
            for (params, flushes, digest) in all {
                let input = Input { plain: &plain, flushes, ends: true };
                let made = encode(&params, Start::of_stream(), input, &mut |_| ControlFlow::Continue(()));
                assert_eq!(fnv(&made), digest, "{params:?}, flushes {flushes:?}");
                let restarts = flushes.is_empty() && family == Family::Klauspost && level >= 7;
                check(&params, &plain, flushes, &made, restarts);
                if !flushes.is_empty() {
                    continue;
                }
                // What a flush leaves is seen in the stream.
                let seen = ends(&made);
                let seen = seen.windows(2).filter(|two| two[0].0 == two[1].0 && two[1].0 < plain.len());
                let seen: Vec<usize> = seen.map(|two| two[1].0).collect();
                let flushes = if params.input_chunk > 0 { &seen[..] } else { &[] };
                let input = Input { plain: &plain, flushes, ends: true };
                let found = find(Start::of_stream(), input, &made, &[]);
                let found = found.unwrap_or_else(|| panic!("no encoder like {params:?}"));
                assert!(matching(&found, Start::of_stream(), input, &made).complete, "{params:?}: {found:?}");
            }
        }
    }
}

/// klauspost's blocks made again without what follows them, and from every one on.
#[test]
fn klauspost_restarts() {
    for plain in inputs() {
        for family in [Family::Klauspost, Family::KlauspostEarlier, Family::KlauspostEarliest] {
            for (level, input_chunk) in
                [(1, 0), (3, 32768), (4, 65536), (5, 0), (6, 40_000), (7, 0), (8, 65536), (9, 0)]
            {
                let params = Params { input_chunk, ..Params::new(family, level) };
                let input = Input { plain: &plain, flushes: &[], ends: true };
                let made = encode(&params, Start::of_stream(), input, &mut |_| ControlFlow::Continue(()));
                check(&params, &plain, &[], &made, true);
                let blocks = ends(&made);
                for (n, &(end, _)) in blocks.iter().enumerate() {
                    let reach = end + params.lookahead();
                    if reach < plain.len() {
                        let part = Input { plain: &plain[..reach], flushes: &[], ends: false };
                        let found = matching(&params, Start::of_stream(), part, &made);
                        let markers = blocks[n + 1..].iter().filter(|block| block.0 == end).count();
                        assert!((n + 1..=n + 1 + markers).contains(&found.blocks), "{params:?}: {found:?} at {end}");
                    }
                }
            }
        }
    }
}

const GOLDEN_INPUT: u64 = 0x01ca_0d4b_ba6f_48ab;
const GOLDEN: [(Family, u8, u64); 36] = [
    (Family::Pigz, 1, 0x5aea_a156_057c_8327),
    (Family::Pigz, 2, 0x579b_da7f_914f_56d1),
    (Family::Pigz, 3, 0xfe32_8bbf_ca6d_904d),
    (Family::Pigz, 4, 0x4f21_ce33_e34b_bdc2),
    (Family::Pigz, 5, 0x174c_05f3_cfbd_4e8e),
    (Family::Pigz, 6, 0xd464_7f21_ce88_6776),
    (Family::Pigz, 7, 0xfc43_6977_8c1a_9214),
    (Family::Pigz, 8, 0x7344_ed70_dea8_b44b),
    (Family::Pigz, 9, 0xdf93_ebd1_ae62_1bc4),
    (Family::Gzip, 1, 0xc1a4_1bdd_6a07_b6b3),
    (Family::Gzip, 2, 0x62ca_1ba3_8fd0_37e1),
    (Family::Gzip, 3, 0x2056_0604_0975_cb75),
    (Family::Gzip, 4, 0xe044_4c03_bab8_f466),
    (Family::Gzip, 5, 0xdb46_0205_378c_a5a8),
    (Family::Gzip, 6, 0x7438_8549_a2f5_7bd2),
    (Family::Gzip, 7, 0xa338_8b94_bbdd_e34d),
    (Family::Gzip, 8, 0xf0b6_c45c_a227_70a6),
    (Family::Gzip, 9, 0x9d2e_3a6f_b225_cf6f),
    (Family::GzipRsyncable, 1, 0x6177_92bf_0aa6_353d),
    (Family::GzipRsyncable, 2, 0xa5a0_6a90_6fb7_8eb7),
    (Family::GzipRsyncable, 3, 0xdf62_e85c_8c01_00bf),
    (Family::GzipRsyncable, 4, 0xb9a3_eb1b_0a99_14bd),
    (Family::GzipRsyncable, 5, 0xbc01_8714_e05e_7089),
    (Family::GzipRsyncable, 6, 0xeced_78ec_3263_f941),
    (Family::GzipRsyncable, 7, 0x17fd_6b57_c371_6f80),
    (Family::GzipRsyncable, 8, 0xf6eb_5c2a_b8be_13b5),
    (Family::GzipRsyncable, 9, 0xb40a_4f5e_7968_6409),
    (Family::Chromium, 1, 0x2521_b582_1636_70b6),
    (Family::Chromium, 2, 0x259b_3e06_95f3_21c5),
    (Family::Chromium, 3, 0x5362_f1a2_0c58_200b),
    (Family::Chromium, 4, 0x70e6_9ea2_2ece_ea85),
    (Family::Chromium, 5, 0x4cf8_4776_6a03_823e),
    (Family::Chromium, 6, 0x8bc4_2cc8_eef0_2f21),
    (Family::Chromium, 7, 0xcf2c_b6b0_f612_958f),
    (Family::Chromium, 8, 0x19e2_6685_1382_f0b8),
    (Family::Chromium, 9, 0xb028_f292_a171_8134),
];

const GO_FLUSHES: [usize; 9] = [5, 50, 50, 200, 50_000, 65_290, 65_400, 131_072, 300_000];
/// Level (-2: Huffman only), digest, digest with flushes.
const GO: [(i32, u64, u64); 10] = [
    (-2, 0x6d19_4b60_2450_c6d5, 0x3a94_329c_f13a_fcaa),
    (1, 0x581c_06ae_086a_8fdb, 0x5934_9677_3816_ac6a),
    (2, 0xd917_859b_5dbc_02d4, 0x1db2_0a13_3c7c_8d84),
    (3, 0xbe6b_14bf_42bc_0286, 0x3bda_c782_15dd_43ad),
    (4, 0x7a60_7e39_f474_cacc, 0x55bd_7210_2baf_740f),
    (5, 0x08f8_4ae5_5eae_bf60, 0x02fc_ed78_bffd_6b9e),
    (6, 0x07d9_a2f2_c754_99ea, 0xa58d_99a3_2988_9df0),
    (7, 0xcb2c_1ad6_7c6c_0ac3, 0xc3c3_383c_50c6_9d07),
    (8, 0x8c62_c222_a854_c849, 0x7498_7d17_3a01_fb7b),
    (9, 0xb49e_ed65_892c_7ce1, 0xb6ad_cb01_88ae_96b2),
];
/// By family, the digests of `golden/klauspost.go`.
#[expect(clippy::type_complexity, reason = "a table")]
const KLAUSPOST: [(Family, [(i32, u64, u64, u64); 10]); 3] = [
    (
        Family::Klauspost,
        [
            (-2, 0x18c2_bd53_e363_43e4, 0x7c55_14b3_aa81_8161, 0x7539_6aba_a9aa_a23f),
            (1, 0xfdf6_e3fb_b137_6cde, 0x1c73_2749_bbc2_673c, 0x9cd7_1d57_8608_d605),
            (2, 0x66fa_718c_5d2f_4dc7, 0xbb27_80a9_06ea_931f, 0xfdd3_075b_9f13_ebf6),
            (3, 0xb04d_0e8e_975d_05d3, 0xf52c_516a_0a52_de9d, 0x3fc5_c36f_861b_9909),
            (4, 0x515d_7029_30f9_c461, 0x2742_c903_9985_92d2, 0x8d09_6efd_5231_ee20),
            (5, 0x482f_86f0_9b15_72b0, 0xa12e_0033_d442_a7ad, 0x5239_b802_3386_09f6),
            (6, 0x3506_be9f_0e9f_2269, 0x726a_182e_5bbf_e12c, 0xa67c_ebb1_92c8_5c6f),
            (7, 0x0214_66b6_66f9_7f3e, 0xed04_ce5a_6d22_7b92, 0x7aa1_c37e_8709_a916),
            (8, 0x2a9c_25a5_f261_c6f1, 0xb44e_80dc_91bf_3d89, 0xad70_326e_16c9_fefe),
            (9, 0xa4ca_1854_d44b_e0fe, 0x53a3_5964_7bcd_2b81, 0x9a64_55e8_1d4c_b32c),
        ],
    ),
    (
        Family::KlauspostEarlier,
        [
            (-2, 0x18c2_bd53_e363_43e4, 0x7c55_14b3_aa81_8161, 0x7539_6aba_a9aa_a23f),
            (1, 0xfdf6_e3fb_b137_6cde, 0x1c73_2749_bbc2_673c, 0x9cd7_1d57_8608_d605),
            (2, 0x66fa_718c_5d2f_4dc7, 0xbb27_80a9_06ea_931f, 0xfdd3_075b_9f13_ebf6),
            (3, 0xb04d_0e8e_975d_05d3, 0xf52c_516a_0a52_de9d, 0x3fc5_c36f_861b_9909),
            (4, 0x515d_7029_30f9_c461, 0x2742_c903_9985_92d2, 0x8d09_6efd_5231_ee20),
            (5, 0x482f_86f0_9b15_72b0, 0xa12e_0033_d442_a7ad, 0x5239_b802_3386_09f6),
            (6, 0x3506_be9f_0e9f_2269, 0x726a_182e_5bbf_e12c, 0xa67c_ebb1_92c8_5c6f),
            (7, 0x0214_66b6_66f9_7f3e, 0xed04_ce5a_6d22_7b92, 0xe1e8_3987_f9f5_84bc),
            (8, 0x2a9c_25a5_f261_c6f1, 0xb44e_80dc_91bf_3d89, 0x67e1_defc_1cb4_8403),
            (9, 0xa4ca_1854_d44b_e0fe, 0x53a3_5964_7bcd_2b81, 0x35b3_fd96_fab1_56b1),
        ],
    ),
    (
        Family::KlauspostEarliest,
        [
            (-2, 0x18c2_bd53_e363_43e4, 0x7c55_14b3_aa81_8161, 0x7539_6aba_a9aa_a23f),
            (1, 0x5707_81df_6599_03a6, 0x0e8e_155c_f362_576a, 0x1198_c4a2_b766_65c1),
            (2, 0xf72b_8be1_7af9_91c0, 0x14fb_470b_5905_be4f, 0x5654_5b2f_bcce_bfee),
            (3, 0x1996_4787_3e09_758c, 0xa2df_0bcd_d06e_a4d5, 0xf198_3160_a44d_b811),
            (4, 0xae7d_611b_74e4_22ec, 0x4fd4_94f9_18e3_f894, 0xbb10_4a31_9260_1d1b),
            (5, 0xd90f_1141_2e29_9d2d, 0x9260_a2cb_8679_28ba, 0xf0d2_9a7a_da6e_48a8),
            (6, 0x6807_02db_a970_2267, 0x6f5c_8850_1928_29b8, 0x3436_228a_59b4_23b6),
            (7, 0x60bf_d1d4_7243_1ecf, 0x8dc2_9b75_f494_6ae6, 0x7d1c_7bc9_9d8a_c76f),
            (8, 0x35bf_e47b_d8b6_80c1, 0xe6a5_73bd_5e00_72f1, 0x4f72_f554_47d7_e87a),
            (9, 0x8abc_3dbe_e26b_c72c, 0x9493_690d_9773_7bfa, 0x0dc9_796a_d535_d8f3),
        ],
    ),
];
/// Levels 1 to 12.
const LIBDEFLATE: [u64; 12] = [
    0x6c44_dbb3_6839_63cc,
    0x0f8a_6912_448c_0461,
    0x43f5_c376_1f08_f102,
    0x0238_5966_6a23_ef61,
    0x1a90_d1a0_810c_568a,
    0x4348_3a32_5505_552b,
    0xe9b5_83dd_920f_2bd7,
    0x8abe_2886_5179_761c,
    0x8abe_2886_5179_761c,
    0x20c6_a0fe_affd_4101,
    0x24a6_1bdc_fe89_8e17,
    0x8289_c76f_5370_4a5b,
];
