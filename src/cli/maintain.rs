//! Commands on a folder that no server uses.

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use super::descriptors::Descriptors;
use super::open::{Opened, open, open_store};
use super::{DAMAGE, output, progress, report};
use crate::store::{CollectOptions, OptimizeOptions, OptimizeReport, Store, StoreError};

/// `rebuild-index`
pub fn rebuild_index(dir: &Path) -> Result<ExitCode, StoreError> {
    let Opened { folder, engine, clock } = open(dir, false, Descriptors::raise().index)?;
    let bar = progress::bar("reading segments", 1);
    let damage = Store::rebuild_index(&folder, engine, clock, &mut |progress| {
        bar.set_length(progress.segments as u64);
        bar.set_position(progress.segments_done as u64);
    })?;
    bar.finish_and_clear();
    let mut lines = vec![format!("index rebuilt from the segments in {}", dir.display())];
    lines.extend(damage.iter().map(|damage| format!("DAMAGED {damage}")));
    finish(&lines, damage.is_empty())
}

/// `fsck`
pub fn fsck(dir: &Path) -> Result<ExitCode, StoreError> {
    let store = open_store(dir, false)?;
    let bar = progress::bar("checking", 0);
    let found = store.fsck(&mut |found| {
        bar.set_message(format!("{} segments, {} blobs, {} objects", found.segments, found.blobs, found.versions));
    })?;
    bar.finish_and_clear();
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
    lines.push(match found.problems.len() {
        0 => "no problems found".to_owned(),
        1 => "1 problem found".to_owned(),
        many => format!("{many} problems found"),
    });
    finish(&lines, found.problems.is_empty())
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
        "{} windows and nodes dropped, {} segments removed, {} moved, {} freed",
        done.blobs,
        done.segments,
        report::size(done.moved_bytes),
        report::size(done.freed_bytes)
    )];
    if done.segments_without_room > 0 {
        lines.push(format!("{} segments need more free space to be compacted", done.segments_without_room));
    }
    if done.damaged_segments > 0 {
        lines.push(format!("{} damaged segments left as they are; run fsck", done.damaged_segments));
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
        lines.push(format!("{} objects were changed or removed meanwhile", done.changed));
    }
    if done.damaged > 0 {
        lines.push(format!("{} objects cannot be read and were left as they are; run fsck", done.damaged));
    }
    finish(&lines, done.damaged == 0)
}

fn would(done: &OptimizeReport) -> Vec<String> {
    let mut lines = vec![format!("{} objects ({}) would be stored anew", done.found, report::size(done.found_bytes))];
    if done.holders > 0 {
        let retired = report::size(done.retired_bytes);
        lines.push(format!(
            "{} windows would be encoded anew, without references of {retired} that only removed objects used",
            done.holders
        ));
    }
    lines
}

fn did(done: &OptimizeReport) -> Vec<String> {
    let (bytes, written) = (report::size(done.bytes), report::size(done.written_bytes));
    let mut lines = vec![format!("{} objects ({bytes}) stored anew in {written}", done.objects)];
    if done.rotated > 0 {
        let (retired, written) = (report::size(done.retired_bytes), report::size(done.rotated_bytes));
        lines.push(format!(
            "{} windows encoded anew in {written}, without references of {retired} that only removed objects used",
            done.rotated
        ));
    }
    if done.objects + done.rotated > 0 {
        lines.push("run gc to free the space of their old form".into());
    }
    lines
}

/// `stats`
pub fn stats(dir: &Path, json: bool) -> Result<ExitCode, StoreError> {
    let stats = open_store(dir, false)?.stats()?;
    let text = if json { output::json(&stats)? } else { report::table(&stats) };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn finish(lines: &[String], sound: bool) -> Result<ExitCode, StoreError> {
    output::print(&(lines.join("\n") + "\n"))?;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::from(DAMAGE) })
}
