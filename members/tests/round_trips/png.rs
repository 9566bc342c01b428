//! PNGs whose image data lies in several chunks.

use std::ops::ControlFlow;

use crate::boundaries::{boundaries, damaged, modes, reencode, taken_apart};
use crate::support::{Dice, STRATEGIES, check, checked, expand, tarred, tight, zipped, zlib};
use deltastore_members::deflate::encoder::{Family, Input, Params, Start, encode};
use deltastore_members::{Settings, recreate};
use libdeflater::crc32;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Bytes between the data of two chunks.
const BOUNDARY: usize = 12;

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [kind, data].concat();
    [&(data.len() as u32).to_be_bytes()[..], &body, &crc32(&body).to_be_bytes()].concat()
}

/// A PNG with the stream in chunks of these lengths, the last of which repeats.
pub fn png(stream: &[u8], lengths: &[usize]) -> Vec<u8> {
    let mut file = [SIGNATURE, &chunk(b"IHDR", &[7; 13]), &chunk(b"tEXt", b"Comment\0IDAT")].concat();
    let (mut rest, mut lengths) = (stream, lengths.iter().copied().peekable());
    while let Some(length) = lengths.next() {
        let repeats = lengths.peek().is_none();
        loop {
            let (data, behind) = rest.split_at(length.min(rest.len()));
            file.extend(chunk(b"IDAT", data));
            rest = behind;
            if !repeats || rest.is_empty() {
                break;
            }
        }
    }
    file.extend(chunk(b"IEND", b""));
    file
}

/// Rows of pixels as filters leave them.
pub fn pixels(dice: &mut Dice, rows: usize) -> Vec<u8> {
    let mut all = Vec::new();
    for row in 0..rows {
        all.push((row % 5) as u8);
        let shade = dice.below(5);
        all.extend((0..900).map(|_| if dice.below(3) == 0 { dice.below(12) } else { shade } as u8));
    }
    all
}

pub fn stream(content: &[u8]) -> Vec<u8> {
    let params = Params::new(Family::Zlib, 6);
    let input = Input { plain: content, flushes: &[], ends: true };
    let raw = encode(&params, Start::of_stream(), input, &mut |_| ControlFlow::Continue(()));
    [&[0x78, 0x9c][..], &raw, &[1, 2, 3, 4]].concat()
}

#[test]
fn chunks_of_every_usual_length() {
    let stream = stream(&pixels(&mut Dice::new(30), 400));
    assert!(stream.len() > 70_000);
    for length in [64, 100, 4096, 8192, 32_768, 65_415, 65_536] {
        let file = png(&stream, &[length]);
        taken_apart(&file, (stream.len().div_ceil(length) - 1) as u64);
    }
    // One chunk has no boundary, and the view is as ever.
    taken_apart(&png(&stream, &[stream.len()]), 0);
    for length in [1, 7, 63] {
        for settings in modes() {
            assert_eq!(boundaries(&checked(&png(&stream[..9000], &[length]), &settings)), 0);
        }
    }
}

#[test]
fn chunks_in_the_middle_of_which_units_begin() {
    let content: Vec<u8> = (0..4).flat_map(|seed| pixels(&mut Dice::new(seed), 3000)).collect();
    let stream = stream(&content);
    assert!(stream.len() > 3 << 20);
    for length in [8192, 1 << 20] {
        let file = png(&stream, &[length]);
        let expected = (stream.len().div_ceil(length) - 1) as u64;
        for settings in [Settings::default(), reencode()] {
            let expansion = checked(&file, &settings);
            assert_eq!(boundaries(&expansion), expected);
            assert!(expansion.units.len() > 4);
            assert!(expand(&file, &settings, 5003) == expansion);
        }
    }
}

#[test]
fn chunks_of_uneven_lengths() {
    let mut dice = Dice::new(31);
    let stream = stream(&pixels(&mut dice, 300));
    for _ in 0..4 {
        let lengths: Vec<usize> = (0..20).map(|_| 64 + dice.below(6000)).collect();
        let sum: usize = lengths[..19].iter().sum();
        let last = stream.len().saturating_sub(sum).div_ceil(lengths[19]).max(1);
        taken_apart(&png(&stream, &lengths), (18 + last) as u64);
    }
    // Each boundary is a group of its own.
    let lengths: Vec<usize> = (0..2000).map(|at| 64 + at % 3).collect();
    for settings in modes() {
        checked(&png(&stream, &lengths), &settings);
    }
}

