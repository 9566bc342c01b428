//! `repair`: repairs damage from the folder's own redundancy and names the uploads that would repair the rest.
//!
//! It is a list of steps that run one after another. Each step reports in lines its actions, or in a dry run its
//! planned actions, and whether damage remains. No step removes data that a later step could need.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use super::descriptors::Descriptors;
use super::look::look;
use super::maintain::finish;
use super::open::{Opened, open, open_store};
use super::progress;
use crate::store::{Owner, Store, StoreError, Unreadable};

/// The report of a step.
#[derive(Default)]
struct Outcome {
    lines: Vec<String>,
    /// Damage remains that this step does not repair.
    left: bool,
}

/// A step on the open store.
type StoreStep = fn(&Store, dry_run: bool) -> Result<Outcome, StoreError>;

const STORE_STEPS: [StoreStep; 2] = [mend_from_parity, name_uploads];

/// `repair`
pub fn repair(dir: &Path, dry_run: bool, forget: bool) -> Result<ExitCode, StoreError> {
    let mut all = Outcome::default();
    if forget {
        all.add(forget_lost(dir, dry_run)?);
    }
    let store = open_store(dir, false)?;
    for step in STORE_STEPS {
        all.add(step(&store, dry_run)?);
    }
    if all.lines.is_empty() {
        all.lines.push("nothing to repair".into());
    }
    finish(&all.lines, !all.left)
}

impl Outcome {
    fn add(&mut self, step: Self) {
        self.lines.extend(step.lines);
        self.left |= step.left;
    }
}

/// Gives up lost segments, so that collections need not wait for them.
fn forget_lost(dir: &Path, dry_run: bool) -> Result<Outcome, StoreError> {
    let lost = if dry_run {
        let looked = look(dir)?;
        let lost = looked.store.lost_segments();
        looked.store.damage().iter().filter(|damage| lost.contains(&damage.from.segment)).cloned().collect()
    } else {
        let Opened { folder, engine, clock } = open(dir, false, Descriptors::raise().index)?;
        Store::forget_lost(&folder, engine, clock)?
    };
    let lines = lost.iter().map(|damage| format!("GIVEN UP {damage}")).collect();
    Ok(Outcome { lines, left: false })
}

/// Rewrites damaged records that have parity, and damaged or missing parity.
fn mend_from_parity(store: &Store, dry_run: bool) -> Result<Outcome, StoreError> {
    let bar = progress::bar("repairing from parity", 0);
    let never = AtomicBool::new(false);
    let done = store.mend_all(dry_run, &never, &mut |done| bar.set_message(format!("{} records", done.checked)))?;
    let would = if dry_run { "can be" } else { "were" };
    let mut lines = Vec::new();
    if done.mended > 0 {
        lines.push(format!("{} damaged windows and nodes {would} repaired from their parity", done.mended));
    }
    if done.dropped > 0 {
        lines.push(format!("{} damaged parity records {would} replaced", done.dropped));
    }
    if done.mended + done.dropped > 0 && !dry_run {
        store.protect(&never)?;
    }
    bar.finish_and_clear();
    Ok(Outcome { lines, left: done.lost > 0 })
}

/// The objects and parts that one damaged window, member or node makes unreadable.
#[derive(Default)]
struct Users {
    count: u64,
    first: String,
}

/// Names the uploads that would repair damage. Changes nothing: the store replaces damaged windows when their bytes are
/// uploaded again.
fn name_uploads(store: &Store, _dry_run: bool) -> Result<Outcome, StoreError> {
    let bar = progress::bar("searching for damage", 0);
    let mut blobs: BTreeMap<String, Users> = BTreeMap::new();
    let found = store.fsck_objects(&mut |unreadable| note(&mut blobs, unreadable), &mut |found| {
        bar.set_message(format!("{} segments, {} blobs, {} objects", found.segments, found.blobs, found.versions));
    })?;
    bar.finish_and_clear();
    let mut lines: Vec<String> = blobs
        .iter()
        .map(|(blob, users)| format!("UPLOAD {}: repairs {blob} for {} objects and parts", users.first, users.count))
        .collect();
    if found.unreadable > 0 {
        lines.push(format!("{} objects and parts cannot be read until then", found.unreadable));
    }
    if !found.problems.is_empty() {
        lines.push(format!("{} problems remain; fsck names them", found.problems.len()));
    }
    Ok(Outcome { lines, left: !found.problems.is_empty() })
}

fn note(blobs: &mut BTreeMap<String, Users>, unreadable: &Unreadable) {
    for stretch in &unreadable.stretches {
        let users = blobs.entry(stretch.blob.clone()).or_default();
        users.count += 1;
        if users.first.is_empty() {
            let (from, to) = (stretch.offset, stretch.offset + stretch.length);
            users.first = match &unreadable.owner {
                Owner::Object { bucket, key, .. } => format!("{bucket}/{key} (its bytes {from} to {to})"),
                Owner::Part { bucket, key, part, .. } => {
                    format!("part {part} of {bucket}/{key} (its bytes {from} to {to})")
                }
            };
        }
    }
}
