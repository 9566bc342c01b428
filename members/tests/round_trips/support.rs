//! Made objects, and the check that every object must pass.

use std::io::Write;

use deltastore_members::{Expander, Expansion, Settings, Unit, recreate};
use flate2::{Compression, write};
use sha2::{Digest, Sha256};
use zlib_rs::{DeflateConfig, Strategy, compress_slice};

/// A small deterministic source of everything that tests choose (a multiplicative congruential generator).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ((self.0 >> 33) as usize) % limit.max(1)
    }

    pub fn noise(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.below(256) as u8).collect()
    }

    /// Bytes that compress like source text, or like tables, or not at all, or nearly to nothing.
    pub fn content(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 64);
        while bytes.len() < len {
            let run = 1 + self.below(len / 3 + 1);
            let end = bytes.len() + run;
            match self.below(4) {
                0 => bytes.extend(self.noise(run)),
                1 => bytes.resize(end, self.below(256) as u8),
                2 => {
                    while bytes.len() < end {
                        let word = self.below(400) * self.below(400) / 400;
                        write!(bytes, "word{word:x} ").unwrap();
                    }
                }
                _ => {
                    while bytes.len() < end {
                        let value = self.below(1 << 20) as u32;
                        bytes.extend(value.to_le_bytes());
                        bytes.extend([0; 3]);
                    }
                }
            }
        }
        bytes.truncate(len);
        bytes
    }
}

pub const STRATEGIES: [Strategy; 5] =
    [Strategy::Default, Strategy::Filtered, Strategy::HuffmanOnly, Strategy::Rle, Strategy::Fixed];

/// A stream of zlib's algorithm; `wrapping` is its window_bits: negative for raw, from 16 up for gzip.
pub fn zlib(content: &[u8], level: i32, strategy: Strategy, wrapping: i32, memory: i32) -> Vec<u8> {
    let config =
        DeflateConfig { level, strategy, window_bits: wrapping, mem_level: memory, ..DeflateConfig::default() };
    let mut room = vec![0; content.len() * 2 + 1024];
    let (stream, code) = compress_slice(&mut room, content, config);
    assert_eq!(code, zlib_rs::ReturnCode::Ok);
    stream.to_vec()
}

pub fn raw(content: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = write::DeflateEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub fn gzip(content: &[u8], level: u32) -> Vec<u8> {
    let builder = flate2::GzBuilder::new().filename("a name").comment("a comment").extra(vec![1, 2, 3]);
    let mut encoder = builder.write(Vec::new(), Compression::new(level));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A zlib stream with an empty stored block after every piece.
pub fn flushed(content: &[u8], piece: usize) -> Vec<u8> {
    let mut encoder = write::ZlibEncoder::new(Vec::new(), Compression::default());
    for piece in content.chunks(piece) {
        encoder.write_all(piece).unwrap();
        encoder.flush().unwrap();
    }
    encoder.finish().unwrap()
}

/// A zip of one member, without the central directory.
pub fn zipped(name: &str, content: &[u8], deflated: bool, descriptor: bool) -> Vec<u8> {
    let data = if deflated { raw(content, 6) } else { content.to_vec() };
    let mut zip = b"PK\x03\x04\x14\0".to_vec();
    zip.extend([if descriptor { 8 } else { 0 }, 0, if deflated { 8 } else { 0 }, 0, 1, 2, 3, 4]);
    let sizes = [0xdead_beefu32, data.len() as u32, content.len() as u32];
    for size in sizes {
        zip.extend(if descriptor { [0; 4] } else { size.to_le_bytes() });
    }
    zip.extend((name.len() as u16).to_le_bytes());
    zip.extend(4u16.to_le_bytes());
    zip.extend(name.as_bytes());
    zip.extend([9, 9, 0, 0]);
    zip.extend(data);
    if descriptor {
        zip.extend(b"PK\x07\x08");
        sizes.iter().for_each(|size| zip.extend(size.to_le_bytes()));
    }
    zip
}

/// A tar header's worth of bytes and the file, padded.
pub fn tarred(name: &str, file: &[u8]) -> Vec<u8> {
    let mut tar = name.as_bytes().to_vec();
    tar.resize(512, 0);
    tar.extend(file);
    tar.resize(tar.len().next_multiple_of(512), 0);
    tar
}

/// Small limits, so that small objects meet them all.
pub fn tight() -> Settings {
    Settings { unit: 3000, plain: 5000, gap: 700, block: 20_000, member: 40, ..Settings::default() }
}

pub fn expand(object: &[u8], settings: &Settings, piece: usize) -> Expansion {
    let mut out = Expansion::default();
    let mut expander = Expander::new(settings.clone());
    for piece in object.chunks(piece) {
        expander.push(piece, &mut out);
    }
    expander.finish(&mut out);
    out
}

/// Expands the object, checks everything that is promised, and gives the object bytes that programs cover.
pub fn check(object: &[u8], settings: &Settings) -> u64 {
    let with_program = |unit: &&Unit| !unit.program.is_empty();
    checked(object, settings).units.iter().filter(with_program).map(|unit| unit.len).sum()
}

/// Expands the object and checks everything that is promised.
pub fn checked(object: &[u8], settings: &Settings) -> Expansion {
    let expansion = expand(object, settings, object.len().max(1));
    let mut at = 0;
    let mut view_at = 0;
    for unit in &expansion.units {
        assert!(unit.len > 0);
        let view = &expansion.view[unit.view.start as usize..unit.view.end as usize];
        if settings.reencode {
            assert!(unit.view.start <= view_at, "views leave no gap");
            assert!(view.len() as u64 <= unit.len * 64 + (5 << 19), "{} for {}", view.len(), unit.len);
        } else {
            assert_eq!(unit.view.start, view_at, "views follow each other");
            assert!(view.len() as u64 <= unit.len * settings.growth as u64);
        }
        view_at = unit.view.end;
        assert!(unit.program.len() <= 64 * 1024);
        let bytes = &object[at..at + unit.len as usize];
        assert!(recreate(&unit.program, view, bytes.len()).as_deref() == Ok(bytes), "the unit at byte {at}");
        // Boundaries between PNG's chunks are beside what limits count.
        let limit = |bytes: usize| (bytes + bytes / 64 * 12) as u64;
        if unit.program.is_empty() {
            assert!(unit.len <= limit(settings.plain.max(settings.unit + settings.block)));
        } else {
            let last = settings.block + if settings.reencode { settings.packed } else { 0 };
            assert!(unit.len <= limit(settings.unit + last + settings.gap));
            assert_eq!(unit.digest[..], Sha256::digest(bytes)[..]);
        }
        at += bytes.len();
    }
    assert_eq!(at, object.len(), "units tile the object");
    assert_eq!(view_at as usize, expansion.view.len());
    expansion
}
