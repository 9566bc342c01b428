//! Archives that real tools make, at every level each of them has, sound and damaged, through expanding and
//! re-creating.
//!
//! `members/tests/archivers/install` puts the tools outside the checkout (`make test` does it first). A tool that is
//! missing fails the test. `DELTASTORE_ARCHIVERS_SEED` and `DELTASTORE_ARCHIVERS_ROUNDS` (damaged copies of each
//! archive) choose other damage and more of it. With `--nocapture` the test prints the table of `docs/archivers.md`.

mod coverage;
mod damage;
mod makers;
#[expect(dead_code, reason = "the encoders in it are for the tests beside this one")]
#[path = "../round_trips/support.rs"]
mod support;

use std::panic::catch_unwind;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use coverage::{Coverage, measure, table};
use deltastore_members::Settings;
use makers::Archive;
use support::{Dice, checked, tight};

#[test]
fn archives_of_every_tool_come_back_byte_for_byte() {
    let seed = from_environment("DELTASTORE_ARCHIVERS_SEED", 1);
    let rounds = from_environment("DELTASTORE_ARCHIVERS_ROUNDS", 4);
    println!("seed {seed}, {rounds} damaged copies of each archive");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("archivers");
    let archives = makers::make_all(&folder, seed as u64);
    assert!(archives.len() > 800, "only {} archives were made", archives.len());

    let next = AtomicUsize::new(0);
    let coverages = Mutex::new(Vec::new());
    let failures = Mutex::new(Vec::new());
    let work = || {
        while let Some(archive) = archives.get(next.fetch_add(1, Ordering::Relaxed)) {
            match examine(archive, &archives, seed as u64, rounds, &folder) {
                Ok(coverage) => coverages.lock().expect("no panic").push(coverage),
                Err(failure) => failures.lock().expect("no panic").push(failure),
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
    let failures = failures.into_inner().expect("no panic");
    assert!(failures.is_empty(), "{} archives did not come back:\n{}", failures.len(), failures.join("\n"));
    let coverages = coverages.into_inner().expect("no panic");
    println!("{}", table(&coverages));
    coverage::assert_known(&coverages);
}

fn from_environment(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

/// Checks an archive in both modes, then damaged copies of it. What fails is kept in the folder.
fn examine(archive: &Archive, others: &[Archive], seed: u64, rounds: usize, folder: &Path) -> Result<Coverage, String> {
    let proven = |object: &[u8], settings: &Settings, what: &str| {
        catch_unwind(|| checked(object, settings)).map_err(|_| {
            let kept = folder.join("failed").join(format!("{what} of {}", archive.name().replace('/', ", ")));
            let written = std::fs::create_dir_all(folder.join("failed")).and_then(|()| std::fs::write(&kept, object));
            format!("{} ({written:?}) with {settings:?}", kept.display())
        })
    };
    proven(&archive.bytes, &Settings::default(), "all")?;
    let expansion = proven(&archive.bytes, &coverage::settings(), "all")?;

    let mut dice = Dice::new(seed ^ archive.number << 20);
    for round in 0..rounds {
        let other = &others[dice.below(others.len())].bytes;
        let object = damage::damaged(&archive.bytes, other, &mut dice);
        // Re-encode mode takes a hundred times as long.
        let (settings, reencode) = match (archive.number as usize + round) % 48 {
            0 => (Settings::default(), true),
            24 => (tight(), true),
            even if even % 2 == 0 => (Settings::default(), false),
            _ => (tight(), false),
        };
        proven(&object, &Settings { reencode, ..settings }, &format!("copy {round}"))?;
    }
    Ok(measure(archive, &expansion))
}
