//! Which encoders made the members of a deltaspace, so that the optimizer tries these first in its next object.
//!
//! Kept in memory only: what is forgotten is found again by trying. Where several encoders make the same bits, as of
//! short streams, the known one is taken, so that versions of an object are described alike.

use deltastore_members::RecentEncoders;
use deltastore_members::deflate::encoder::Params;
use quick_cache::sync::Cache;

use super::Space;

/// Deltaspaces that are remembered.
const MAX_SPACES: usize = 4096;

/// The encoders of the deltaspaces seen last, those of members within members apart.
pub struct Encoders(Cache<(Space, bool), Vec<Params>>);

impl Encoders {
    pub fn new() -> Self {
        Self(Cache::new(MAX_SPACES))
    }

    pub fn of(&self, space: Space, nested: bool) -> RecentEncoders {
        RecentEncoders::of(&self.0.get(&(space, nested)).unwrap_or_default())
    }

    pub fn note(&self, space: Space, nested: bool, known: &RecentEncoders) {
        if !known.encoders().is_empty() {
            self.0.insert((space, nested), known.encoders().to_vec());
        }
    }
}
