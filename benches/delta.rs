//! What the delta engine makes of the corpora, and how fast: each corpus's files are stored in order in memory.
//!
//! `cargo bench --bench delta [CORPUS...]`, with the corpora in `$DELTASTORE_CORPORA` (default `~/.cache/deltastore-corpora`).
//! Speeds are MB of plain bytes per second of this thread's CPU time, so that other work on the machine counts less.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use deltastore::delta::{Candidate, CutSettings, CutWindow, Cutter, Effort, Encoder, Nearness, Reference, References};
use deltastore_format::{Codec, Hash};

/// Windows remembered for each feature, newest first.
const WINDOWS_PER_FEATURE: usize = 4;
/// Record header and fixed part of a window head, about.
const RECORD_OVERHEAD: usize = 128;

#[derive(Default)]
struct Memory {
    windows: HashMap<Hash, (Bytes, u8)>,
    features: HashMap<u64, Vec<Hash>>,
}

impl References for Memory {
    fn candidates(&self, features: &[u64]) -> Vec<Candidate> {
        let mut shared: HashMap<Hash, u64> = HashMap::new();
        for (bit, feature) in features.iter().enumerate() {
            for hash in self.features.get(feature).into_iter().flatten() {
                *shared.entry(*hash).or_default() |= 1 << bit;
            }
        }
        let candidate = |(hash, shared)| {
            let (bytes, depth) = &self.windows[&hash];
            Candidate { hash, shared, nearness: Nearness::Deltaspace, depth: *depth, raw_len: bytes.len() as u32 }
        };
        shared.into_iter().map(candidate).collect()
    }

    fn load(&self, hash: &Hash) -> Option<Reference> {
        let (bytes, depth) = self.windows.get(hash)?;
        Some(Reference { hash: *hash, bytes: bytes.clone(), depth: *depth })
    }
}

#[derive(Default)]
struct Totals {
    original: usize,
    new: usize,
    stored: usize,
    encode_ns: u64,
    codecs: [(usize, usize); 4],
}

fn main() {
    let root = std::env::var_os("DELTASTORE_CORPORA").map(PathBuf::from).unwrap_or_else(|| {
        PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache/deltastore-corpora")
    });
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let corpora: Vec<PathBuf> = entries(&root)
        .into_iter()
        .filter(|path| wanted.is_empty() || wanted.iter().any(|name| path.ends_with(name)))
        .collect();
    if corpora.is_empty() {
        println!("no corpora in {}", root.display());
    }
    for corpus in corpora {
        println!("{}", corpus.display());
        let files: Vec<Vec<u8>> = entries(&corpus).iter().map(|path| std::fs::read(path).expect("readable")).collect();
        cutting(&files);
        let efforts = [
            ("deltas off", Effort { deltas: false, ..Effort::default() }),
            ("default", Effort::default()),
            ("level 1", Effort { level: 1, ..Effort::default() }),
            ("level 9", Effort { level: 9, ..Effort::default() }),
        ];
        for (name, effort) in efforts {
            report(name, &store(&files, &effort));
        }
    }
}

fn cutting(files: &[Vec<u8>]) {
    let mut cutter = Cutter::new(CutSettings::default());
    let mut windows = Vec::new();
    let started = cpu_ns();
    for file in files {
        for piece in file.chunks(256 << 10) {
            cutter.push(piece, &mut windows);
            windows.clear();
        }
        cutter.finish();
    }
    println!("  cut + sketch {:.0} MB/s", speed(files.iter().map(Vec::len).sum(), cpu_ns() - started));
}

fn store(files: &[Vec<u8>], effort: &Effort) -> Totals {
    let mut memory = Memory::default();
    let mut encoder = Encoder::new();
    let mut totals = Totals::default();
    for file in files {
        totals.original += file.len();
        let mut sketched = Vec::new();
        for CutWindow { bytes, features } in windows(file) {
            let hash = name(&bytes);
            if memory.windows.contains_key(&hash) {
                continue;
            }
            let started = cpu_ns();
            let encoded = encoder.encode(&bytes, &features, &memory, effort);
            totals.encode_ns += cpu_ns() - started;
            let stored = encoded.bytes.len() + RECORD_OVERHEAD + 32 * encoded.references.len() + 8 * features.len();
            totals.new += bytes.len();
            totals.stored += stored;
            let codec = &mut totals.codecs[encoded.codec as usize];
            *codec = (codec.0 + 1, codec.1 + stored);
            memory.windows.insert(hash, (bytes, encoded.depth));
            sketched.push((hash, features));
        }
        // An object's windows can be found once it is committed.
        for (hash, features) in sketched {
            for feature in features {
                let windows = memory.features.entry(feature).or_default();
                windows.insert(0, hash);
                windows.truncate(WINDOWS_PER_FEATURE);
            }
        }
    }
    totals
}

fn windows(file: &[u8]) -> Vec<CutWindow> {
    let mut cutter = Cutter::new(CutSettings::default());
    let mut windows = Vec::new();
    cutter.push(file, &mut windows);
    windows.extend(cutter.finish());
    windows
}

fn report(name: &str, totals: &Totals) {
    print!(
        "  {name:10} stored/original {:.4} ({:.2} MB), encode {:4.0} MB/s, of all bytes {:4.0} MB/s;",
        totals.stored as f64 / totals.original as f64,
        totals.stored as f64 / 1e6,
        speed(totals.new, totals.encode_ns),
        speed(totals.original, totals.encode_ns),
    );
    for codec in [Codec::Raw, Codec::Zstd, Codec::ZstdReferences, Codec::Vcdiff] {
        let (windows, bytes) = totals.codecs[codec as usize];
        print!(" {codec:?} {windows} ({:.2} MB)", bytes as f64 / 1e6);
    }
    println!();
}

fn speed(bytes: usize, nanoseconds: u64) -> f64 {
    bytes as f64 * 1e3 / nanoseconds.max(1) as f64
}

/// A name that tells the windows of a corpus apart.
fn name(bytes: &[u8]) -> Hash {
    let mut name = [0; 32];
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(bytes);
    name[..8].copy_from_slice(&hash.to_le_bytes());
    Hash(name)
}

/// CPU time of this thread.
fn cpu_ns() -> u64 {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux with scheduler statistics");
    line.split_whitespace().next().and_then(|field| field.parse().ok()).expect("a number")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    paths.sort();
    paths
}
