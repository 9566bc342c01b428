//! Commands on a folder that no server uses.

use std::path::Path;
use std::process::ExitCode;

use super::open::{Opened, open, open_store};
use super::{DAMAGE, progress, report};
use crate::store::{CollectOptions, Damage, Store, StoreError};

/// `rebuild-index`
pub fn rebuild_index(dir: &Path) -> Result<ExitCode, StoreError> {
    let Opened { folder, engine, clock } = open(dir, false)?;
    let bar = progress::bar("reading segments", 1);
    let damage = Store::rebuild_index(&folder, engine, clock, &mut |progress| {
        bar.set_length(progress.segments as u64);
        bar.set_position(progress.segments_done as u64);
    })?;
    bar.finish_and_clear();
    println!("index rebuilt from the segments in {}", dir.display());
    Ok(name_damage(&damage))
}

/// `fsck`
pub fn fsck(dir: &Path) -> Result<ExitCode, StoreError> {
    let store = open_store(dir, false)?;
    let bar = progress::bar("checking", 0);
    let found = store.fsck(&mut |found| {
        bar.set_message(format!("{} segments, {} blobs, {} objects", found.segments, found.blobs, found.versions));
        bar.tick();
    })?;
    bar.finish_and_clear();
    println!(
        "{} segments ({}), {} records, {} windows and nodes, {} objects, {} parts checked",
        found.segments,
        report::size(found.segment_bytes),
        found.records,
        found.blobs,
        found.versions,
        found.parts
    );
    for problem in &found.problems {
        println!("DAMAGED {problem}");
    }
    if found.problems.is_empty() {
        println!("no problems found");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{} problems found", found.problems.len());
    Ok(ExitCode::from(DAMAGE))
}

/// `gc`
pub fn gc(dir: &Path) -> Result<ExitCode, StoreError> {
    let store = open_store(dir, false)?;
    let bar = progress::bar("collecting", 0);
    let done = store.collect(CollectOptions::THOROUGH, &mut |done| {
        bar.set_message(format!("{} segments removed, {} freed", done.segments, report::size(done.freed_bytes)));
        bar.tick();
    })?;
    bar.finish_and_clear();
    println!(
        "{} windows and nodes dropped, {} segments removed, {} moved, {} freed",
        done.blobs,
        done.segments,
        report::size(done.moved_bytes),
        report::size(done.freed_bytes)
    );
    if done.damaged_segments > 0 {
        println!("{} damaged segments left as they are; run fsck", done.damaged_segments);
        return Ok(ExitCode::from(DAMAGE));
    }
    Ok(ExitCode::SUCCESS)
}

/// `stats`
pub fn stats(dir: &Path, json: bool) -> Result<ExitCode, StoreError> {
    let stats = open_store(dir, false)?.stats()?;
    if json {
        let text = serde_json::to_string_pretty(&stats).map_err(|error| StoreError::Unusable(error.to_string()))?;
        println!("{text}");
    } else {
        report::print(&stats);
    }
    Ok(ExitCode::SUCCESS)
}

fn name_damage(damage: &[Damage]) -> ExitCode {
    for damage in damage {
        println!("DAMAGED {damage}");
    }
    if damage.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DAMAGE) }
}
