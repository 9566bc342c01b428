//! A store in memory, written by the code that serves PUTs.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use deltastore_segment::vfs::{Clock, MemoryVfs, SystemClock};

use super::error::EstimateError;
use super::sample::{Group, Taken};
use crate::cli::progress;
use crate::index::MemEngine;
use crate::object::{Body, Expect, Objects, PutInput, WriteConditions};
use crate::store::bugs::Bugs;
use crate::store::{Folder, OptimizeOptions, Policy, Settings, Store, StoreError, Totals, directory};

const BUCKET: &str = "estimate";
/// Small segments, since the store keeps the space of one free.
const SEGMENT: u64 = 16 << 20;
/// Memory besides the stored data: that reserve, commits, and buffers of the last page.
const SLACK: u64 = 64 << 20;

/// See the module.
pub struct Engine {
    vfs: MemoryVfs,
    store: Store,
    objects: Objects,
}

impl Engine {
    /// An empty store that holds about `memory` bytes.
    ///
    /// # Errors
    /// Errors of opening a store.
    pub fn new(memory: u64) -> Result<Self, EstimateError> {
        let vfs = MemoryVfs::new(memory + SLACK);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let folder = Folder::open(Arc::new(vfs.clone()), Path::new("/estimate"), clock.as_ref(), true)?;
        let settings = Settings { segment_bytes: SEGMENT, reserve_bytes: 0, ..Settings::default() };
        let store = Store::open(folder, Arc::new(MemEngine::volatile()), clock, settings, Bugs::default())?;
        Ok(Self { vfs, objects: Objects::new(store.clone()), store })
    }

    /// Bytes of memory that segments take.
    pub fn used(&self) -> u64 {
        self.vfs.used()
    }

    /// Stores an object.
    ///
    /// # Errors
    /// Errors of a PUT and of reading the body.
    pub async fn put(&self, key: &str, body: Body) -> Result<Taken, EstimateError> {
        if self.store.index().bucket(BUCKET).map_err(StoreError::from)?.is_none() {
            self.objects.create_bucket(BUCKET).await?;
        }
        let input = PutInput {
            bucket: BUCKET.to_owned(),
            key: key.to_owned(),
            body,
            expect: Expect::default(),
            metadata: Default::default(),
            conditions: WriteConditions::default(),
        };
        let put = self.objects.put_object(input).await?;
        Ok(Taken { size: put.size, stored: put.stored_bytes })
    }

    /// Rewrites everything, as `deltastore optimize` does.
    ///
    /// # Errors
    /// [`EstimateError::NoMemoryToOptimize`] and errors of the run.
    pub fn optimize(&self, policy: Policy) -> Result<(), EstimateError> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let options =
            OptimizeOptions { policy: Some(policy), threads, skip_parity: true, ..OptimizeOptions::default() };
        let bar = progress::bar("optimizing", 1);
        let never = AtomicBool::new(false);
        let done = self.store.optimize(&options, &never, &mut |done| progress::optimized(&bar, done));
        bar.finish_and_clear();
        match done {
            Ok(_) => Ok(()),
            Err(StoreError::Full) => Err(EstimateError::NoMemoryToOptimize),
            Err(error) => Err(error.into()),
        }
    }

    /// Stored sizes of each group: its first object, and the others. A complete group has all of them in the second.
    ///
    /// # Errors
    /// Errors of counting.
    pub fn stats(&self, groups: &[Group]) -> Result<Vec<(Totals, Totals)>, EstimateError> {
        let numbers: BTreeMap<&str, usize> =
            groups.iter().enumerate().map(|(number, group)| (group.name.as_str(), number)).collect();
        let partial = groups.iter().filter(|group| !group.is_complete());
        let firsts: HashSet<&str> = partial.filter_map(|group| Some(group.items.first()?.key.as_str())).collect();
        // No key's directory ends like this.
        let label = |key: &str| directory(key).to_owned() + if firsts.contains(key) { "first" } else { "" };
        let stats = self.store.stats_by(&label)?;
        let mut found = vec![(Totals::default(), Totals::default()); groups.len()];
        for space in stats.deltaspaces {
            let name = directory(&space.deltaspace);
            let Some((first, others)) = numbers.get(name).and_then(|&number| found.get_mut(number)) else { continue };
            if name == space.deltaspace { others.add(&space.totals) } else { first.add(&space.totals) }
        }
        Ok(found)
    }
}
