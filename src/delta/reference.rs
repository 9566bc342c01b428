//! Which windows a window is encoded against.

use std::cmp::Reverse;

use bytes::Bytes;
use deltastore_format::Hash;
use deltastore_format::window::MAX_REFERENCES;

use super::encode::Effort;

/// Most plain bytes of all references of one window together.
const MAX_REFERENCE_BYTES: usize = 16 << 20;
/// A candidate with fewer than one in this many of the best one's votes is not worth its time.
const FEW_VOTES: u32 = 16;

/// What the store knows about windows. Calls may read from disk; no lock may be held over them.
pub trait References {
    /// Windows that share features with these, in any order, each once.
    fn candidates(&self, features: &[u64]) -> Vec<Candidate>;
    /// The plain bytes of a window, verified; `None` when it is gone or damaged.
    fn load(&self, hash: &Hash) -> Option<Reference>;
}

/// A window to encode against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub hash: Hash,
    pub bytes: Bytes,
    pub depth: u8,
}

/// A window that shares features with the one to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub hash: Hash,
    /// Features in common.
    pub votes: u32,
    pub nearness: Nearness,
    pub depth: u8,
    /// Plain bytes.
    pub raw_len: u32,
}

/// How close a candidate was put; closer sorts higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nearness {
    /// Anywhere else in the store.
    Store,
    /// In the same bucket.
    Bucket,
    /// In the same deltaspace.
    Deltaspace,
}

/// The references for a window with these features, the best last: what a codec sees next to the window is cheapest to point at.
pub(super) fn load(
    features: &[u64],
    references: &dyn References,
    effort: &Effort,
) -> Vec<Reference> {
    if features.is_empty() || effort.max_depth == 0 || effort.max_references == 0 {
        return Vec::new();
    }
    let chosen = choose(
        references.candidates(features),
        effort.max_depth,
        effort.max_references,
    );
    let mut loaded: Vec<Reference> = chosen
        .iter()
        .filter_map(|candidate| references.load(&candidate.hash))
        // The store may have changed since it named the candidate.
        .filter(|reference| reference.depth < effort.max_depth && !reference.bytes.is_empty())
        .collect();
    let mut left = MAX_REFERENCE_BYTES;
    loaded.retain(|reference| match left.checked_sub(reference.bytes.len()) {
        Some(less) => {
            left = less;
            true
        }
        None => false,
    });
    loaded.reverse();
    loaded
}

/// The best candidates, best first: those under `max_depth`, at most `max_references`, within [`MAX_REFERENCE_BYTES`].
/// Votes decide; among equal votes the nearer, then the shallower, then the lower hash, so that the choice does not
/// depend on the order they come in. Those with few votes beside the best are left out: they cost as much as it does.
fn choose(mut candidates: Vec<Candidate>, max_depth: u8, max_references: usize) -> Vec<Candidate> {
    candidates.retain(|candidate| candidate.depth < max_depth && candidate.raw_len > 0);
    candidates.sort_unstable_by_key(|candidate| {
        (
            Reverse((candidate.votes, candidate.nearness)),
            candidate.depth,
            candidate.hash,
        )
    });
    candidates.dedup_by_key(|candidate| candidate.hash);
    let best = candidates.first().map_or(0, |candidate| candidate.votes);
    let mut left = MAX_REFERENCE_BYTES;
    candidates.retain(|candidate| {
        let fits = candidate.raw_len as usize <= left && candidate.votes >= best / FEW_VOTES;
        if fits {
            left -= candidate.raw_len as usize;
        }
        fits
    });
    candidates.truncate(max_references.min(MAX_REFERENCES));
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(name: u8, votes: u32, nearness: Nearness, depth: u8) -> Candidate {
        Candidate {
            hash: Hash([name; 32]),
            votes,
            nearness,
            depth,
            raw_len: 1 << 20,
        }
    }

    fn names(candidates: Vec<Candidate>) -> Vec<u8> {
        candidates
            .iter()
            .map(|candidate| candidate.hash.0[0])
            .collect()
    }

    #[test]
    fn votes_then_nearness_then_depth_then_hash() {
        let all = vec![
            candidate(6, 9, Nearness::Deltaspace, 0),
            candidate(5, 10, Nearness::Store, 0),
            candidate(4, 10, Nearness::Bucket, 0),
            candidate(3, 10, Nearness::Deltaspace, 1),
            candidate(2, 10, Nearness::Deltaspace, 0),
            candidate(1, 10, Nearness::Deltaspace, 0),
        ];
        assert_eq!(names(choose(all.clone(), 2, 4)), [1, 2, 3, 4]);
        assert_eq!(
            names(choose(all.iter().rev().copied().collect(), 2, 4)),
            [1, 2, 3, 4]
        );
        assert_eq!(names(choose(all.clone(), 1, 9)), [1, 2, 4, 5]);
        assert!(choose(all, 0, 9).is_empty());
    }

    #[test]
    fn large_ones_do_not_fit_and_weak_ones_do_not_pay() {
        let mut large = candidate(1, 50, Nearness::Store, 0);
        large.raw_len = 12 << 20;
        let mut other = candidate(2, 40, Nearness::Store, 0);
        other.raw_len = 5 << 20;
        let small = candidate(3, 4, Nearness::Store, 0);
        let weak = candidate(4, 2, Nearness::Store, 0);
        assert_eq!(names(choose(vec![weak, small, other, large], 2, 4)), [1, 3]);
    }
}
