//! Which files the exact re-encoders reproduce, from the streams' start and from restarts about every MiB, and how
//! fast. One thread. Usage: `cargo bench -p deltastore-members --bench encoder -- [--members] FILE...`.

use std::collections::BTreeMap;
use std::time::Instant;

use deltastore_members::deflate::encoder::{Input, Params, Start, State, WARM_UP, find, matching};
use deltastore_members::deflate::inflate::{Plain, Tables, decode_block};

/// Plain bytes of a restart unit.
const UNIT: usize = 1 << 20;

/// Where blocks of a stream end: plain bytes and bits.
type Ends = Vec<(usize, usize)>;

/// A decoded stream: plain bytes, ends of blocks, flushes.
type Decoded = (Vec<u8>, Ends, Vec<usize>);

fn main() {
    let mut verbose = false;
    let mut total = Sums::default();
    let mut by_file: BTreeMap<String, usize> = BTreeMap::new();
    for file in std::env::args().skip(1).filter(|a| a != "--bench") {
        if file == "--members" {
            verbose = true;
            continue;
        }
        let bytes = std::fs::read(&file).expect("a readable file");
        let mut sums = Sums::default();
        let mut hints = Vec::new();
        for (name, packed) in members(&bytes) {
            let Some((plain, ends, flushes)) = inflate(packed) else {
                println!("{file} {name}: no DEFLATE stream");
                continue;
            };
            let packed = &packed[..ends.last().map_or(0, |e| e.1.div_ceil(8))];
            measure(&mut sums, &mut hints, (&plain, &ends, &flushes), packed, &format!("{file} {name}"), verbose);
        }
        println!("{file}: {sums}");
        *by_file.entry(file).or_default() += sums.plain;
        total.add(&sums);
    }
    println!("all: {total}");
}

#[derive(Default)]
struct Sums {
    streams: usize,
    exact: usize,
    plain: usize,
    covered: usize,
    restarted: usize,
    restarts: usize,
    restarts_failed: usize,
    finding: f64,
    encoding: f64,
    kinds: BTreeMap<String, usize>,
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.streams += other.streams;
        self.exact += other.exact;
        self.plain += other.plain;
        self.covered += other.covered;
        self.restarted += other.restarted;
        self.restarts += other.restarts;
        self.restarts_failed += other.restarts_failed;
        self.finding += other.finding;
        self.encoding += other.encoding;
        for (kind, n) in &other.kinds {
            *self.kinds.entry(kind.clone()).or_default() += n;
        }
    }
}

impl std::fmt::Display for Sums {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let share = |n: usize| 100.0 * n as f64 / self.plain.max(1) as f64;
        write!(
            f,
            "{}/{} streams exact, {:.2} % of {} plain bytes; restarts {:.2} %, {}/{} failed; encode {:.0} MB/s, find {:.1} MB/s, {:?}",
            self.exact,
            self.streams,
            share(self.covered),
            self.plain,
            share(self.restarted),
            self.restarts_failed,
            self.restarts,
            self.plain as f64 / 1e6 / self.encoding.max(1e-9),
            self.plain as f64 / 1e6 / self.finding.max(1e-9),
            self.kinds,
        )
    }
}

