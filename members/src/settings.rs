//! The limits of expanding. They decide what is written, never whether it can be read.

/// Limits of expanding. The defaults are for a store whose windows are about 1 MiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Object bytes after which a unit with a program ends; it ends at most one block later.
    pub unit: usize,
    /// Object bytes of a unit without a program.
    pub plain: usize,
    /// Copied bytes between members from which on they become a unit without a program.
    pub gap: usize,
    /// Compressed bytes of the largest block that is held.
    pub block: usize,
    /// Compressed bytes of the smallest member worth expanding.
    pub member: usize,
    /// How many view bytes an object byte may become.
    pub growth: usize,
    /// How many view bytes an object byte may become in re-encode mode.
    pub reencode_growth: usize,
    /// Compressed bytes of a stream that become one op of re-encode mode, about.
    pub packed: usize,
    /// Time that re-creating the object's re-encoded members may take, in nanoseconds of a core, estimated by
    /// [`crate::deflate::encoder::Params::cost`]. Members after that become tokens.
    pub time: u64,
    /// Time that the search for encoders may take, estimated in the same way. After that, only recent encoders are
    /// tried.
    pub search: u64,
    /// Re-encode mode: store a member's plain content where an exact encoder is found. Denser, and ten times slower.
    pub reencode: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            unit: 512 * 1024,
            plain: 1024 * 1024,
            gap: 64 * 1024,
            block: 2 * 1024 * 1024,
            member: 128,
            growth: 4,
            reencode_growth: 64,
            packed: 256 * 1024,
            time: u64::MAX,
            search: u64::MAX,
            reencode: false,
        }
    }
}
