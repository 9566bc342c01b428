//! Planted bugs: mistakes that the crash, model and corruption tests must be able to catch.
//!
//! Without the feature `planted-bugs`, [`Bugs`] is empty, [`Bugs::has`] is always false and the compiler
//! removes every branch on it. With the feature, a test names one bug in the store's settings.

/// A mistake that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bug {
    SkipSync,
    AcknowledgeBeforeSync,
    SkipDirectorySync,
    SkipSealedSync,
    ApplyBeforeSync,
    SkipFlushBeforeUnlink,
    RelocateWithoutSync,
    CollectPinned,
    CompactFresh,
    ForgetReferenceLinks,
    ForgetNodeLinks,
    ForgetVersionLinks,
    ForgetReplacedRecipe,
    OptimizeWithoutComparison,
    ForgetPartLinks,
    CompactionForgetsCommits,
    CompactionForgetsRemovals,
    CompactionForgetsWindows,
    CompactionForgetsPrior,
    RecoveryKeepsTornTail,
    RecoverySkipsLastCommit,
    RecoveryReplaysTwice,
    RecoverySkipsSync,
    RecoveryKeepsLaterSegments,
    RecoveryReusesSequences,
    AppliedTooFar,
    AppliedTooShort,
    OverwriteKeepsOldVersion,
    ReplacedPartStays,
    RemovedUploadKeepsParts,
    IgnoreTouches,
    SkipVerification,
    DeduplicateWithoutPin,
    CommitBeforeWindows,
    IgnoreFailedSync,
    KeepFailedAppend,
    RangeOffByOne,
    RebuildForgetsRemovals,
    RebuildForgetsParts,
    PartsOutOfOrder,
    FreshWithoutReferences,
    FreshForgetsCold,
    RebuildKeepsUnlinked,
    AppliedBehindFooter,
    NewSegmentBeforeManifest,
    ManifestWithoutSync,
    ManifestAfterUnlink,
    OptimizeSwapsEntries,
    OptimizeCommitsBeforeWindows,
    OptimizeWithoutSync,
    OptimizeDropsPins,
    ColdReferencesHot,
    ReplacedWindowKeepsLinks,
    ReplayKeepsReplaced,
    RebuildTakesOlderRecipe,
    RebuildPrefersLast,
    ForgetMemberLinks,
    SkipMemberDigest,
    SkipReadPins,
    RotateWithoutSync,
    RotateDropsPins,
    RotateIntoCircle,
    CollectorGivesUp,
    IgnoreReserve,
    RetryAcknowledgesEarly,
    ClockNeverSteps,
    LinkWithoutVerification,
    ReferenceWithoutVerification,
    HealForgottenInReplay,
    HealForgottenInCommit,
    ParityWithoutSync,
    ParityInSameSegment,
    CompactionDropsParity,
    ReplacedWindowKeepsParity,
    CompletedForgetsUpload,
    PlaceOutdated,
    UpdateCountsTwice,
    AppendToSealed,
    SkipFormatRaise,
}

impl Bug {
    /// Every bug, for the test that plants each.
    pub const ALL: [Self; 79] = [
        Self::SkipSync,
        Self::AcknowledgeBeforeSync,
        Self::SkipDirectorySync,
        Self::SkipSealedSync,
        Self::ApplyBeforeSync,
        Self::SkipFlushBeforeUnlink,
        Self::RelocateWithoutSync,
        Self::CollectPinned,
        Self::CompactFresh,
        Self::ForgetReferenceLinks,
        Self::ForgetNodeLinks,
        Self::ForgetVersionLinks,
        Self::ForgetReplacedRecipe,
        Self::OptimizeWithoutComparison,
        Self::ForgetPartLinks,
        Self::CompactionForgetsCommits,
        Self::CompactionForgetsRemovals,
        Self::CompactionForgetsWindows,
        Self::CompactionForgetsPrior,
        Self::RecoveryKeepsTornTail,
        Self::RecoverySkipsLastCommit,
        Self::RecoveryReplaysTwice,
        Self::RecoverySkipsSync,
        Self::RecoveryKeepsLaterSegments,
        Self::RecoveryReusesSequences,
        Self::AppliedTooFar,
        Self::AppliedTooShort,
        Self::OverwriteKeepsOldVersion,
        Self::ReplacedPartStays,
        Self::RemovedUploadKeepsParts,
        Self::IgnoreTouches,
        Self::SkipVerification,
        Self::DeduplicateWithoutPin,
        Self::CommitBeforeWindows,
        Self::IgnoreFailedSync,
        Self::KeepFailedAppend,
        Self::RangeOffByOne,
        Self::RebuildForgetsRemovals,
        Self::RebuildForgetsParts,
        Self::PartsOutOfOrder,
        Self::FreshWithoutReferences,
        Self::FreshForgetsCold,
        Self::RebuildKeepsUnlinked,
        Self::AppliedBehindFooter,
        Self::NewSegmentBeforeManifest,
        Self::ManifestWithoutSync,
        Self::ManifestAfterUnlink,
        Self::OptimizeSwapsEntries,
        Self::OptimizeCommitsBeforeWindows,
        Self::OptimizeWithoutSync,
        Self::OptimizeDropsPins,
        Self::ColdReferencesHot,
        Self::ReplacedWindowKeepsLinks,
        Self::ReplayKeepsReplaced,
        Self::RebuildTakesOlderRecipe,
        Self::RebuildPrefersLast,
        Self::ForgetMemberLinks,
        Self::SkipMemberDigest,
        Self::SkipReadPins,
        Self::RotateWithoutSync,
        Self::RotateDropsPins,
        Self::RotateIntoCircle,
        Self::CollectorGivesUp,
        Self::IgnoreReserve,
        Self::RetryAcknowledgesEarly,
        Self::ClockNeverSteps,
        Self::LinkWithoutVerification,
        Self::ReferenceWithoutVerification,
        Self::HealForgottenInReplay,
        Self::HealForgottenInCommit,
        Self::ParityWithoutSync,
        Self::ParityInSameSegment,
        Self::CompactionDropsParity,
        Self::ReplacedWindowKeepsParity,
        Self::CompletedForgetsUpload,
        Self::PlaceOutdated,
        Self::UpdateCountsTwice,
        Self::AppendToSealed,
        Self::SkipFormatRaise,
    ];
}

/// The bug planted in one store, if any.
#[cfg(feature = "planted-bugs")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Bugs(pub Option<Bug>);

#[cfg(feature = "planted-bugs")]
impl Bugs {
    /// True when this very bug is planted.
    #[must_use]
    pub fn has(self, bug: Bug) -> bool {
        self.0 == Some(bug)
    }
}

/// No bug can be planted in this build.
#[cfg(not(feature = "planted-bugs"))]
#[derive(Clone, Copy, Debug, Default)]
pub struct Bugs;

#[cfg(not(feature = "planted-bugs"))]
impl Bugs {
    /// Always false.
    #[must_use]
    pub const fn has(self, _: Bug) -> bool {
        false
    }
}
