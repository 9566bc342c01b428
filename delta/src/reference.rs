//! Which windows a window is encoded against.

use std::cmp::Reverse;

use bytes::Bytes;
use deltastore_format::Hash;
use deltastore_format::window::MAX_REFERENCES;

use crate::effort::Effort;

/// Most plain bytes of all references of one window together.
const MAX_REFERENCE_BYTES: usize = 16 << 20;
/// A candidate that adds fewer than one in this many of the features that the first one has is not worth its time.
const FEW_FEATURES: u32 = 16;
/// One hop of depth costs one in this many of a candidate's features.
const DEPTH_COST: u32 = 16;
/// References that may turn out not to be usable before the search ends.
const SPARE_LOADS: usize = 2;

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
    /// Plain bytes of all windows that have to be decoded to read it: its own, and each that it is encoded against,
    /// directly or not, once.
    pub cost: u64,
}

/// A window that shares features with the one to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub hash: Hash,
    /// Which features it has in common with the window: bit `i` for the window's feature `i`.
    pub shared: u64,
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
    /// In the same object, which is being written.
    Object,
}

/// The references that a window is encoded against.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    /// The best last: what a codec sees next to the window is cheapest to point at.
    pub(super) references: Vec<Reference>,
    /// True: one of them at least is of the object that is being written.
    pub(super) own: bool,
}

/// The references for a window with these features. Each next one is the one that adds most to what those before it
/// cover. One that cannot be had, is deeper than the store said or would make reading the window too dear is passed
/// over.
pub(super) fn load(window_len: usize, features: &[u64], references: &dyn References, effort: &Effort) -> Chosen {
    let wanted = effort.max_references.min(MAX_REFERENCES);
    if features.is_empty() || effort.max_depth == 0 || wanted == 0 {
        return Chosen::default();
    }
    let mut candidates = references.candidates(features);
    let few = if effort.tokens { 0 } else { features.len().checked_div(effort.own_share).unwrap_or(0) };
    candidates
        .retain(|candidate| candidate.nearness != Nearness::Object || candidate.shared.count_ones() as usize > few);
    let mut chosen = Chosen::default();
    let mut room = MAX_REFERENCE_BYTES;
    let mut budget = effort.max_cost.saturating_sub(window_len as u64);
    let (mut covered, mut first) = (0u64, 0);
    for _ in 0..wanted + SPARE_LOADS {
        candidates.retain(|candidate| {
            let fits = (1..=room).contains(&(candidate.raw_len as usize)) && u64::from(candidate.raw_len) <= budget;
            fits && candidate.depth < depth_limit(candidate.nearness, effort)
        });
        let Some(best) = best(&candidates, covered, first) else { break };
        candidates.retain(|candidate| candidate.hash != best.hash);
        let Some(reference) = references.load(&best.hash) else { continue };
        // The store may have changed since it named the candidate.
        let fits = (1..=room).contains(&reference.bytes.len()) && reference.cost <= budget;
        if !fits || reference.depth >= depth_limit(best.nearness, effort) {
            continue;
        }
        room -= reference.bytes.len();
        budget -= reference.cost;
        covered |= best.shared;
        first = first.max(best.shared.count_ones());
        chosen.references.push(reference);
        chosen.own |= best.nearness == Nearness::Object;
        if chosen.references.len() == wanted {
            break;
        }
    }
    chosen.references.reverse();
    chosen
}

/// The candidate that adds most to the features `covered` so far, if that is worth it beside the `first` one's number
/// of features. Among equals the nearer, then the shallower, then the lower hash, so that the choice does not depend on
/// their order.
fn best(candidates: &[Candidate], covered: u64, first: u32) -> Option<Candidate> {
    let new = |candidate: &Candidate| (candidate.shared & !covered).count_ones();
    let worth = |candidate: &&Candidate| {
        let value = new(candidate) * DEPTH_COST.saturating_sub(u32::from(candidate.depth)).max(1);
        (value, candidate.shared.count_ones(), candidate.nearness, Reverse((candidate.depth, candidate.hash)))
    };
    let best = candidates.iter().max_by_key(worth).copied()?;
    (new(&best) > 0 && new(&best) >= first / FEW_FEATURES).then_some(best)
}

