//! Windows of an object that is being written, as references for those that come after them.

use std::collections::HashMap;

use deltastore_format::Hash;
use parking_lot::Mutex;

use crate::delta::{Candidate, Effort, Nearness};
use crate::store::blob::AppendedBlob;

/// Sketches of the windows of one object that is being written. They can be references before any index knows them.
pub struct ObjectSketches {
    /// Windows as deep as this can be nobody's reference within the object.
    max_depth: u8,
    own: Mutex<Own>,
}

#[derive(Default)]
struct Own {
    windows: Vec<Candidate>,
    /// For each feature the first windows that had it, by their number counted from 1; 0 for none.
    features: HashMap<u64, [u32; 2]>,
}

impl ObjectSketches {
    /// Features kept for one object, a few MB; what comes later in a long one is found through the index alone, once it
    /// is stored.
    const MAX_FEATURES: usize = 48 << 10;

    /// For windows encoded with this effort.
    pub fn new(effort: &Effort) -> Self {
        Self { max_depth: effort.max_own_depth, own: Mutex::default() }
    }

    /// Offers an appended window as a reference to those of the same object that come after it.
    pub fn appended(&self, window: &AppendedBlob) {
        let mut own = self.own.lock();
        let deep = window.row.depth >= self.max_depth;
        if deep || window.features.is_empty() || own.features.len() >= Self::MAX_FEATURES {
            return;
        }
        let (depth, raw_len) = (window.row.depth, window.row.raw_len);
        own.windows.push(Candidate { hash: window.hash, shared: 0, nearness: Nearness::Object, depth, raw_len });
        let number = u32::try_from(own.windows.len()).unwrap_or(0);
        for feature in &window.features {
            let windows = own.features.entry(*feature).or_default();
            if let Some(free) = windows.iter_mut().find(|window| **window == 0) {
                *free = number;
            }
        }
    }

    pub(super) fn find(&self, features: &[u64], mut found: impl FnMut(usize, Candidate)) {
        let own = self.own.lock();
        for (number, feature) in features.iter().enumerate() {
            for window in own.features.get(feature).into_iter().flatten().filter(|window| **window > 0) {
                own.windows.get(*window as usize - 1).into_iter().for_each(|candidate| found(number, *candidate));
            }
        }
    }

    pub(super) fn has(&self, hash: &Hash) -> bool {
        self.own.lock().windows.iter().any(|window| window.hash == *hash)
    }
}
