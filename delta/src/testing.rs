//! Deterministic test data, and a store in memory.

use std::collections::HashMap;

use bytes::Bytes;
use deltastore_format::{Hash, WindowHead};

use super::{Candidate, Decoder, DeltaError, Encoded, Nearness, Reference, References, sketch};

/// Windows by hash; every stored window that shares a feature is a candidate.
#[derive(Default)]
pub(super) struct Shelf {
    windows: HashMap<Hash, (Bytes, u8, Nearness, Vec<u64>)>,
}

impl Shelf {
    pub(super) fn put(&mut self, window: &[u8], depth: u8, nearness: Nearness) {
        let stored = (Bytes::copy_from_slice(window), depth, nearness, sketch(window));
        self.windows.insert(hash(window), stored);
    }
}

impl References for Shelf {
    fn candidates(&self, features: &[u64]) -> Vec<Candidate> {
        let candidates = self.windows.iter().map(|(&hash, (bytes, depth, nearness, stored))| Candidate {
            hash,
            shared: features.iter().rev().fold(0, |bits, feature| bits << 1 | u64::from(stored.contains(feature))),
            nearness: *nearness,
            depth: *depth,
            raw_len: bytes.len() as u32,
        });
        candidates.filter(|candidate| candidate.shared != 0).collect()
    }

    fn load(&self, hash: &Hash) -> Option<Reference> {
        let (bytes, depth, ..) = self.windows.get(hash)?;
        Some(Reference {
            hash: *hash,
            bytes: bytes.clone(),
            depth: *depth,
            cost: bytes.len() as u64 * (1 + u64::from(*depth)),
        })
    }
}

/// The head that the store would write.
pub(super) fn head(window: &[u8], encoded: &Encoded) -> WindowHead {
    WindowHead {
        hash: hash(window),
        codec: encoded.codec,
        depth: encoded.depth,
        optimized: false,
        raw_len: window.len() as u32,
        encoded_len: encoded.bytes.len() as u32,
        references: encoded.references.clone(),
        features: Vec::new(),
    }
}

/// Decodes as a read would.
pub(super) fn decode(window: &[u8], encoded: &Encoded, shelf: &Shelf) -> Result<Bytes, DeltaError> {
    let references: Vec<Bytes> =
        encoded.references.iter().map(|hash| shelf.load(hash).expect("on the shelf").bytes).collect();
    Decoder::new().decode(&head(window, encoded), &encoded.bytes, &references)
}

/// Stands in for SHA-256.
fn hash(window: &[u8]) -> Hash {
    let mut name = [0; 32];
    let sum = window.iter().fold(window.len() as u64, |sum, &byte| crate::gear_hash::mix(sum ^ u64::from(byte)));
    name[..8].copy_from_slice(&sum.to_le_bytes());
    Hash(name)
}

/// A stream of random bits (xorshift).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(crate::gear_hash::mix(seed.wrapping_add(1)) | 1)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        crate::gear_hash::mix(self.0)
    }

    /// Less than `limit`, which is not 0.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Bytes that do not compress.
pub(super) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut bytes: Vec<u8> = (0..len.div_ceil(8)).flat_map(|_| random.next().to_le_bytes()).collect();
    bytes.truncate(len);
    bytes
}

/// Words that compress about threefold.
pub(super) fn text(seed: u64, len: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    let words: Vec<Vec<u8>> =
        (0..2000).map(|_| (0..3 + random.below(7)).map(|_| b'a' + random.below(26) as u8).collect()).collect();
    let mut bytes = Vec::with_capacity(len + 16);
    while bytes.len() < len {
        bytes.extend_from_slice(&words[random.below(words.len())]);
        bytes.push(b' ');
    }
    bytes.truncate(len);
    bytes
}

/// `bytes` with one byte changed, added or removed about every `every` bytes.
pub(super) fn edited(bytes: &[u8], every: usize, seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut after = Vec::with_capacity(bytes.len() + bytes.len() / every + 1);
    for piece in bytes.chunks(every) {
        let at = random.below(piece.len());
        after.extend_from_slice(&piece[..at]);
        match random.below(3) {
            0 => after.push(piece[at].wrapping_add(1)),
            1 => after.extend_from_slice(&[piece[at], random.next() as u8]),
            _ => {}
        }
        after.extend_from_slice(&piece[at + 1..]);
    }
    after
}

/// Like native code: stretches of bytes that repeat from seed to seed, between addresses that all lie `shift` further.
pub(super) fn native(seed: u64, len: usize, shift: u32) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut bytes = Vec::with_capacity(len + 64);
    while bytes.len() < len {
        let address = (random.next() as u32 >> 8).wrapping_add(shift);
        bytes.extend((0..18 + random.below(20)).map(|_| random.next() as u8));
        bytes.extend_from_slice(&address.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Features that both have.
pub(super) fn shared(left: &[u64], right: &[u64]) -> usize {
    left.iter().filter(|feature| right.contains(feature)).count()
}

/// A number of a model's weights: small ones are more frequent than large ones, of both signs, all bits of the mantissa
/// used.
fn weight(random: &mut Random) -> f64 {
    let sum: f64 = (0..6).map(|_| random.next() as f64 / u64::MAX as f64 - 0.5).sum();
    sum * 0.05
}

/// Weights as a file holds them, after so many steps of a training.
pub(super) fn weights(seed: u64, count: usize, steps: u32, form: impl Fn(f64) -> Vec<u8>) -> Vec<u8> {
    let (mut start, mut moves) = (Random::new(seed), Random::new(seed + 1));
    let mut moved = || {
        let start = weight(&mut start);
        (0..steps).fold(start, |weight, _| weight + 1e-5 * (moves.next() as f64 / u64::MAX as f64 - 0.5))
    };
    (0..count).flat_map(|_| form(moved())).collect()
}

/// bfloat16, rounded down.
pub(super) fn bfloat(weight: f64) -> Vec<u8> {
    (((weight as f32).to_bits() >> 16) as u16).to_le_bytes().to_vec()
}

pub(super) fn single(weight: f64) -> Vec<u8> {
    (weight as f32).to_le_bytes().to_vec()
}

pub(super) fn double(weight: f64) -> Vec<u8> {
    weight.to_le_bytes().to_vec()
}
