//! Sampling: which part of the input is read if it does not fit the memory, and the extrapolation to the rest.
//!
//! A group is a prefix. Later objects of a group are stored as deltas of earlier ones, so objects are never sampled
//! individually. Of each sampled group the oldest objects are read, up to a share of the memory. If there are too many
//! groups for a useful share, groups are chosen in the order of a hash of their names. The first object of a group has
//! no earlier object as a base and counts as itself. Unread objects of a group are assumed to be like its other objects
//! that were read, and unread groups like all groups that were read.
//!
//! The interval comes from a bootstrap (Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979): the sample is
//! resampled with repetition, many times, and the rest is extrapolated from each draw. It cannot account for unread
//! data that is unlike the sample.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::source::Item;
use crate::store::{Totals, directory};

/// Minimum bytes planned per group, if it has as many; less if not even [`LEAST_GROUPS`] would fit.
const LEAST: u64 = 64 << 20;
const LEAST_GROUPS: u64 = 16;
/// Minimum objects planned per group: fewer say nothing about later objects.
const LEAST_OBJECTS: usize = 3;
/// Factor by which the plan exceeds the memory, since most data shrinks; reading ends when the memory is full.
const HOPE: u64 = 4;
/// Draws of the bootstrap.
const DRAWS: usize = 1000;
/// Minimum objects, or groups, for a confidence interval.
const LEAST_FOR_SPREAD: usize = 4;

/// An object that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub size: u64,
    /// Record bytes that it added.
    pub stored: u64,
}

/// A prefix and its objects, oldest first.
#[derive(Debug, Default)]
pub struct Group {
    pub name: String,
    pub items: Vec<Item>,
    /// The first so many of `items`.
    pub taken: Vec<Taken>,
}

impl Group {
    pub fn is_complete(&self) -> bool {
        self.taken.len() == self.items.len()
    }

    /// The next item was read.
    pub fn take_next(&mut self, taken: Taken) {
        self.taken.push(taken);
    }

    /// The next item cannot be read, and does not count.
    pub fn remove_next(&mut self) {
        self.items.remove(self.taken.len());
    }

    fn bytes(&self) -> u64 {
        self.items.iter().map(|item| item.size).sum()
    }

    /// Objects and bytes that were not read.
    fn rest(&self) -> (u64, u64) {
        let rest = &self.items[self.taken.len()..];
        (rest.len() as u64, rest.iter().map(|item| item.size).sum())
    }
}

/// Objects by prefix, in name order; the oldest object of each first.
pub fn groups(items: Vec<Item>) -> Vec<Group> {
    let mut groups: BTreeMap<String, Vec<Item>> = BTreeMap::new();
    for item in items {
        groups.entry(directory(&item.key).to_owned()).or_default().push(item);
    }
    let mut groups: Vec<Group> =
        groups.into_iter().map(|(name, items)| Group { name, items, taken: Vec::new() }).collect();
    for group in &mut groups {
        group.items.sort_by(|one, other| (one.modified_ms, &one.key).cmp(&(other.modified_ms, &other.key)));
    }
    groups
}

/// Which groups to read, in order, and how many objects of each.
pub fn plan(groups: &[Group], memory: u64) -> Vec<(usize, usize)> {
    let mut order: Vec<usize> = (0..groups.len()).collect();
    let hope = memory.saturating_mul(HOPE);
    if groups.iter().map(Group::bytes).sum::<u64>() <= hope {
        return order.into_iter().map(|number| (number, groups[number].items.len())).collect();
    }
    order.sort_by_cached_key(|&number| <[u8; 32]>::from(Sha256::digest(&groups[number].name)));
    let share = share(groups, hope).max(LEAST.min(hope / LEAST_GROUPS));
    order.into_iter().map(|number| (number, within(&groups[number], share))).collect()
}

/// The most bytes a group may have so that all together have no more than `budget`.
fn share(groups: &[Group], budget: u64) -> u64 {
    let mut sizes: Vec<u64> = groups.iter().map(Group::bytes).collect();
    sizes.sort_unstable();
    let mut left = budget;
    for (number, size) in sizes.iter().enumerate() {
        let share = left / (sizes.len() - number) as u64;
        if *size > share {
            return share;
        }
        left -= size;
    }
    u64::MAX
}

