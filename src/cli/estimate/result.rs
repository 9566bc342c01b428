//! The result of an estimate.

use serde::Serialize;

use super::sample::{self, Group};
use crate::store::{Policy, Totals};

/// The result. Sizes in bytes.
#[derive(Debug, Serialize)]
pub struct Estimate {
    pub source: String,
    /// Everything was read: the figures are those of a store, not an extrapolation.
    pub exact: bool,
    pub objects: u64,
    pub bytes: u64,
    pub read_objects: u64,
    pub read_bytes: u64,
    /// Files or objects that could not be read or were deleted meanwhile; not part of `objects`.
    pub unreadable: u64,
    /// Confidence interval of 90 % for the total stored size; none if the sample is too small.
    pub stored_interval: Option<(u64, u64)>,
    pub policy: Option<String>,
    pub total: Totals,
    pub optimized: Option<Totals>,
    pub prefixes: Vec<Prefix>,
}

#[derive(Debug, Serialize)]
pub struct Prefix {
    pub prefix: String,
    /// Bytes of it that were read; the rest is extrapolated.
    pub read_bytes: u64,
    #[serde(flatten)]
    pub totals: Totals,
    pub optimized: Option<Totals>,
}

impl Estimate {
    /// Sums up the groups. `before`: their totals as uploaded; `after`: optimized, by `policy`.
    pub fn new(
        source: String,
        groups: &[Group],
        before: Vec<Totals>,
        after: Option<Vec<Totals>>,
        unreadable: u64,
        policy: Option<Policy>,
    ) -> Self {
        let sum = |all: &[Totals]| {
            let mut total = Totals::default();
            all.iter().for_each(|totals| total.add(totals));
            total
        };
        let total = sum(&before);
        let exact = groups.iter().all(Group::is_complete);
        let read = |group: &Group| group.taken.iter().map(|taken| taken.size).sum::<u64>();
        Self {
            source,
            exact,
            objects: total.objects,
            bytes: total.logical_bytes,
            read_objects: groups.iter().map(|group| group.taken.len() as u64).sum(),
            read_bytes: groups.iter().map(read).sum(),
            unreadable,
            stored_interval: if exact { None } else { sample::interval(groups, &before) },
            policy: policy.map(|policy| policy.to_string()),
            total,
            optimized: after.as_deref().map(sum),
            prefixes: groups
                .iter()
                .zip(before)
                .enumerate()
                .map(|(number, (group, totals))| Prefix {
                    prefix: group.name.clone(),
                    read_bytes: read(group),
                    totals,
                    optimized: after.as_ref().map(|after| after[number]),
                })
                .collect(),
        }
    }
}
