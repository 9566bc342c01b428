//! Commands on the folder of a stopped server.

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use super::descriptors::Descriptors;
use super::exit::DAMAGE;
use super::look::look;
use super::open::{Opened, open, open_store};
use super::{output, progress, report};
use crate::store::{CollectOptions, FsckReport, OptimizeOptions, OptimizeReport, Problem, Store, StoreError};
use serde_json::json;

/// `rebuild-index`
pub fn rebuild_index(dir: &Path) -> Result<ExitCode, StoreError> {
    let Opened { folder, engine, clock } = open(dir, false, Descriptors::raise().index)?;
    let bar = progress::bar("reading segments", 1);
    let rebuilt = Store::rebuild_index(&folder, engine, clock, &mut |progress| {
        bar.set_length(progress.segments as u64);
        bar.set_position(progress.segments_done as u64);
    })?;
    bar.finish_and_clear();
    let mut lines = vec![match rebuilt.done {
        true => format!("index rebuilt from the segments in {}", dir.display()),
        false => {
            "index kept: segments that it covers are lost, and a rebuilt index would be incomplete; restore their files, \
                  or give them up with repair --forget-missing-segments"
                .into()
        }
    }];
    lines.extend(rebuilt.damage.iter().map(|damage| format!("DAMAGED {damage}")));
    finish(&lines, rebuilt.damage.is_empty())
}

/// `fsck`
pub fn fsck(dir: &Path, json: bool) -> Result<ExitCode, StoreError> {
    let looked = look(dir)?;
    let bar = progress::bar("checking", 0);
    let mut unprinted = Ok(());
    let mut found = looked.store.fsck_objects(
        &mut |unreadable| {
            let line = if json { output::json_line(unreadable) } else { Ok(format!("UNREADABLE {unreadable}\n")) };
            if let Err(error) = line.and_then(|line| bar.suspend(|| output::print(&line))) {
                unprinted = Err(error);
            }
        },
        &mut |found| {
            bar.set_message(format!("{} segments, {} blobs, {} objects", found.segments, found.blobs, found.versions));
        },
    )?;
    bar.finish_and_clear();
    unprinted?;
    found.problems.extend(looked.problems);
    if json {
        return fsck_json(&found);
    }
    let mut lines = vec![format!(
        "{} segments ({}), {} records, {} windows and nodes, {} objects, {} parts checked",
        found.segments,
        report::size(found.segment_bytes),
        found.records,
        found.blobs,
        found.versions,
        found.parts
    )];
    lines.extend(found.problems.iter().map(|problem| format!("DAMAGED {problem}")));
    if found.unreadable > 0 {
        lines.push(format!(
            "{} objects and parts cannot be read completely; uploading the same bytes again repairs them, see repair",
            found.unreadable
        ));
    }
    lines.push(match found.problems.len() {
        0 => "no problems found".to_owned(),
        1 => "1 problem found".to_owned(),
        many => format!("{many} problems found"),
    });
    finish(&lines, found.problems.is_empty())
}

/// One document per line, so that the list may have any length.
fn fsck_json(found: &FsckReport) -> Result<ExitCode, StoreError> {
    for Problem { subject, reason } in &found.problems {
        output::print(&output::json_line(&json!({ "kind": "problem", "subject": subject, "reason": reason }))?)?;
    }
    let summary = json!({
        "kind": "summary",
        "segments": found.segments,
        "segment_bytes": found.segment_bytes,
        "records": found.records,
        "blobs": found.blobs,
        "objects": found.versions,
        "parts": found.parts,
        "documents": found.documents,
        "problems": found.problems.len(),
        "unreadable": found.unreadable,
    });
    finish(&[output::json_line(&summary)?.trim_end().to_owned()], found.problems.is_empty())
}