fn within(group: &Group, share: u64) -> usize {
    let mut bytes = 0u64;
    let fits = group.items.iter().take_while(|item| {
        bytes = bytes.saturating_add(item.size);
        bytes <= share
    });
    fits.count().max(LEAST_OBJECTS).min(group.items.len())
}

/// Extrapolated sizes of each group, from the read sizes of its first object and its others.
pub fn extrapolate(groups: &[Group], read: &[(Totals, Totals)]) -> Vec<Totals> {
    let mut found: Vec<Option<Totals>> = groups.iter().zip(read).map(|(group, read)| whole(group, read)).collect();
    let mut like = Totals::default();
    found.iter().flatten().for_each(|totals| like.add(totals));
    for (group, totals) in groups.iter().zip(&mut found) {
        totals.get_or_insert_with(|| {
            let (objects, bytes) = (group.items.len() as u64, group.bytes());
            let mut totals =
                like.scaled(if like.logical_bytes == 0 { 0.0 } else { bytes as f64 / like.logical_bytes as f64 });
            (totals.objects, totals.logical_bytes) = (objects, bytes);
            totals
        });
    }
    found.into_iter().flatten().collect()
}

/// None if too little of the group was read to extrapolate.
fn whole(group: &Group, (first, others): &(Totals, Totals)) -> Option<Totals> {
    let mut sum = *first;
    sum.add(others);
    if group.is_complete() {
        return Some(sum);
    }
    let (objects, bytes) = group.rest();
    if others.logical_bytes == 0 {
        return None;
    }
    let mut rest = others.scaled(bytes as f64 / others.logical_bytes as f64);
    (rest.objects, rest.logical_bytes) = (objects, bytes);
    sum.add(&rest);
    Some(sum)
}

/// Confidence interval of 90 % for the total; none if too little was read.
pub fn interval(groups: &[Group], whole: &[Totals]) -> Option<(u64, u64)> {
    let is_read = |group: &Group| group.is_complete() || group.taken.len() > 1;
    let sampled: Vec<(f64, f64)> = groups
        .iter()
        .zip(whole)
        .filter(|(group, totals)| is_read(group) && totals.logical_bytes > 0)
        .map(|(_, totals)| (totals.logical_bytes as f64, totals.stored_bytes as f64))
        .collect();
    // What too few objects speak for varies as much as groups do.
    let (partial, thin): (Vec<&Group>, Vec<&Group>) =
        groups.iter().filter(|group| !group.is_complete()).partition(|group| group.taken.len() > LEAST_FOR_SPREAD);
    let unread: u64 = thin.iter().map(|group| group.rest().1).sum();
    if unread > 0 && sampled.len() < LEAST_FOR_SPREAD {
        return None;
    }
    let total: f64 = whole.iter().map(|totals| totals.stored_bytes as f64).sum();
    let mut dice = Dice(1);
    let mut draws: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let within = partial.iter().map(|group| {
                let others: Vec<(f64, f64)> =
                    group.taken[1..].iter().map(|taken| (taken.size as f64, taken.stored as f64)).collect();
                group.rest().1 as f64 * (dice.ratio(&others) - ratio(&others))
            });
            let within: f64 = within.sum();
            total + within + unread as f64 * (dice.ratio(&sampled) - ratio(&sampled))
        })
        .collect();
    draws.sort_by(f64::total_cmp);
    let bound = |at: usize| draws[at].max(0.0).round() as u64;
    Some((bound(DRAWS / 20), bound(DRAWS - 1 - DRAWS / 20)))
}

