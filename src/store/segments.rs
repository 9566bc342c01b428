//! Which segment files exist. A segment counts as gone only after its unlink is durable.

use std::collections::BTreeSet;

use deltastore_format::{Position, SegmentId};
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

/// Segments that may hold a put: where its row says it lies, and where copies of it may be. Its removal must name them, and
/// so must a put in its place.
pub fn holders(record: Position, prior: &[SegmentId]) -> Vec<SegmentId> {
    let mut segments = prior.to_vec();
    segments.push(record.segment);
    segments.sort_unstable();
    segments.dedup();
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removal_names_each_segment_once() {
        let record = Position { segment: SegmentId(3), offset: 64 };
        assert_eq!(holders(record, &[SegmentId(5), SegmentId(3), SegmentId(1)]), [1, 3, 5].map(SegmentId));
    }
}
