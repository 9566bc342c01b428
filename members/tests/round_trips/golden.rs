//! Views and programs, byte for byte, as every version of this program has written them.
//!
//! A digest here changes only where a change of what is written is meant. Objects are made by the crate's own encoders
//! alone, so that no other library's version shows.

use std::fmt::Write;
use std::ops::ControlFlow;

use crate::dump;
use crate::png::png;
use crate::support::{Dice, checked, tight};
use deltastore_members::Settings;
use deltastore_members::deflate::encoder::{Family, Input, Params, Start, Strategy, encode, find};
use sha2::{Digest, Sha256};

const FAMILIES: [Family; 13] = [
    Family::Zlib,
    Family::Chromium,
    Family::Gzip,
    Family::Ng,
    Family::NgEarlier,
    Family::Pigz,
    Family::Go,
    Family::Libdeflate,
    Family::Klauspost,
    Family::KlauspostEarlier,
    Family::KlauspostEarliest,
    Family::Miniz,
    Family::GzipRsyncable,
];

/// Settings of every family, usual and unusual.
fn encoders() -> Vec<Params> {
    let mut all = Vec::new();
    for family in FAMILIES {
        for level in [1, 2, 4, 6, 8, 9] {
            let usual = Params::new(family, level);
            let params = if family == Family::Pigz { Params { input_chunk: 131_072, ..usual } } else { usual };
            all.extend([params, Params { strategy: Strategy::Huffman, ..params }]);
            all.extend([9, 5].map(|mem_level| Params { mem_level, ..params }));
            all.extend([Params { output_buffer: 32768, ..params }, Params { input_chunk: 8192, ..params }]);
            all.extend([Params { window_bits: 13, ..params }, Params { strategy: Strategy::Filtered, ..params }]);
        }
    }
    all.retain(Params::is_valid);
    all
}

fn stream(params: &Params, plain: &[u8], flushes: &[usize]) -> Vec<u8> {
    let input = Input { plain, flushes, ends: true };
    encode(params, Start::of_stream(), input, &mut |_| ControlFlow::Continue(()))
}

fn zip(stream: &[u8]) -> Vec<u8> {
    [b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x04\0\0\0name", stream].concat()
}

fn zlib(stream: &[u8]) -> Vec<u8> {
    [&[0x78, 0x9c][..], stream, &[1, 2, 3, 4]].concat()
}

fn gzip(stream: &[u8]) -> Vec<u8> {
    [b"\x1f\x8b\x08\0\0\0\0\0\0\xff", stream, &[5; 8]].concat()
}

/// Long, short and very short streams, so that the order in which encoders are tried shows too.
fn objects() -> Vec<(&'static str, Vec<u8>)> {
    let mut dice = Dice::new(77);
    let (long, short) = (dice.content(60_000), dice.content(700));
    let mut parts: Vec<(&str, Vec<u8>)> =
        ["zips", "gzips", "short streams", "flushed streams", "images", "dumps"].map(|name| (name, Vec::new())).into();
    for (number, params) in encoders().iter().enumerate() {
        let plain = &long[number * 40..][..30_000];
        parts[0].1.extend(zip(&stream(params, plain, &[])));
        parts[1].1.extend(gzip(&stream(params, &long[number * 17..][..9000], &[])));
        parts[2].1.extend(zlib(&stream(params, &short[number..][..150 + number], &[])));
        parts[3].1.extend(zip(&stream(params, plain, &[4000, 9000, 9000, 20_000])));
        if number % 5 == 0 {
            parts[4].1.extend(png(&zlib(&stream(params, plain, &[])), &[3000]));
            parts[5].1.extend(dump::table(number, &zlib(&stream(params, plain, &[])), 4096));
        }
    }
    let noise = dice.noise(5000);
    let damaged = [&parts[0].1[..70_000], &noise, &parts[1].1[30..90_000]].concat();
    parts.push(("damaged", damaged));
    // Streams longer than units.
    let large: Vec<u8> = (0..8).flat_map(|_| dice.content(300_000)).collect();
    let of = [(Family::Zlib, 6), (Family::Klauspost, 7), (Family::Go, 1), (Family::Ng, 4), (Family::GzipRsyncable, 6)];
    parts.push((
        "large",
        of.iter().flat_map(|&(f, level)| gzip(&stream(&Params::new(f, level), &large, &[]))).collect(),
    ));
    parts
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[test]
fn views_and_programs_are_as_ever() {
    let bounded = Settings { time: 20_000_000, search: 60_000_000, reencode: true, ..Settings::default() };
    let settings = [Settings::default(), tight(), Settings { reencode: true, ..Settings::default() }, bounded];
    let mut found = String::new();
    for (name, object) in objects() {
        for settings in &settings {
            let expansion = checked(&object, settings);
            let mut digest = Sha256::new();
            digest.update(&expansion.view);
            for unit in &expansion.units {
                digest.update(unit.view.start.to_le_bytes());
                digest.update(unit.view.end.to_le_bytes());
                digest.update((unit.program.len() as u64).to_le_bytes());
                digest.update(&unit.program);
            }
            let _ = write!(found, "{} ", hex(&digest.finalize()[..6]));
        }
        let _ = writeln!(found, "{name}");
    }
    assert_eq!(found, include_str!("golden.txt"));
}

/// Which of several encoders that make the same stream is named: the first one tried.
#[test]
fn encoders_are_tried_in_the_same_order_as_ever() {
    let mut dice = Dice::new(78);
    let content = dice.content(80_000);
    let mut digest = Sha256::new();
    for (number, params) in encoders().iter().enumerate() {
        for len in [12, 150, 2000, 40_000] {
            let plain = &content[number * 30..][..len];
            for flushes in [&[][..], &[len / 3]] {
                let input = Input { plain, flushes, ends: true };
                let found = find(Start::of_stream(), input, &stream(params, plain, flushes), &[]);
                digest.update(found.map_or([0; 8], |found| found.to_bytes()));
            }
        }
    }
    assert_eq!(hex(&digest.finalize()[..12]), "7852dba6415f2d3c4b695c0a");
}
