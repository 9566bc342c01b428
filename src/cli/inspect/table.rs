//! The report for people.

use crate::cli::report::size;
use crate::object::Inspected;
use crate::store::{Inspection, Recreation, Use, WindowUse};

/// Windows that are listed without `--all`.
const FIRST: usize = 40;
/// Characters of a hash that are shown.
const SHORT: usize = 10;

/// The report for a terminal; `all`: with all windows.
pub fn table(report: &Inspected, all: bool) -> String {
    let found = &report.inspection;
    let ratio = if found.size == 0 { 100.0 } else { found.stored_bytes as f64 / found.size as f64 * 100.0 };
    let mut lines = vec![
        format!("s3://{}/{}", report.bucket, report.key),
        format!("version    {}, {}, ETag \"{}\"", report.version_id, report.modified, report.etag),
        format!(
            "stored as  {}, {}",
            report.storage_type,
            if report.optimized { "optimized" } else { "as it was put, not optimized" }
        ),
        format!("size       {} ({} bytes)", size(found.size), found.size),
        format!("view       {}, programs {}", size(found.view_bytes), size(found.program_bytes)),
        format!(
            "stored     {} ({ratio:.1}%), of it {} used by others too; {} of it in {} recipe nodes and members",
            size(found.stored_bytes),
            size(found.shared_bytes),
            size(found.node_bytes),
            found.nodes
        ),
        format!(
            "references {} windows of other objects, {}, are needed to decode it",
            found.references,
            size(found.reference_bytes)
        ),
    ];
    if report.parts > 0 {
        lines.insert(3, format!("parts      {}", report.parts));
    }
    recreations("re-created by", &found.recreations, &mut lines);
    if !found.nested.is_empty() {
        recreations("within members by", &found.nested, &mut lines);
    }
    codecs(found, &mut lines);
    windows(&found.windows, if all { usize::MAX } else { FIRST }, &mut lines);
    lines.join("\n") + "\n"
}

fn recreations(title: &str, sums: &[Recreation], lines: &mut Vec<String>) {
    let width = sums.iter().map(|made| made.by.chars().count()).chain([20]).max().unwrap_or(20);
    let head = ["units", "bytes", "of it copied", "from view"];
    lines.push(format!("\n{:width$} {:>8} {:>12} {:>12} {:>12}", title, head[0], head[1], head[2], head[3]));
    for made in sums {
        let sizes = [made.bytes, made.copied_bytes, made.view_bytes].map(size);
        lines.push(format!("{:width$} {:>8} {:>12} {:>12} {:>12}", made.by, made.units, sizes[0], sizes[1], sizes[2]));
    }
}

fn codecs(found: &Inspection, lines: &mut Vec<String>) {
    let head = ["depth", "opt", "windows", "plain", "stored"];
    lines
        .push(format!("\n{:15} {:>5} {:>4} {:>8} {:>12} {:>12}", "codec", head[0], head[1], head[2], head[3], head[4]));
    for sum in &found.codecs {
        lines.push(format!(
            "{:15} {:>5} {:>4} {:>8} {:>12} {:>12}",
            sum.codec,
            sum.depth,
            yes(sum.cold),
            sum.windows,
            size(sum.plain_bytes),
            size(sum.stored_bytes)
        ));
    }
}

fn windows(windows: &[WindowUse], most: usize, lines: &mut Vec<String>) {
    lines.push(format!(
        "\n{:>5} {:>25} {:8} {:10} {:>10} {:>10} {:15} {:>5} {:>4} {:>6} {}",
        "#", "bytes of the object", "use", "hash", "plain", "stored", "codec", "depth", "opt", "shared", "references"
    ));
    for (number, window) in windows.iter().take(most).enumerate() {
        let used = match window.used {
            Use::Bytes => "bytes",
            Use::View => "view",
            Use::Mixed => "mixed",
            Use::Programs => "programs",
        };
        let references: Vec<&str> = window.references.iter().map(|hash| short(hash)).collect();
        let line = format!(
            "{:>5} {:>25} {used:8} {:10} {:>10} {:>10} {:15} {:>5} {:>4} {:>6} {}",
            number + 1,
            format!("{}..{}", window.start, window.end),
            short(&window.hash),
            size(window.plain_bytes),
            size(window.stored_bytes),
            window.codec,
            window.depth,
            yes(window.cold),
            yes(window.shared),
            references.join(" ")
        );
        let again = if window.repeats > 0 { format!(" (used again {} times)", window.repeats) } else { String::new() };
        lines.push((line + &again).trim_end().to_owned());
    }
    if windows.len() > most {
        lines.push(format!("{} more windows; --all lists them", windows.len() - most));
    }
}

fn short(hash: &str) -> &str {
    hash.get(..SHORT).unwrap_or(hash)
}

fn yes(set: bool) -> &'static str {
    if set { "yes" } else { "" }
}
