//! How much work an encode may be.

use crate::codecs::approximate::ApproximateEffort;

/// How much work an encode may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// zstd's level, 1 to 22 (others as zstd takes them), without references.
    pub level: i32,
    /// zstd's level with references; up to 3 they are the same.
    pub level_with_references: i32,
    /// Most reference hops of the result; 0 means no references.
    pub max_depth: u8,
    /// Most reference hops of the result if a reference is of the object that is being written
    /// ([`crate::Nearness::Object`]).
    pub max_own_depth: u8,
    /// A window of the same object must have more than one in this many of the features, unless the window is tokens;
    /// 0: at least one. Records of one table look alike without one helping another.
    pub own_share: usize,
    /// Most references of the result.
    pub max_references: usize,
    /// Most plain bytes that reading the result may decode, the window and what it is encoded against, directly or not.
    pub max_cost: u64,
    /// False: never ask for references.
    pub deltas: bool,
    /// Reference hops that a long form spares for later windows, if it costs little; 0: windows are as deep as makes
    /// them smallest.
    pub spare_depth: u8,
    /// A form is long if it takes more than one part in this many of the window, at least 1.
    pub long_form: usize,
    /// Windows are tokens of compressed members (`members/FORMAT.md`), which are to cost no more than is needed.
    pub tokens: bool,
    /// True: VCDIFF is tried wherever references are used; false: only where it is cheap and may win.
    pub vcdiff_always: bool,
    /// How the approximate match is tried where references are used; `None`: not at all.
    pub approximate: Option<ApproximateEffort>,
}

impl Effort {
    /// What keeps up with a network: for windows that are being uploaded.
    pub fn fast() -> Self {
        Self {
            level: 3,
            level_with_references: 1,
            max_depth: 2,
            max_own_depth: 1,
            own_share: 16,
            max_references: 2,
            max_cost: 64 << 20,
            deltas: true,
            // Shorter ones, too, would double the time that native code takes.
            spare_depth: 1,
            long_form: 3,
            tokens: false,
            vcdiff_always: false,
            approximate: None,
        }
    }

    /// Between the two.
    pub fn balanced() -> Self {
        Self {
            level: 12,
            level_with_references: 9,
            max_depth: 3,
            max_own_depth: 1,
            own_share: 0,
            max_references: 3,
            approximate: Some(ApproximateEffort { level: 12, step: 2, tries: 4 }),
            spare_depth: 2,
            long_form: 32,
            ..Self::fast()
        }
    }

    /// What makes windows smallest: for a background job.
    pub fn cold() -> Self {
        Self {
            level: 19,
            // Higher levels put the whole prefix into trees first, at about 1 MB/s.
            level_with_references: 12,
            max_depth: 4,
            max_own_depth: 2,
            own_share: 0,
            max_references: 4,
            approximate: Some(ApproximateEffort { level: 19, step: 2, tries: 8 }),
            spare_depth: 2,
            long_form: 32,
            ..Self::fast()
        }
    }
}

impl Default for Effort {
    fn default() -> Self {
        Self::fast()
    }
}
