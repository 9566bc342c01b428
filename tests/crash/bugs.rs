//! Plants each bug in turn, and a disk's lies: each must be caught.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use deltastore::store::bugs::{Bug, Bugs};
use deltastore_segment::vfs::Lie;

use crate::power::Losses;
use crate::world::{World, in_parallel, setting};
use crate::{damage, documents, full_disk, model, optimizing, parity, power, recovering, rotating, scenarios, stalled};

/// Lives of each kind that a bug may take to be caught.
const EFFORT: u64 = 150;
/// Lives with power losses: many with a few of them each catch a bug sooner than few with all.
const LOSSES_EFFORT: u64 = 10 * EFFORT;

type Check = fn(Bugs) -> Result<(), String>;

fn lives(bugs: Bugs) -> Result<(), String> {
    (1..=EFFORT).try_for_each(|seed| model::life(seed, bugs, 120))
}

fn power_losses(bugs: Bugs) -> Result<(), String> {
    (setting("DELTASTORE_CRASH_SEED", 1)..=LOSSES_EFFORT).try_for_each(|seed| {
        let world = power::workload(seed, bugs)?;
        power::crash(&world, seed, Losses::Sampled, &AtomicU64::new(0))
    })
}

/// What is expected to catch it.
fn check(bug: Bug) -> Check {
    match bug {
        Bug::CollectPinned | Bug::DeduplicateWithoutPin | Bug::CompactFresh => scenarios::collect_during_upload,
        Bug::FreshWithoutReferences => scenarios::shared_with_a_failed_upload,
        Bug::IgnoreTouches => scenarios::conditional_creations,
        Bug::RebuildKeepsUnlinked => scenarios::rebuild_over_garbage,
        Bug::SkipVerification => scenarios::flipped_bits,
        Bug::CompletedForgetsUpload => scenarios::completion_without_an_answer,
        Bug::CompactionForgetsPrior => scenarios::removal_of_an_older_copy,
        Bug::RebuildTakesOlderRecipe => optimizing::rebuilds,
        Bug::RebuildPrefersLast => optimizing::rebuild_over_replaced,
        Bug::ReplayKeepsReplaced => optimizing::replay_over_replaced,
        Bug::OptimizeCommitsBeforeWindows | Bug::OptimizeWithoutSync => optimizing::crashes,
        Bug::SkipReadPins => optimizing::read_meanwhile,
        Bug::OptimizeDropsPins => optimizing::collect_meanwhile,
        Bug::FreshForgetsCold => optimizing::put_of_an_overtaken_form,
        Bug::SkipMemberDigest => optimizing::wrong_member,
        Bug::RotateWithoutSync => rotating::losses,
        Bug::RecoverySkipsSync => recovering::served_after_a_kill,
        Bug::AppliedBehindFooter => recovering::end_behind_a_footer,
        Bug::RotateIntoCircle => rotating::no_circle,
        Bug::RotateDropsPins => rotating::remove_meanwhile,
        Bug::CollectorGivesUp => full_disk::restarted_at_once,
        Bug::IgnoreReserve => full_disk::held_by_readers,
        Bug::ClockNeverSteps => stalled::clock_set_back,
        Bug::ParityWithoutSync => parity::crashes,
        Bug::ParityInSameSegment | Bug::CompactionDropsParity => parity::compaction_keeps_it,
        Bug::ReplacedWindowKeepsParity => rotating::gives_back,
        Bug::LinkWithoutVerification | Bug::HealForgottenInCommit | Bug::HealForgottenInReplay => {
            damage::same_bytes_again
        }
        Bug::ReferenceWithoutVerification => damage::like_what_is_damaged,
        Bug::PlaceOutdated => damage::form_that_is_gone,
        Bug::SkipFormatRaise => documents::raise_the_format,
        Bug::ForgetReferenceLinks
        | Bug::ForgetNodeLinks
        | Bug::ForgetMemberLinks
        | Bug::ForgetReplacedRecipe
        | Bug::ReplacedWindowKeepsLinks
        | Bug::ColdReferencesHot
        | Bug::OptimizeSwapsEntries
        | Bug::OptimizeWithoutComparison
        | Bug::ForgetVersionLinks
        | Bug::ForgetPartLinks
        | Bug::OverwriteKeepsOldVersion
        | Bug::ReplacedPartStays
        | Bug::RemovedUploadKeepsParts
        | Bug::RangeOffByOne
        | Bug::PartsOutOfOrder
        | Bug::RecoveryReusesSequences
        | Bug::RecoveryReplaysTwice
        | Bug::CompactionForgetsWindows
        | Bug::CompactionForgetsCommits
        | Bug::UpdateCountsTwice
        | Bug::AppendToSealed
        | Bug::RetryAcknowledgesEarly => lives,
        _ => power_losses,
    }
}

/// What says nothing of the bug: the set piece did not come about, or the disk failed as planned.
const NO_SYMPTOM: [&str; 2] = ["the scenario does not work", "os error"];

/// Runs a check; a panic is a catch too.
fn caught(check: impl FnOnce() -> Result<(), String>) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(check)) {
        Ok(Ok(())) => None,
        Ok(Err(error)) => {
            let symptom = error.lines().next().unwrap_or_default();
            (!NO_SYMPTOM.iter().any(|other| symptom.contains(other))).then_some(error)
        }
        Err(_) => Some("it panicked".into()),
    }
}

#[test]
fn every_planted_bug_is_caught() {
    let only = std::env::var("DELTASTORE_BUG").ok();
    let wanted = |bug: &Bug| only.as_ref().is_none_or(|only| format!("{bug:?}") == *only);
    let bugs: Vec<_> = Bug::ALL.into_iter().filter(wanted).collect();
    let missed = parking_lot::Mutex::new(Vec::new());
    let run = |number: u64| {
        let bug = bugs[number as usize];
        let start = Instant::now();
        match caught(|| check(bug)(Bugs(Some(bug)))) {
            Some(error) => {
                let line = error.lines().next().unwrap_or_default();
                println!("{bug:?} caught in {:.1?}: {line}", start.elapsed());
            }
            None => {
                println!("{bug:?} NOT CAUGHT in {:.1?}", start.elapsed());
                missed.lock().push(bug);
            }
        }
        Ok(())
    };
    in_parallel(0..bugs.len() as u64, run).expect("it never fails");
    let missed = missed.into_inner();
    assert!(missed.is_empty(), "not caught: {missed:?}");
    assert!(only.is_some() || bugs.len() >= 30);
}

#[test]
fn a_lying_disk_is_caught() {
    for lie in [Lie::IgnoreSyncData, Lie::IgnoreSyncDir, Lie::IgnoreSetLen] {
        let error = caught(|| {
            (1..=LOSSES_EFFORT).try_for_each(|seed| {
                let machine = crate::disk::Machine::new(Bugs::default());
                machine.vfs.lie(lie);
                let mut world = World::on(machine, seed)?;
                power::life(seed, &mut world)?;
                power::crash(&world, seed, Losses::Sampled, &AtomicU64::new(0))
            })
        });
        println!("{lie:?}: {}", error.as_deref().unwrap_or("NOT CAUGHT").lines().next().unwrap_or_default());
        assert!(error.is_some(), "{lie:?} was not caught");
    }
}
