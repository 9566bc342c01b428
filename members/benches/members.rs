//! How fast objects are expanded and re-created, and what their views weigh. One thread. Usage: `cargo bench -p
//! deltastore-members --bench members -- [--reencode] [--views DIR] FILE...`; without files, on made input.

use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

use deltastore_members::{Expander, Expansion, Settings, recreate};

fn main() {
    let mut views = None;
    let mut settings = Settings::default();
    let mut files = Vec::new();
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(argument) = arguments.next() {
        if argument == "--views" {
            views = arguments.next();
        } else if argument == "--reencode" {
            settings.reencode = true;
        } else {
            files.push(argument);
        }
    }
    let mut inputs: Vec<(String, Vec<u8>)> = Vec::new();
    for file in &files {
        inputs.push((file.clone(), std::fs::read(file).expect("a readable file")));
    }
    if inputs.is_empty() {
        inputs = made();
    }
    for (name, object) in inputs {
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        let (expansion, expanding) = best(|| expand(&object, &settings));
        let (again, recreating) = best(|| recreate_all(&expansion));
        assert!(again == object, "{name}: not the same bytes");
        let programmed = expansion.units.iter().filter(|unit| !unit.program.is_empty());
        let covered: u64 = programmed.clone().map(|unit| unit.len).sum();
        let programs: usize = programmed.clone().map(|unit| unit.program.len()).sum();
        println!(
            "{name}: {} bytes, view {:.3}, expand {:.0} MB/s, recreate {:.0} MB/s, {} units, {} with programs of {programs} bytes covering {:.1} %",
            object.len(),
            expansion.view.len() as f64 / object.len() as f64,
            object.len() as f64 / 1e6 / expanding,
            object.len() as f64 / 1e6 / recreating,
            expansion.units.len(),
            programmed.count(),
            100.0 * covered as f64 / object.len() as f64,
        );
        if let Some(folder) = &views {
            std::fs::write(format!("{folder}/{name}.view"), &expansion.view).expect("a writable folder");
        }
    }
}

fn expand(object: &[u8], settings: &Settings) -> Expansion {
    let mut out = Expansion::default();
    let mut expander = Expander::new(settings.clone());
    for piece in object.chunks(64 * 1024) {
        expander.push(piece, &mut out);
    }
    expander.finish(&mut out);
    out
}

fn recreate_all(expansion: &Expansion) -> Vec<u8> {
    let mut object = Vec::new();
    for unit in &expansion.units {
        let view = &expansion.view[unit.view.start as usize..unit.view.end as usize];
        if unit.program.is_empty() {
            object.extend_from_slice(view);
        } else {
            object.extend(recreate(&unit.program, view, unit.len as usize).expect("a unit that was proven"));
        }
    }
    object
}

/// The result, and the seconds of the fastest of three runs.
fn best<T>(mut run: impl FnMut() -> T) -> (T, f64) {
    let mut fastest = f64::MAX;
    let mut result = None;
    for _ in 0..3 {
        let start = Instant::now();
        result = Some(black_box(run()));
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    (result.expect("three runs"), fastest)
}

fn made() -> Vec<(String, Vec<u8>)> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as u32
    };
    let noise: Vec<u8> = (0..32 << 20).map(|_| next() as u8).collect();
    let words: Vec<String> = (0..4000).map(|_| format!("w{:x} ", next() % 100_000)).collect();
    let mut text = Vec::new();
    while text.len() < 32 << 20 {
        text.extend_from_slice(words[(next() % 4000 * (next() % 4000) / 4000) as usize].as_bytes());
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&text).expect("memory");
    let gzip = gzip.finish().expect("memory");
    vec![("noise".to_owned(), noise), ("text".to_owned(), text), ("text.gz".to_owned(), gzip)]
}
