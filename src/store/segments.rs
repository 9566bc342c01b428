//! Which segment files exist. A segment counts as gone only after its unlink is durable.

use std::collections::BTreeSet;

use deltastore_format::SegmentId;
use parking_lot::Mutex;

/// The set of existing segments, shared by the log and the collector.
#[derive(Default)]
pub struct Segments(Mutex<BTreeSet<SegmentId>>);

impl Segments {
    pub fn new(ids: impl IntoIterator<Item = SegmentId>) -> Self {
        Self(Mutex::new(ids.into_iter().collect()))
    }

    pub fn insert(&self, id: SegmentId) {
        self.0.lock().insert(id);
    }

    pub fn remove(&self, id: SegmentId) {
        self.0.lock().remove(&id);
    }

    /// All of them, oldest first.
    pub fn all(&self) -> Vec<SegmentId> {
        self.0.lock().iter().copied().collect()
    }

    /// Those of `ids` that exist, without `but`.
    pub fn existing(&self, ids: &[SegmentId], but: SegmentId) -> Vec<SegmentId> {
        let segments = self.0.lock();
        ids.iter().copied().filter(|id| *id != but && segments.contains(id)).collect()
    }
}
