//! `inspect`: how one object is stored.

use std::path::PathBuf;
use std::process::ExitCode;

use deltastore_format::VersionPut;
use deltastore_format::commit::StorageType;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::open::open_store;
use super::report::size;
use super::target::{S3Target, object};
use super::{EXIT_CODES, output};
use crate::object::VersionId;
use crate::store::{Inspection, Recreation, Store, StoreError, Use, WindowUse};

/// Windows that are listed without `--all`.
const FIRST: usize = 40;
/// Characters of a hash that are shown.
const SHORT: usize = 10;

#[derive(clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct InspectArguments {
    /// The data folder
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    #[arg(value_name = "s3://BUCKET/KEY", value_parser = object)]
    object: S3Target,
    /// This version, not the newest
    #[arg(long, value_name = "ID")]
    version_id: Option<String>,
    /// Print JSON, with all windows
    #[arg(long)]
    json: bool,
    /// List all windows, not the first 40
    #[arg(long)]
    all: bool,
}

/// What is printed.
#[derive(Serialize)]
struct Report {
    bucket: String,
    key: String,
    version_id: String,
    modified: String,
    etag: String,
    storage_type: &'static str,
    optimized: bool,
    parts: usize,
    #[serde(flatten)]
    inspection: Inspection,
}

/// Runs the command.
pub fn inspect(arguments: &InspectArguments) -> Result<ExitCode, StoreError> {
    let store = open_store(&arguments.dir, false)?;
    let put = find(&store, &arguments.object, arguments.version_id.as_deref())?;
    let report = Report {
        version_id: VersionId::of(&put).to_string(),
        modified: date(put.modified_ms),
        storage_type: match put.storage_type {
            StorageType::Reference => "reference",
            StorageType::Delta => "delta",
            StorageType::Passthrough => "passthrough",
        },
        optimized: put.optimized,
        parts: put.parts.len(),
        inspection: store.inspect(&put.recipe)?,
        bucket: arguments.object.bucket.clone(),
        key: put.key,
        etag: put.etag,
    };
    let text = if arguments.json { output::json(&report)? } else { table(&report, arguments.all) };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The version asked for.
fn find(store: &Store, target: &S3Target, version: Option<&str>) -> Result<VersionPut, StoreError> {
    let S3Target { bucket, key } = target;
    let none = |what: String| StoreError::Unusable(what);
    let row = store.index().bucket(bucket)?.ok_or_else(|| none(format!("there is no bucket {bucket:?}")))?;
    let mut versions = store.index().versions(row.put.bucket, key);
    let found = match version {
        None => versions.next().transpose()?,
        Some(id) => {
            let id = VersionId::parse(id).map_err(|error| none(error.to_string()))?;
            versions.find(|row| row.as_ref().map_or(true, |row| VersionId::of(&row.put) == id)).transpose()?
        }
    };
    match (found, version) {
        (Some(row), None) if row.put.delete_marker => {
            Err(none(format!("{key:?} is deleted in bucket {bucket:?}; its older versions have ids of their own")))
        }
        (Some(row), _) if row.put.delete_marker => Err(none(format!("that version of {key:?} is a delete marker"))),
        (Some(row), _) => Ok(row.put),
        (None, None) => Err(none(format!("there is no object {key:?} in bucket {bucket:?}"))),
        (None, Some(id)) => Err(none(format!("there is no version {id} of {key:?} in bucket {bucket:?}"))),
    }
}

fn date(modified_ms: u64) -> String {
    let seconds = i64::try_from(modified_ms / 1000).unwrap_or(0);
    let date = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    date.format(&Rfc3339).unwrap_or_default()
}

fn table(report: &Report, all: bool) -> String {
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
    let head = ["depth", "cold", "windows", "plain", "stored"];
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
        "#", "bytes of the object", "use", "hash", "plain", "stored", "codec", "depth", "cold", "shared", "references"
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