#[test]
fn empty_chunks_end_what_is_joined() {
    let stream = stream(&pixels(&mut Dice::new(32), 100));
    taken_apart(&png(&stream, &[8192, 8192, stream.len() - 16_384, 0]), 3);
    for settings in modes() {
        let (begins, has) = (png(&stream, &[0, 8192]), png(&stream, &[8192, 8192, 0, 8192]));
        assert_eq!(boundaries(&checked(&begins, &settings)), (stream.len() / 8192) as u64);
        assert_eq!(boundaries(&checked(&has, &settings)), 2);
    }
}

#[test]
fn what_is_wrong_costs_the_rest_of_an_image_only() {
    let stream = stream(&pixels(&mut Dice::new(33), 300));
    let whole = png(&stream, &[8192]);
    let header = whole.windows(4).rposition(|four| four == b"tEXt").expect("a text") + 28;
    let second = header + 8192 + BOUNDARY;
    for (at, expected) in [(second - BOUNDARY, 0), (second + 8192, 1), (second + 8192 + 7, 2), (second + 8192 + 9, 1)] {
        let mut file = whole.clone();
        file[at] ^= 0x80;
        let two = [&file[..], &whole].concat();
        for settings in modes() {
            assert_eq!(boundaries(&checked(&file, &settings)), expected);
            // The next image is found all the same.
            assert_eq!(boundaries(&checked(&two, &settings)), expected + (stream.len() / 8192) as u64);
        }
    }
    // A stream that does not decode: all as it is.
    let mut file = png(&[&[0x78, 0x9c][..], &Dice::new(34).noise(50_000)].concat(), &[8192]);
    assert_eq!(check(&file, &Settings::default()), 0);
    assert!(expand(&file, &Settings::default(), 777).view == file);
    // A chunk that claims to be longer than anything hides nothing behind it.
    file.splice(0..0, *b"\x7f\xff\xff\xffIDAT\x78\x9c");
    file.extend_from_slice(&whole);
    for settings in modes() {
        assert!(boundaries(&checked(&file, &settings)) >= (stream.len() / 8192) as u64);
    }
}

#[test]
fn cut_anywhere() {
    let mut dice = Dice::new(35);
    let stream = stream(&pixels(&mut dice, 12));
    let file = png(&stream, &[500]);
    for len in 0..file.len() {
        for settings in [tight(), Settings { reencode: true, ..tight() }] {
            let expansion = checked(&file[..len], &settings);
            if len % 50 == 0 {
                assert!(expand(&file[..len], &settings, 7) == expansion);
            }
        }
    }
}

#[test]
fn images_within_others() {
    let mut dice = Dice::new(36);
    let images: Vec<Vec<u8>> = (0..6).map(|at| png(&stream(&pixels(&mut dice, 40 + at * 20)), &[8192])).collect();
    let expected: Vec<u64> = images.iter().map(|image| boundaries(&checked(image, &reencode()))).collect();
    assert!(expected.iter().all(|&count| count > 0), "{expected:?}");
    let sum = expected.iter().sum();
    taken_apart(&images.concat(), sum);
    taken_apart(&images.iter().flat_map(|image| zipped("i.png", image, false, false)).collect::<Vec<u8>>(), sum);
    taken_apart(&images.iter().flat_map(|image| tarred("i.png", image)).collect::<Vec<u8>>(), sum);
    let behind = [&images[0][..], &dice.content(100_000), &images[1], b"\0\0\0\0IDAT"].concat();
    for settings in modes() {
        assert_eq!(boundaries(&checked(&behind, &settings)), expected[0] + expected[1]);
    }
}

