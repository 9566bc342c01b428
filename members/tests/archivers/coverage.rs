//! How much of what each tool compresses is expanded, and how much of that by the name of its encoder.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use deltastore_members::{Expansion, Settings, Step, describe};
use flate2::{Decompress, FlushDecompress, Status};

use crate::makers::Archive;

/// Bytes of DEFLATE streams, of one archive.
pub struct Coverage {
    source: String,
    tool: String,
    variant: String,
    streams: usize,
    expanded: usize,
    /// Of those, re-created by an encoder instead of from tokens.
    named: usize,
    encoders: BTreeSet<String>,
}

/// Re-encode mode, one op a unit, so that each unit's bytes are those of its one op.
pub fn settings() -> Settings {
    Settings { reencode: true, unit: 1, ..Settings::default() }
}

/// `expansion`: of the archive, with the settings above.
pub fn measure(archive: &Archive, expansion: &Expansion) -> Coverage {
    let (mut expanded, mut named, mut encoders) = (0, 0, BTreeSet::new());
    for unit in &expansion.units {
        let mut compressed = unit.len as usize;
        let mut by_name = false;
        let steps = describe(&unit.program).expect("a program");
        for step in &steps {
            match step {
                Step::Copy { bytes } => compressed -= *bytes as usize,
                Step::ImageChunks { boundaries } => compressed -= 12 * *boundaries as usize,
                Step::DumpChunks { boundaries } => compressed -= 5 * *boundaries as usize,
                Step::Tokens { .. } => {}
                Step::Encoder { params, .. } => {
                    by_name = true;
                    encoders.insert(params.family.to_string());
                }
            }
        }
        if !steps.is_empty() {
            expanded += compressed;
            named += if by_name { compressed } else { 0 };
        }
    }
    let (source, tool, variant) = (archive.source.clone(), archive.tool.clone(), archive.variant.clone());
    // What is not compressed may look like streams.
    let stored = variant.contains("stored") || variant.ends_with("-0");
    let streams = if stored { expanded } else { streams(&archive.bytes).max(expanded) };
    Coverage { source, tool, variant, streams, expanded, named, encoders }
}

/// Bytes of the archive's DEFLATE streams that are large enough to be expanded, found by trying at every byte: whatever
/// the container, and with another decoder than the one under test. Of a PNG it is all of its image data.
fn streams(archive: &[u8]) -> usize {
    if archive.starts_with(b"\x89PNG") {
        return image_data(archive);
    }
    let smallest = Settings::default().member;
    let mut plain = vec![0; 4 << 20];
    let mut decoder = Decompress::new(false);
    let (mut at, mut found) = (0, 0);
    while at < archive.len() {
        decoder.reset(false);
        let status = decoder.decompress(&archive[at..], &mut plain, FlushDecompress::Finish);
        let len = decoder.total_in() as usize;
        if matches!(status, Ok(Status::StreamEnd)) && len >= smallest {
            found += len;
            at += len;
        } else {
            at += 1;
        }
    }
    found
}

fn image_data(png: &[u8]) -> usize {
    let (mut at, mut found) = (8, 0);
    while let Some(&[a, b, c, d, ref kind @ ..]) = png.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let len = u32::from_be_bytes([a, b, c, d]) as usize;
        found += if kind == b"IDAT" { len } else { 0 };
        at += 12 + len;
    }
    // Without zlib's header and check.
    found.saturating_sub(6)
}

/// Markdown, a row a tool.
pub fn table(coverages: &[Coverage]) -> String {
    let mut tools: BTreeMap<(&str, &str), Vec<&Coverage>> = BTreeMap::new();
    for coverage in coverages {
        tools.entry((&coverage.source, &coverage.tool)).or_default().push(coverage);
    }
    let mut text =
        String::from("| source | tool | archives | compressed bytes | expanded | named | encoders | mostly tokens |\n");
    text.push_str("|---|---|--:|--:|--:|--:|---|---|\n");
    for ((source, tool), mut archives) in tools {
        archives.sort_by(|one, two| one.variant.cmp(&two.variant));
        let sum = |field: fn(&Coverage) -> usize| archives.iter().map(|archive| field(archive)).sum::<usize>();
        let (streams, expanded, named) = (sum(|one| one.streams), sum(|one| one.expanded), sum(|one| one.named));
        let encoders: BTreeSet<&str> = archives.iter().flat_map(|one| &one.encoders).map(String::as_str).collect();
        let tokens: Vec<&str> =
            archives.iter().filter(|one| 2 * one.named < one.expanded).map(|one| one.variant.as_str()).collect();
        let tokens = match tokens.len() {
            all if all == archives.len() => "all".to_owned(),
            0..=4 => tokens.join(", "),
            many => format!("{} and {} more", tokens[..3].join(", "), many - 3),
        };
        let encoders = encoders.into_iter().collect::<Vec<_>>().join(", ");
        let _ = writeln!(
            text,
            "| {source} | {tool} | {} | {streams} | {} | {} | {encoders} | {tokens} |",
            archives.len(),
            share(expanded, streams),
            share(named, streams)
        );
    }
    text
}

fn share(part: usize, whole: usize) -> String {
    if whole == 0 { "–".to_owned() } else { format!("{:.3}", part as f64 / whole as f64) }
}

/// Asserts that the encoders that exist so far are still found in what their own tools make.
pub fn assert_known(coverages: &[Coverage]) {
    for (source, tool) in [
        ("Debian", "gzip "),
        ("Debian", "pigz "),
        ("CPython", "gzip "),
        ("crates", "flate2, miniz_oxide "),
        ("crates", "miniz_oxide "),
        ("npm", "node:zlib "),
    ] {
        let of_tool = || coverages.iter().filter(|one| one.source == source && one.tool.starts_with(tool));
        let (streams, named): (usize, usize) =
            of_tool().fold((0, 0), |sum, one| (sum.0 + one.streams, sum.1 + one.named));
        assert!(named * 10 > streams * 8, "{source}'s {tool}: {named} of {streams} bytes by the name of their encoder");
    }
}
