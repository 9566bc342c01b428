//! What the delta engine makes of the corpora, and how fast: each corpus's files are stored in order in memory.
//!
//! `cargo bench --bench delta -- [--gear fast|balanced|cold] [--target KIB] [--versions N] [CORPUS...]`, with the
//! corpora in `$DELTASTORE_CORPORA` (default `~/.cache/deltastore-corpora`). Without `--gear` all but cold, which is
//! slow; windows have the gear's size unless `--target` says otherwise; only the first N files of a corpus are stored
//! with `--versions`. Speeds are MB of plain bytes per second of this thread's CPU time, so that other work on the
//! machine counts less.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use deltastore::delta::{
    Candidate, CutSettings, CutWindow, Cutter, Decoder, Effort, Encoded, Encoder, Nearness, Reference, References,
};
use deltastore_format::{Codec, Hash, WindowHead};

/// Windows remembered for each feature, newest first.
const WINDOWS_PER_FEATURE: usize = deltastore::index::MAX_SKETCH_ENTRIES;
/// Record header and fixed part of a window head, about.
const RECORD_OVERHEAD: usize = 128;
/// Windows of the last file that are read.
const MAX_READS: usize = 100;

#[derive(Default)]
struct Memory {
    windows: HashMap<Hash, Stored>,
    features: HashMap<u64, Vec<Hash>>,
    /// Number of the file that is being stored.
    file: usize,
}

struct Stored {
    bytes: Bytes,
    encoded: Encoded,
    file: usize,
}

impl Memory {
    /// The windows that reading one decodes, itself included.
    fn needed(&self, hash: &Hash) -> HashSet<Hash> {
        let mut needed = HashSet::new();
        let mut left = vec![*hash];
        while let Some(next) = left.pop() {
            if needed.insert(next) {
                left.extend(&self.windows[&next].encoded.references);
            }
        }
        needed
    }

    fn cost(&self, hash: &Hash) -> u64 {
        self.needed(hash).iter().map(|hash| self.windows[hash].bytes.len() as u64).sum()
    }

    fn sketch(&mut self, hash: Hash, features: &[u64]) {
        for feature in features {
            let windows = self.features.entry(*feature).or_default();
            windows.insert(0, hash);
            windows.truncate(WINDOWS_PER_FEATURE);
        }
    }

    /// Decodes a window and all it needs, as a first read does: nothing is kept between calls.
    fn read(&self, decoder: &mut Decoder, hash: &Hash, read: &mut HashMap<Hash, Bytes>) -> Bytes {
        if let Some(bytes) = read.get(hash) {
            return bytes.clone();
        }
        let Stored { bytes, encoded, .. } = &self.windows[hash];
        let references: Vec<Bytes> = encoded.references.iter().map(|hash| self.read(decoder, hash, read)).collect();
        let head = WindowHead {
            optimized: false,
            hash: *hash,
            codec: encoded.codec,
            depth: encoded.depth,
            raw_len: bytes.len() as u32,
            encoded_len: encoded.bytes.len() as u32,
            references: encoded.references.clone(),
            features: Vec::new(),
        };
        let plain = decoder.decode(&head, &encoded.bytes, &references).expect("the encoder proved it");
        assert_eq!(plain, bytes);
        read.insert(*hash, plain.clone());
        plain
    }
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
            let Stored { bytes, encoded, file } = &self.windows[&hash];
            let nearness = if *file == self.file { Nearness::Object } else { Nearness::Deltaspace };
            Candidate { hash, shared, nearness, depth: encoded.depth, raw_len: bytes.len() as u32 }
        };
        shared.into_iter().map(candidate).collect()
    }

    fn load(&self, hash: &Hash) -> Option<Reference> {
        let Stored { bytes, encoded, .. } = self.windows.get(hash)?;
        Some(Reference { hash: *hash, bytes: bytes.clone(), depth: encoded.depth, cost: self.cost(hash) })
    }
}

/// Every codec, in the order of their numbers.
const CODECS: [Codec; 8] = [
    Codec::Raw,
    Codec::Zstd,
    Codec::ZstdReferences,
    Codec::Vcdiff,
    Codec::Approximate,
    Codec::Columns,
    Codec::ColumnsReferences,
    Codec::Tokens,
];

#[derive(Default)]
struct Totals {
    original: usize,
    new: usize,
    stored: usize,
    encode_ns: u64,
    /// Windows and stored bytes of each codec.
    codecs: [(usize, usize); CODECS.len()],
    /// Stored / original of each file.
    files: Vec<f64>,
    /// Milliseconds of first reads of single windows of the last file, with all that they need.
    reads: Vec<f64>,
    /// Plain bytes that those reads decoded.
    decoded: u64,
}

struct Gear {
    name: &'static str,
    effort: Effort,
    cut: CutSettings,
}

