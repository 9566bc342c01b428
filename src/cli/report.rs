//! Tables for the terminal.

use crate::store::{Stats, Totals};

/// A human-readable size: 1024-based, one decimal.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// Saved bytes, which may be negative.
pub fn saved(bytes: i64) -> String {
    let sign = if bytes < 0 { "-" } else { "" };
    format!("{sign}{}", size(bytes.unsigned_abs()))
}

/// Statistics as a table.
pub fn table(stats: &Stats) -> String {
    let mut lines = Vec::new();
    let name = |bucket: &str, space: &str| format!("{bucket}/{space}");
    let width = stats
        .deltaspaces
        .iter()
        .map(|space| name(&space.bucket, &space.deltaspace).chars().count())
        .chain([10])
        .max()
        .unwrap_or(10)
        .min(60);
    lines.push(format!(
        "{:width$} {:>9} {:>11} {:>11} {:>7} {:>11} {:>11} {:>11} {:>11} {:>11}",
        "deltaspace",
        "objects",
        "logical",
        "stored",
        "ratio",
        "of which",
        "saved by",
        "saved by",
        "saved by",
        "saved by"
    ));
    lines.push(format!(
        "{:width$} {:>9} {:>11} {:>11} {:>7} {:>11} {:>11} {:>11} {:>11} {:>11}",
        "", "", "", "", "", "references", "dedup", "expansion", "deltas", "compression"
    ));
    let mut bucket = "";
    for space in &stats.deltaspaces {
        if space.bucket != bucket {
            bucket = &space.bucket;
            if let Some(totals) = stats.buckets.get(bucket) {
                lines.push(row(&format!("bucket {bucket}"), width, totals));
            }
        }
        lines.push(row(&name(&space.bucket, &space.deltaspace), width, &space.totals));
    }
    if stats.uploads.objects > 0 {
        lines.push(row("parts of uploads", width, &stats.uploads));
    }
    lines.push(row("total", width, &stats.total));
    lines.push(format!(
        "{} segments, {} on disk, {} of it garbage. References: stored bytes that no object uses, kept because windows are \
         encoded against them",
        stats.segments,
        size(stats.segment_bytes),
        size(stats.garbage_bytes)
    ));
    if stats.parity > 0 {
        lines.push(format!(
            "{} windows and nodes that many objects depend on have parity ({}), not counted as stored",
            stats.parity,
            size(stats.parity_bytes)
        ));
    }
    if !stats.lost_segments.is_empty() {
        lines.push(format!("LOST segments {}; run fsck", stats.lost_segments.join(", ")));
    }
    let damage = &stats.damage;
    if damage.known_blobs + damage.log_ranges > 0 {
        lines.push(format!(
            "DAMAGED: {} windows and nodes, {} ranges of the log met so far; fsck finds all",
            damage.known_blobs, damage.log_ranges
        ));
    }
    if let Some(commits) = stats.total.commit_bytes.checked_div(stats.total.objects) {
        lines.push(format!(
            "Beside its data the log holds {} an object: {} of commits (keys, metadata, recipes), the rest record headers",
            size(stats.total.log_bytes_an_object()),
            size(commits)
        ));
    }
    lines.join("\n") + "\n"
}

fn row(name: &str, width: usize, totals: &Totals) -> String {
    format!(
        "{name:width$} {:>9} {:>11} {:>11} {:>6.1}% {:>11} {:>11} {:>11} {:>11} {:>11}",
        totals.objects,
        size(totals.logical_bytes),
        size(totals.stored_bytes),
        totals.ratio() * 100.0,
        size(totals.reference_only_bytes),
        saved(totals.dedup_saved_bytes),
        saved(totals.expansion_saved_bytes),
        saved(totals.delta_saved_bytes),
        saved(totals.compression_saved_bytes)
    )
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_read_well() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(3 << 30), "3.0 GiB");
    }
}