#[test]
fn small_windows() {
    let content = pixels(&mut Dice::new(37), 9);
    for bits in 9..15 {
        let stream = zlib(&content, 6, STRATEGIES[0], bits, 8);
        assert_eq!(stream[0], 0x08 | (bits as u8 - 8) << 4);
        for length in [500, 1 << 20] {
            let file = png(&stream, &[length]);
            for settings in modes() {
                let covered = checked(&file, &settings).units.iter().any(|unit| unit.program.len() > 1);
                assert!(covered, "a window of {bits} bits");
            }
        }
        // Elsewhere such a header tells too little.
        assert_eq!(check(&stream, &Settings::default()), 0);
    }
}

#[test]
fn versions_differ_where_the_image_does() {
    let content = pixels(&mut Dice::new(38), 600);
    let mut changed = content.clone();
    changed[200_000..201_000].fill(9);
    let [one, two] = [content, changed].map(|content| expand(&png(&stream(&content), &[8192]), &reencode(), 4096).view);
    assert_eq!(one.len(), two.len());
    let differing = one.iter().zip(&two).filter(|(a, b)| a != b).count();
    assert!(differing < 1100, "{differing} bytes");
}

#[test]
fn damaged_programs_are_refused_or_fail() {
    let mut dice = Dice::new(39);
    let images: Vec<u8> = (0..3).flat_map(|_| png(&stream(&pixels(&mut dice, 30)), &[100, 2000, 64, 100])).collect();
    let settings = Settings { unit: 20_000, ..reencode() };
    let expansion = expand(&images, &settings, 1000);
    assert!(boundaries(&expansion) > 100);
    damaged(&mut dice, &expansion, 5, BOUNDARY, 4);
}

#[test]
fn ops_of_chunks_mean_what_they_say() {
    use deltastore_members::RecreateError::{Length, Program, View};
    let body = |from: &str| [from.as_bytes(), b"IDATabcdefgh"].concat();
    let end = |count: u8, kind: &str| [crc32(kind.as_bytes()).to_be_bytes(), [0, 0, 0, count]].concat();
    // Behind "abc", of which the CRC is with the type; then chunks of two bytes.
    let expected =
        [&b"..IDATabc"[..], &end(2, "IDATabc"), b"IDATde", &end(2, "IDATde"), b"IDATfg", &end(9, "IDATfg"), b"IDATh"]
            .concat();
    let program = [1, 5, 9, 7, 2, 2, 2, 1, 9, 1, 14];
    assert_eq!(recreate(&program, &body(".."), expected.len()).as_deref(), Ok(&expected[..]));
    // Two ops, the second with a CRC that is given.
    let expected = [&b"ID"[..], &end(3, "ID"), b"IDATATabc", &[1, 2, 3, 4, 0, 0, 0, 5], b"IDATdefgh"].concat();
    let two = [1, 5, 2, 2, 1, 1, 3, 5, 5, 0, 1, 2, 3, 4, 1, 1, 5, 1, 12];
    assert_eq!(recreate(&two, &body(""), expected.len()).as_deref(), Ok(&expected[..]));
    for (program, len, error) in [
        // A boundary at the end, or beyond it.
        (&[1, 5, 12, 7, 1, 1, 9, 1, 12][..], 24, View),
        (&[1, 5, 9, 7, 1, 2, 9, 1, 12], 36, View),
        (&[1, 5, 9, 7, 1, 1, 9, 1, 12], 23, Length),
        (&[1, 5, 9, 7, 1, 1, 9, 1, 12], 25, Length),
        // A CRC of more than there is, no boundaries, too long a chunk, the wrong order.
        (&[1, 5, 9, 10, 1, 1, 9, 1, 12], 24, Program),
        (&[1, 5, 9, 7, 0, 1, 12], 12, Program),
        (&[1, 5, 9, 7, 1, 0, 9, 1, 12], 24, Program),
        (&[1, 5, 9, 7, 1, 1, 0x80, 0x80, 0x80, 0x80, 8, 1, 12], 24, Program),
        (&[1, 1, 12, 5, 9, 7, 1, 1, 9], 24, Program),
        (&[1, 5, 9, 7, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 9, 1, 12], 24, Length),
        (&[1, 5, 9, 7, 3, 1, 9], 24, Program),
    ] {
        assert_eq!(recreate(program, &body(""), len), Err(error), "{program:?}");
    }
}