/// `gc`
pub fn gc(dir: &Path) -> Result<ExitCode, StoreError> {
    let store = open_store(dir, false)?;
    let bar = progress::bar("collecting", 0);
    let done = store.collect(CollectOptions::THOROUGH, &mut |done| {
        bar.set_message(format!("{} segments removed, {} freed", done.segments, report::size(done.freed_bytes)));
    })?;
    bar.finish_and_clear();
    let mut lines = vec![format!(
        "{} windows and nodes deleted, {} segments removed, {} moved, {} freed",
        done.blobs,
        done.segments,
        report::size(done.moved_bytes),
        report::size(done.freed_bytes)
    )];
    if done.segments_without_room > 0 {
        lines.push(format!("{} segments need more free space to be compacted", done.segments_without_room));
    }
    if done.damaged_segments > 0 {
        lines.push(format!("{} damaged segments skipped; run fsck", done.damaged_segments));
    }
    finish(&lines, done.damaged_segments == 0)
}

/// `optimize`
pub fn optimize(dir: &Path, mut options: OptimizeOptions) -> Result<ExitCode, StoreError> {
    let store = open_store(dir, true)?;
    options.threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let bar = progress::bar("optimizing", 1);
    let never = AtomicBool::new(false);
    let done = store.optimize(&options, &never, &mut |done| progress::optimized(&bar, done))?;
    bar.finish_and_clear();
    let mut lines = if options.dry_run { would(&done) } else { did(&done) };
    if done.changed > 0 {
        lines.push(format!("{} objects were changed or deleted meanwhile", done.changed));
    }
    if done.damaged > 0 {
        lines.push(format!("{} objects cannot be read and were skipped; run fsck", done.damaged));
    }
    if done.held_back {
        lines.push("nothing is rewritten while part of the log is damaged or lost; run fsck".into());
    }
    let sound = store.damage().is_empty();
    if !sound && !done.held_back {
        lines.push("the log is damaged; run fsck".into());
    }
    finish(&lines, done.damaged == 0 && !done.held_back && sound)
}

fn would(done: &OptimizeReport) -> Vec<String> {
    let mut lines = vec![format!("{} objects ({}) would be rewritten", done.found, report::size(done.found_bytes))];
    if done.dependents > 0 {
        let retired = report::size(done.orphaned_bytes);
        lines.push(format!(
            "{} windows would be rebased, off {retired} of references that only deleted objects use",
            done.dependents
        ));
    }
    if done.parity > 0 {
        let (parity, shared) = (report::size(done.parity_bytes), report::size(done.shared_bytes));
        lines.push(format!(
            "{parity} of parity would be written for {} windows and nodes ({shared}) that many objects depend on",
            done.shared
        ));
    }
    lines
}

fn did(done: &OptimizeReport) -> Vec<String> {
    let (bytes, written) = (report::size(done.bytes), report::size(done.written_bytes));
    let mut lines = vec![format!("{} objects ({bytes}) rewritten in {written}", done.objects)];
    if done.rebased > 0 {
        let (retired, written) = (report::size(done.orphaned_bytes), report::size(done.rebased_bytes));
        lines.push(format!(
            "{} windows rebased in {written}, off {retired} of references that only deleted objects use",
            done.rebased
        ));
    }
    if done.mended > 0 {
        lines.push(format!("{} damaged records repaired from their parity", done.mended));
    }
    if done.parity > 0 {
        let (parity, shared) = (report::size(done.parity_bytes), report::size(done.shared_bytes));
        lines.push(format!(
            "{parity} of parity written for {} windows and nodes ({shared}) that many objects depend on",
            done.shared
        ));
    }
    if done.objects + done.rebased > 0 {
        lines.push("run gc to reclaim the space of their old form".into());
    }
    lines
}

/// `stats`
pub fn stats(dir: &Path, json: bool) -> Result<ExitCode, StoreError> {
    let stats = open_store(dir, false)?.stats()?;
    let text = if json { output::json(&stats)? } else { report::table(&stats) };
    output::print(&text)?;
    Ok(if stats.lost_segments.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DAMAGE) })
}

pub(super) fn finish(lines: &[String], sound: bool) -> Result<ExitCode, StoreError> {
    output::print(&(lines.join("\n") + "\n"))?;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::from(DAMAGE) })
}