fn measure(
    sums: &mut Sums,
    hints: &mut Vec<Params>,
    (plain, ends, flushes): (&[u8], &Ends, &[usize]),
    packed: &[u8],
    name: &str,
    verbose: bool,
) {
    sums.streams += 1;
    sums.plain += plain.len();
    let whole = Input { plain, flushes, ends: true };
    let began = Instant::now();
    let params = find(Start::of_stream(), whole, packed, hints);
    sums.finding += began.elapsed().as_secs_f64();
    let Some(params) = params else {
        if verbose {
            println!("  {name}: {} plain bytes, no encoder", plain.len());
        }
        *sums.kinds.entry("none".into()).or_default() += 1;
        return;
    };
    *hints = vec![params];
    let kind = format!("{:?}-{}m{}w{}", params.family, params.level, params.mem_level, params.input_chunk);
    *sums.kinds.entry(kind.clone()).or_default() += 1;
    // From the start, in one go; another search where it fails.
    let began = Instant::now();
    let mut done = matching(&params, Start::of_stream(), whole, packed);
    sums.encoding += began.elapsed().as_secs_f64();
    let mut params = params;
    if !done.complete {
        let (at, bit) = (done.plain, done.bit_end as usize);
        let keep = WARM_UP;
        let start = Start {
            history: &plain[at.saturating_sub(keep)..at],
            position: at as u64,
            state: done.state,
            first_bit: (bit % 8) as u8,
            written: (bit / 8) as u64,
        };
        let near: Vec<usize> = flushes.iter().filter(|&&f| f >= at).map(|f| f - at).collect();
        let input = Input { plain: &plain[at..], flushes: &near, ends: true };
        if let Some(other) = find(start, input, &packed[bit / 8..], &[]) {
            let rest = matching(&other, start, input, &packed[bit / 8..]);
            if verbose {
                println!("  {name}: {kind} up to {at}, then {other:?} to {} of {}", at + rest.plain, plain.len());
            }
            done.plain += rest.plain;
            done.complete = rest.complete;
            params = other;
        }
    }
    sums.covered += done.plain;
    sums.exact += usize::from(done.complete);
    if verbose && !done.complete {
        println!("  {name}: {kind} {} of {} plain bytes, {} blocks", done.plain, plain.len(), ends.len());
    }
    // Every unit alone.
    let (mut at, mut bit, mut state) = (0, 0, State::default());
    while at < plain.len() || bit == 0 {
        let stop = plain.len().min(at + UNIT);
        let next = ends.iter().find(|e| e.0 >= stop && e.1 > bit).copied().unwrap_or((plain.len(), packed.len() * 8));
        let keep = params.history(at as u64);
        let start = Start {
            history: &plain[at.saturating_sub(keep)..at],
            position: at as u64,
            state,
            first_bit: (bit % 8) as u8,
            written: (bit / 8) as u64,
        };
        let reach = (next.0 + params.lookahead()).min(plain.len());
        let near: Vec<usize> = flushes.iter().filter(|&&f| f >= at && f <= reach).map(|f| f - at).collect();
        let input = Input { plain: &plain[at..reach], flushes: &near, ends: reach == plain.len() };
        let found = matching(&params, start, input, &packed[bit / 8..next.1.div_ceil(8)]);
        sums.restarts += 1;
        sums.restarted += found.plain;
        let failed = found.plain < next.0 - at;
        if failed {
            sums.restarts_failed += 1;
            if verbose {
                println!("  {name}: {kind} restart at {at} came {} of {} bytes", found.plain, next.0 - at);
            }
        }
        state = if failed { State::default() } else { found.state };
        (at, bit) = next;
    }
}

fn inflate(packed: &[u8]) -> Option<Decoded> {
    let mut tables = Tables::default();
    let mut plain = Plain::default();
    let (mut ends, mut flushes) = (Vec::new(), Vec::new());
    let mut bit = 0;
    loop {
        let block = decode_block(&mut tables, packed, bit, plain.bytes.len() as u64, &mut plain).ok()?;
        let stored = packed[bit / 8] >> (bit % 8) & 6 == 0 && (bit % 8 < 6 || packed[bit / 8 + 1] & 1 == 0);
        bit = block.end;
        if stored && block.plain == 0 && !block.last {
            flushes.push(plain.bytes.len());
        }
        ends.push((plain.bytes.len(), bit));
        if block.last {
            return Some((plain.bytes, ends, flushes));
        }
    }
}

/// The DEFLATE streams of a zip's local headers (sizes known) or of one gzip member.
fn members(bytes: &[u8]) -> Vec<(String, &[u8])> {
    let le = |at: usize, n: usize| bytes[at..at + n].iter().rev().fold(0usize, |v, &b| v << 8 | usize::from(b));
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut at = 10;
        for flag in [8, 16] {
            if bytes[3] & flag != 0 {
                at += bytes[at..].iter().position(|&b| b == 0).expect("a zero") + 1;
            }
        }
        return vec![("gz".into(), &bytes[at..bytes.len() - 8])];
    }
    if !bytes.starts_with(b"PK") {
        return vec![("raw".into(), bytes)];
    }
    let Some(tail) = bytes.windows(4).rposition(|w| w == b"PK\x05\x06") else { return Vec::new() };
    let mut found = Vec::new();
    let mut at = le(tail + 16, 4);
    while bytes[at..].starts_with(b"PK\x01\x02") {
        let (method, size, name) = (le(at + 10, 2), le(at + 20, 4), le(at + 28, 2));
        let local = le(at + 42, 4);
        let data = local + 30 + le(local + 26, 2) + le(local + 28, 2);
        if method == 8 {
            let title = String::from_utf8_lossy(&bytes[at + 46..at + 46 + name]).into_owned();
            found.push((title, &bytes[data..data + size]));
        }
        at += 46 + name + le(at + 30, 2) + le(at + 32, 2);
    }
    found
}
