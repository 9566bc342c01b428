//! How much a collection tries.

/// What a collection is asked to do.
#[derive(Clone, Copy, Debug)]
pub struct CollectOptions {
    /// Segments with at least this share of dead bytes are compacted, 0 to 1.
    pub min_dead: f64,
    /// Seal the active segment first if it qualifies, so that everything dead can go.
    pub seal_active: bool,
}

impl CollectOptions {
    /// Everything that is dead goes, at any cost of copying: for the command line.
    pub const THOROUGH: Self = Self { min_dead: 0.02, seal_active: true };
    /// What pays for itself: for a running server.
    pub const BACKGROUND: Self = Self { min_dead: 0.35, seal_active: false };
}