/// Depth that a candidate must be under.
fn depth_limit(nearness: Nearness, effort: &Effort) -> u8 {
    match nearness {
        Nearness::Object => effort.max_own_depth.min(effort.max_depth),
        _ => effort.max_depth,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Candidates that can all be loaded, unless said otherwise; each hop costs a window.
    #[derive(Default)]
    struct Fixed {
        candidates: Vec<Candidate>,
        gone: Vec<u8>,
        loads: RefCell<usize>,
    }

    impl References for Fixed {
        fn candidates(&self, _: &[u64]) -> Vec<Candidate> {
            self.candidates.clone()
        }

        fn load(&self, hash: &Hash) -> Option<Reference> {
            *self.loads.borrow_mut() += 1;
            let candidate = self.candidates.iter().find(|candidate| candidate.hash == *hash)?;
            let bytes = Bytes::from(vec![0; candidate.raw_len as usize]);
            let cost = u64::from(candidate.raw_len) * (1 + u64::from(candidate.depth));
            let reference = Reference { hash: *hash, bytes, depth: candidate.depth, cost };
            (!self.gone.contains(&hash.0[0])).then_some(reference)
        }
    }

    fn candidate(name: u8, shared: u64, nearness: Nearness, depth: u8) -> Candidate {
        Candidate { hash: Hash([name; 32]), shared, nearness, depth, raw_len: 1 << 20 }
    }

    /// The names of the chosen ones, best first.
    fn chosen(candidates: &[Candidate], effort: &Effort) -> Vec<u8> {
        chosen_of(&Fixed { candidates: candidates.to_vec(), ..Fixed::default() }, effort)
    }

    fn chosen_of(references: &Fixed, effort: &Effort) -> Vec<u8> {
        let loaded = load(1 << 20, &[1], references, effort);
        loaded.references.iter().rev().map(|reference| reference.hash.0[0]).collect()
    }

    fn effort(max_depth: u8, max_references: usize) -> Effort {
        Effort { max_depth, max_references, ..Effort::cold() }
    }

    #[test]
    fn nearness_then_depth_then_hash_among_equals() {
        let mut all = vec![
            candidate(5, 0b11111, Nearness::Store, 0),
            candidate(4, 0b11111, Nearness::Bucket, 0),
            candidate(3, 0b11111, Nearness::Deltaspace, 1),
            candidate(2, 0b11111, Nearness::Deltaspace, 0),
            candidate(1, 0b11111, Nearness::Deltaspace, 0),
        ];
        for expected in [1, 2, 4, 5, 3] {
            assert_eq!(chosen(&all, &effort(2, 4)), [expected], "one covers what all cover");
            assert_eq!(chosen(&all.iter().rev().copied().collect::<Vec<_>>(), &effort(2, 4)), [expected]);
            all.retain(|candidate| candidate.hash.0[0] != expected);
        }
        assert!(chosen(&[candidate(1, 1, Nearness::Store, 0)], &effort(0, 4)).is_empty());
    }

    #[test]
    fn the_next_one_is_the_one_that_adds_most() {
        let all = [
            candidate(1, 0b1111_1111_0000, Nearness::Store, 0),
            candidate(2, 0b1111_1110_0001, Nearness::Store, 0),
            candidate(3, 0b0000_0000_1110, Nearness::Store, 0),
        ];
        assert_eq!(chosen(&all, &effort(2, 1)), [1]);
        assert_eq!(chosen(&all, &effort(2, 2)), [1, 3]);
        assert_eq!(chosen(&all, &effort(2, 4)), [1, 3, 2]);
    }

    #[test]
    fn a_shallow_one_beats_one_that_is_hardly_better() {
        let deep = candidate(1, (1 << 20) - 1, Nearness::Store, 3);
        assert_eq!(chosen(&[deep, candidate(2, (1 << 18) - 1, Nearness::Store, 0)], &effort(4, 1)), [2]);
        assert_eq!(chosen(&[deep, candidate(2, (1 << 12) - 1, Nearness::Store, 0)], &effort(4, 1)), [1]);
    }

    #[test]
    fn windows_of_the_same_object_keep_depth_for_later_ones() {
        let own = candidate(1, 0xff, Nearness::Object, 1);
        let other = candidate(2, 0x0f, Nearness::Deltaspace, 1);
        assert_eq!(chosen(&[own, other], &Effort { max_own_depth: 1, ..effort(4, 1) }), [2]);
        assert_eq!(chosen(&[own, other], &Effort { max_own_depth: 2, ..effort(4, 1) }), [1]);
    }

    #[test]
    fn weak_ones_of_the_same_object_pay_for_tokens_only() {
        let features: Vec<u64> = (0..64).collect();
        let chosen = |shared, nearness, effort| {
            let references = Fixed { candidates: vec![candidate(1, shared, nearness, 0)], ..Fixed::default() };
            load(1 << 20, &features, &references, &effort).references.len()
        };
        let tokens = Effort { tokens: true, ..Effort::fast() };
        for (shared, few) in [(0b1111, true), (0b1_1111, false)] {
            assert_eq!(chosen(shared, Nearness::Object, Effort::fast()), usize::from(!few));
            assert_eq!(chosen(shared, Nearness::Object, tokens), 1);
            assert_eq!(chosen(shared, Nearness::Object, Effort::cold()), 1);
            assert_eq!(chosen(shared, Nearness::Deltaspace, Effort::fast()), 1);
        }
    }

    #[test]
    fn weak_ones_do_not_pay() {
        let all = [candidate(1, u64::MAX << 3, Nearness::Store, 0), candidate(2, 0b11, Nearness::Store, 0)];
        assert_eq!(chosen(&all, &effort(2, 4)), [1]);
    }

    #[test]
    fn what_is_gone_or_too_dear_makes_room_for_the_next() {
        let all = vec![
            candidate(1, 0xffff, Nearness::Store, 0),
            candidate(2, 0x0fff, Nearness::Store, 3),
            candidate(3, 0x00ff, Nearness::Store, 0),
        ];
        let references = Fixed { candidates: all.clone(), gone: vec![1], ..Fixed::default() };
        assert_eq!(chosen_of(&references, &Effort { max_cost: 4 << 20, ..effort(4, 2) }), [3]);
        assert_eq!(chosen_of(&references, &Effort { max_cost: 5 << 20, ..effort(4, 2) }), [2]);
        let large = Candidate { raw_len: 17 << 20, ..all[0] };
        assert_eq!(chosen(&[large, all[2]], &effort(4, 2)), [3]);
        let none = Fixed { gone: (0..255).collect(), candidates: all, ..Fixed::default() };
        assert!(chosen_of(&none, &effort(4, 1)).is_empty());
        assert_eq!(*none.loads.borrow(), 3);
    }
}