fn main() {
    let root = std::env::var_os("DELTASTORE_CORPORA").map(PathBuf::from).unwrap_or_else(|| {
        PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache/deltastore-corpora")
    });
    let mut wanted = Vec::new();
    let (mut gear, mut target, mut versions) = (None, None, usize::MAX);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().expect("a value after the option");
        match argument.as_str() {
            "--gear" => gear = Some(value()),
            "--target" => target = Some(value().parse::<u32>().expect("KiB") << 10),
            "--versions" => versions = value().parse().expect("a number of files"),
            // What cargo itself hands over.
            option if option.starts_with('-') => {}
            corpus => wanted.push(corpus.to_owned()),
        }
    }
    let corpora: Vec<PathBuf> = entries(&root)
        .into_iter()
        .filter(|path| wanted.is_empty() || wanted.iter().any(|name| path.ends_with(name)))
        .collect();
    if corpora.is_empty() {
        println!("no corpora in {}", root.display());
    }
    for corpus in corpora {
        println!("{}", corpus.display());
        let paths = entries(&corpus);
        let files: Vec<Vec<u8>> =
            paths.iter().take(versions).map(|path| std::fs::read(path).expect("readable")).collect();
        cutting(&files);
        for gear in gears().iter().filter(|known| gear.as_ref().map_or(known.name != "cold", |name| name == known.name))
        {
            let cut = target.map_or(gear.cut, |target| CutSettings { min: target / 4, target, max: target * 2 });
            report(gear.name, &store(&files, &gear.effort, cut));
        }
    }
}

fn gears() -> [Gear; 4] {
    [
        Gear { name: "off", effort: Effort { deltas: false, ..Effort::fast() }, cut: CutSettings::default() },
        Gear { name: "fast", effort: Effort::fast(), cut: CutSettings::default() },
        Gear { name: "balanced", effort: Effort::balanced(), cut: CutSettings::cold() },
        Gear { name: "cold", effort: Effort::cold(), cut: CutSettings::cold() },
    ]
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

fn store(files: &[Vec<u8>], effort: &Effort, cut: CutSettings) -> Totals {
    let mut memory = Memory::default();
    let mut encoder = Encoder::new();
    let mut totals = Totals::default();
    let mut last = Vec::new();
    for file in files {
        let before = totals.stored;
        totals.original += file.len();
        memory.file += 1;
        last.clear();
        let mut sketched = Vec::new();
        for CutWindow { bytes, features } in windows(file, cut) {
            let hash = name(&bytes);
            last.push(hash);
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
            // What is as deep as allowed is nobody's reference. Later windows of the same file may use what is shallow
            // enough; to other files it is known once the object is committed.
            if encoded.depth < effort.max_own_depth {
                memory.sketch(hash, &features);
            } else if encoded.depth < effort.max_depth {
                sketched.push((hash, features));
            }
            memory.windows.insert(hash, Stored { bytes, encoded, file: memory.file });
        }
        sketched.iter().for_each(|(hash, features)| memory.sketch(*hash, features));
        totals.files.push((totals.stored - before) as f64 / file.len() as f64);
    }
    read(&memory, &last, &mut totals);
    totals
}

/// Reads some windows of a file cold.
fn read(memory: &Memory, windows: &[Hash], totals: &mut Totals) {
    let mut decoder = Decoder::new();
    for hash in windows.iter().step_by(windows.len().div_ceil(MAX_READS).max(1)) {
        let mut read = HashMap::new();
        let started = cpu_ns();
        memory.read(&mut decoder, hash, &mut read);
        totals.reads.push((cpu_ns() - started) as f64 / 1e6);
        totals.decoded += read.values().map(|bytes| bytes.len() as u64).sum::<u64>();
    }
    totals.reads.sort_by(f64::total_cmp);
}

fn windows(file: &[u8], cut: CutSettings) -> Vec<CutWindow> {
    let mut cutter = Cutter::new(cut);
    let mut windows = Vec::new();
    cutter.push(file, &mut windows);
    windows.extend(cutter.finish());
    windows
}

fn report(name: &str, totals: &Totals) {
    print!(
        "  {name:8} stored/original {:.4} ({:.2} MB), encode {:4.0} MB/s, of all bytes {:4.0} MB/s;",
        totals.stored as f64 / totals.original as f64,
        totals.stored as f64 / 1e6,
        speed(totals.new, totals.encode_ns),
        speed(totals.original, totals.encode_ns),
    );
    for (codec, (windows, bytes)) in CODECS.iter().zip(totals.codecs) {
        print!(" {codec:?} {windows} ({:.2} MB)", bytes as f64 / 1e6);
    }
    print!("\n           files");
    totals.files.iter().for_each(|ratio| print!(" {ratio:.4}"));
    let spent: f64 = totals.reads.iter().sum();
    let slow = totals.reads.get(totals.reads.len() * 99 / 100).copied().unwrap_or_default();
    println!(
        "; decode {:.0} MB/s, first read of a window of the last file: mean {:.0} ms, p99 {slow:.0} ms",
        totals.decoded as f64 / 1e3 / spent.max(1e-6),
        spent / totals.reads.len().max(1) as f64,
    );
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
