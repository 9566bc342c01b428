//! Linearizability per key: 32 clients write, overwrite, compare-and-swap, copy, complete uploads, read, list and
//! delete a few keys while objects are stored anew and garbage is collected all the time; a checker searches an order
//! that explains all they saw.

mod clients;
#[path = "../support/compressed.rs"]
mod compressed;
mod flips;
mod long_reads;
mod model;
mod world;

use std::time::Duration;

use clients::{Faults, Outcome, run, run_over};
use deltastore::store::bugs::Bugs;
use flips::Flips;
use porcupine_rs::CheckResult;
use world::{distrusting, on_disk, simulated};

const CLIENTS: u32 = 32;

#[test]
fn linearizable_per_key_under_32_clients() {
    let seed = rand::random();
    println!("seed {seed:#x}");
    let dir = tempfile::tempdir().unwrap();
    let objects = on_disk(dir.path(), Bugs::default());
    let outcome = run(&objects, seed, CLIENTS, Duration::from_secs(12), 900, Faults::default());
    accept(&outcome, 2_000);
    let found = objects.store().fsck(&mut |_| ()).unwrap();
    assert!(found.problems.is_empty(), "{:?}", found.problems);
}

#[test]
fn linearizable_per_key_on_a_fast_disk() {
    let seed = rand::random();
    println!("seed {seed:#x}");
    let objects = simulated(Bugs::default());
    let outcome = run(&objects, seed, CLIENTS, Duration::from_secs(12), 900, Faults::default());
    accept(&outcome, 5_000);
    let found = objects.store().fsck(&mut |_| ()).unwrap();
    assert!(found.problems.is_empty(), "{:?}", found.problems);
}

#[test]
fn linearizable_per_key_while_bits_flip() {
    let seed = rand::random();
    println!("seed {seed:#x}");
    let outcome = run_flipping(seed, Bugs::default());
    accept(&outcome, 2_000);
    assert!(outcome.refused > 0 && outcome.healed > 0 && outcome.confirmed > 200, "{}", outcome.summary());
}

fn run_flipping(seed: u64, bugs: Bugs) -> Outcome {
    let (objects, vfs) = distrusting(bugs);
    let flips = Flips::on(vfs);
    run_over(&objects, seed, CLIENTS, (Duration::from_secs(12), 400), Faults::default(), Some(&flips))
}

#[test]
fn the_checker_rejects_a_stale_read() {
    let outcome = run(
        &simulated(Bugs::default()),
        7,
        8,
        Duration::from_secs(5),
        150,
        Faults { stale_reads: true, ..Faults::default() },
    );
    assert!(outcome.broken.is_empty(), "{:?}", outcome.broken);
    assert_eq!(outcome.check(), CheckResult::Illegal);
}

#[test]
fn the_checker_rejects_a_lost_write() {
    let outcome = run(
        &simulated(Bugs::default()),
        8,
        8,
        Duration::from_secs(5),
        150,
        Faults { lost_writes: true, ..Faults::default() },
    );
    assert_eq!(outcome.check(), CheckResult::Illegal);
}

#[cfg(feature = "planted-bugs")]
mod planted {
    use super::{CLIENTS, CheckResult, Duration, Faults, run, run_flipping, simulated};
    use deltastore::store::bugs::{Bug, Bugs};

    /// True if some run shows the bug: a history without an order, or an answer that no store may give.
    fn caught(bug: Bug) -> bool {
        (0..5).any(|seed| {
            let objects = simulated(Bugs(Some(bug)));
            let outcome = run(&objects, seed, CLIENTS, Duration::from_secs(4), 400, Faults::default());
            !outcome.broken.is_empty() || outcome.check() == CheckResult::Illegal
        })
    }

    #[test]
    fn linking_to_what_was_not_verified_is_caught() {
        assert!((0..5).any(|seed| !run_flipping(seed, Bugs(Some(Bug::LinkWithoutVerification))).broken.is_empty()));
    }

    #[test]
    fn writers_of_one_key_in_one_batch_are_caught() {
        assert!(caught(Bug::IgnoreTouches));
    }

    #[test]
    fn collecting_what_a_write_counts_on_is_caught() {
        assert!(caught(Bug::CollectPinned));
    }
}

fn accept(outcome: &Outcome, least: usize) {
    println!("{}", outcome.summary());
    assert!(outcome.broken.is_empty(), "{:?}", outcome.broken);
    assert_eq!(outcome.check(), CheckResult::Ok, "{}", outcome.first_contradiction());
    assert!(outcome.len() >= least, "{}", outcome.summary());
}
