//! Bits that flip in the records of a running store.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use deltastore::index::BlobRow;
use deltastore::object::Objects;
use deltastore_format::Hash;
use deltastore_segment::segment_path;
use deltastore_segment::vfs::SimVfs;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::world::DIR;

/// Between two flips at most: long enough for writes without one in between.
const PAUSE_MS: u64 = 150;

/// Flips a bit of some window, member or node that is in use, now and then.
pub struct Flips {
    vfs: SimVfs,
    epoch: Epoch,
}

/// Counts twice for each flip, before and after it.
#[derive(Clone, Default)]
pub struct Epoch(Arc<AtomicU64>);

impl Epoch {
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Whether no flip was under way.
    pub fn is_calm(epoch: u64) -> bool {
        epoch.is_multiple_of(2)
    }
}

impl Flips {
    pub fn on(vfs: SimVfs) -> Self {
        Self { vfs, epoch: Epoch::default() }
    }

    pub fn epoch(&self) -> Epoch {
        self.epoch.clone()
    }

    pub fn run(&self, objects: &Objects, seed: u64, stop: &AtomicBool) {
        let mut random = StdRng::seed_from_u64(seed);
        while !stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(random.random_range(1..PAUSE_MS)));
            let Some(row) = linked(objects, Hash(random.random())) else { continue };
            let file = segment_path(Path::new(DIR), row.position.segment);
            let offset = row.position.offset + random.random_range(0..row.record_len);
            self.epoch.0.fetch_add(1, Ordering::SeqCst);
            // Its segment may have been collected just now.
            drop(self.vfs.corrupt(&file, offset, 1 << random.random_range(0..8)));
            self.epoch.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// The next blob from a hash on that an object uses, or another blob; the first of all after the last.
fn linked(objects: &Objects, from: Hash) -> Option<BlobRow> {
    let index = objects.store().index();
    let mut all = index.all_links(from).chain(index.all_links(Hash::default()));
    let hash = all.find_map(|row| row.ok().filter(|(_, links)| *links > 0))?.0;
    index.blob(&hash).ok()?
}