/// Stored by plain bytes.
fn ratio(pairs: &[(f64, f64)]) -> f64 {
    let (bytes, stored) = pairs.iter().fold((0.0, 0.0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    if bytes == 0.0 { 0.0 } else { stored / bytes }
}

/// Deterministic random numbers, so that an estimate is reproducible: SplitMix64 (Steele, Lea, Flood, 2014).
struct Dice(u64);

impl Dice {
    /// The ratio of as many pairs, drawn with repetition.
    fn ratio(&mut self, pairs: &[(f64, f64)]) -> f64 {
        let drawn: Vec<(f64, f64)> = pairs.iter().map(|_| pairs[self.below(pairs.len())]).collect();
        ratio(&drawn)
    }

    fn below(&mut self, len: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((value ^ value >> 31) % len.max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn group(name: &str, sizes: &[u64], stored: &[u64]) -> Group {
        let item = |(number, &size): (usize, &u64)| Item {
            key: format!("{name}{number}"),
            size,
            modified_ms: 0,
            path: Default::default(),
        };
        let taken = sizes.iter().zip(stored).map(|(&size, &stored)| Taken { size, stored }).collect();
        Group { name: name.to_owned(), items: sizes.iter().enumerate().map(item).collect(), taken }
    }

    fn totals(objects: u64, logical_bytes: u64, stored_bytes: u64) -> Totals {
        Totals { objects, logical_bytes, stored_bytes, ..Totals::default() }
    }

    #[test]
    fn groups_are_prefixes_with_the_oldest_first() {
        let item = |key: &str, modified_ms| Item { key: key.into(), size: 1, modified_ms, path: Default::default() };
        let found = groups(vec![item("b/2", 5), item("a", 1), item("b/3", 4), item("b/1", 5)]);
        let keys: Vec<Vec<&str>> =
            found.iter().map(|group| group.items.iter().map(|item| item.key.as_str()).collect()).collect();
        assert_eq!(keys, [vec!["a"], vec!["b/3", "b/1", "b/2"]]);
    }

    #[test]
    fn what_fits_is_read_whole_and_else_every_group_has_a_share() {
        let all = [group("a/", &[MIB; 10], &[]), group("b/", &[100 * MIB; 10], &[])];
        assert_eq!(plan(&all, 300 * MIB), [(0, 10), (1, 10)]);
        let mut planned = plan(&all, 100 * MIB);
        planned.sort_unstable();
        assert_eq!(planned, [(0, 10), (1, 3)]);
        assert_eq!(share(&all, 400 * MIB), 390 * MIB);
        assert_eq!(share(&all, 3000 * MIB), u64::MAX);
    }

    #[test]
    fn the_rest_is_like_what_was_read_but_for_the_first() {
        let all = [group("a/", &[100; 10], &[80, 10, 10]), group("b/", &[50; 4], &[5; 4]), group("c/", &[500], &[])];
        let read =
            [(totals(1, 100, 80), totals(2, 200, 20)), (totals(0, 0, 0), totals(4, 200, 20)), Default::default()];
        let found = extrapolate(&all, &read);
        assert_eq!(found[0], totals(10, 1000, 170));
        assert_eq!(found[1], totals(4, 200, 20));
        assert_eq!((found[2].objects, found[2].logical_bytes, found[2].stored_bytes), (1, 500, 79));
    }

    #[test]
    fn intervals_hold_the_truth_in_most_cases() {
        let (mut held, mut dice) = (0, Dice(7));
        for _ in 0..100 {
            let stored: Vec<u64> = (0..200).map(|_| 5_000 + dice.below(20_000) as u64).collect();
            let all = [group("a/", &[100_000; 200], &stored[..20])];
            let read: u64 = stored[1..20].iter().sum();
            let found = extrapolate(&all, &[(totals(1, 100_000, stored[0]), totals(19, 1_900_000, read))]);
            let (low, high) = interval(&all, &found).unwrap();
            held += usize::from((low..=high).contains(&stored.iter().sum()));
        }
        assert!((75..=99).contains(&held), "{held} of 100");
    }

    #[test]
    fn intervals_over_groups_do_too() {
        let (mut held, mut dice) = (0, Dice(11));
        for _ in 0..100 {
            let stored: Vec<u64> = (0..60).map(|_| 20_000 + dice.below(60_000) as u64).collect();
            let read = |number: usize| number < 20;
            let all: Vec<Group> = (0..60)
                .map(|number| group("a/", &[100_000], if read(number) { &stored[number..=number] } else { &[] }))
                .collect();
            let known =
                |number: usize| if read(number) { totals(1, 100_000, stored[number]) } else { Totals::default() };
            let counted: Vec<_> = (0..60).map(|number| (Totals::default(), known(number))).collect();
            let (low, high) = interval(&all, &extrapolate(&all, &counted)).unwrap();
            held += usize::from((low..=high).contains(&stored.iter().sum()));
        }
        assert!((75..=99).contains(&held), "{held} of 100");
    }

    #[test]
    fn too_small_a_sample_tells_no_interval() {
        let all = [group("a/", &[100; 10], &[80, 10, 10])];
        assert_eq!(interval(&all, &[totals(10, 1000, 170)]), None);
    }
}
