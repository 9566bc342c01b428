//! An estimate as a table.

use super::result::{Estimate, Prefix};
use crate::cli::report::{saved, size};
use crate::store::Totals;

/// Number of prefixes listed by default.
const MAX_LISTED: usize = 40;
/// Maximum width of a prefix, in characters.
const MAX_WIDTH: usize = 60;

/// The table and its notes.
pub fn table(estimate: &Estimate, all: bool) -> String {
    let mut listed: Vec<&Prefix> = estimate.prefixes.iter().collect();
    listed.sort_by(|one, other| {
        (other.totals.logical_bytes, &one.prefix).cmp(&(one.totals.logical_bytes, &other.prefix))
    });
    let rest = if all { Vec::new() } else { listed.split_off(listed.len().min(MAX_LISTED)) };
    let width =
        listed.iter().map(|prefix| prefix.prefix.chars().count()).chain([16]).max().unwrap_or(16).min(MAX_WIDTH);
    let optimized = estimate.policy.is_some();
    let mut lines = vec![head(width, optimized)];
    for prefix in listed {
        let name = if prefix.prefix.is_empty() { "/" } else { &prefix.prefix };
        lines.push(row(name, width, &prefix.totals, prefix.optimized.as_ref()));
    }
    if !rest.is_empty() {
        let (mut totals, mut after) = (Totals::default(), Totals::default());
        rest.iter().for_each(|prefix| totals.add(&prefix.totals));
        rest.iter().filter_map(|prefix| prefix.optimized.as_ref()).for_each(|totals| after.add(totals));
        let name = format!("{} more prefixes", rest.len());
        lines.push(row(&name, width, &totals, Some(&after).filter(|_| optimized)));
    }
    lines.push(row("total", width, &estimate.total, estimate.optimized.as_ref()));
    lines.extend(confidence(estimate));
    if estimate.unreadable > 0 {
        lines.push(format!("{} files or objects could not be read; they are not counted", estimate.unreadable));
    }
    lines.join("\n") + "\n"
}

fn head(width: usize, optimized: bool) -> String {
    let after = |text: &str| if optimized { format!(" {text:>11} {:>7}", "") } else { String::new() };
    let (first, second) = (after("after"), after("optimize"));
    let line = |columns: [&str; 9], after: &str| {
        let [name, objects, logical, stored, ratio, dedup, expansion, deltas, compression] = columns;
        format!(
            "{name:width$} {objects:>9} {logical:>11} {stored:>11} {ratio:>7}{after} {dedup:>11} {expansion:>11} {deltas:>11} \
             {compression:>11}"
        )
    };
    let by = "saved by";
    let lines = [
        line(["prefix", "objects", "logical", "stored", "ratio", by, by, by, by], &first),
        line(["", "", "", "", "", "dedup", "expansion", "deltas", "compression"], &second),
    ];
    lines.join("\n")
}

fn row(name: &str, width: usize, totals: &Totals, optimized: Option<&Totals>) -> String {
    let shown: String = if name.chars().count() > width {
        let cut: Vec<char> = name.chars().collect();
        ['…'].iter().chain(&cut[cut.len() - width + 1..]).collect()
    } else {
        name.to_owned()
    };
    let after = optimized
        .map_or(String::new(), |totals| format!(" {:>11} {:>6.1}%", size(totals.stored_bytes), totals.ratio() * 100.0));
    format!(
        "{shown:width$} {:>9} {:>11} {:>11} {:>6.1}%{after} {:>11} {:>11} {:>11} {:>11}",
        totals.objects,
        size(totals.logical_bytes),
        size(totals.stored_bytes),
        totals.ratio() * 100.0,
        saved(totals.dedup_saved_bytes),
        saved(totals.expansion_saved_bytes),
        saved(totals.delta_saved_bytes),
        saved(totals.compression_saved_bytes)
    )
}

fn confidence(estimate: &Estimate) -> Vec<String> {
    if estimate.exact {
        let objects = estimate.read_objects;
        return vec![format!(
            "exact: all {objects} objects were read and stored in memory, as a server would store them"
        )];
    }
    let share = estimate.read_bytes as f64 / estimate.bytes.max(1) as f64 * 100.0;
    let mut lines = vec![format!(
        "sampled: {} of {} objects, {share:.1}% of the bytes, were read; the rest is extrapolated. --memory reads more",
        estimate.read_objects, estimate.objects
    )];
    lines.push(match estimate.stored_interval {
        Some((low, high)) => {
            format!("stored lies between {} and {} with a confidence of 90%", size(low), size(high))
        }
        None => "the sample is too small for a confidence interval".to_owned(),
    });
    lines
}
