//! Opening a data folder on the real disk.

use std::path::Path;
use std::sync::Arc;

use deltastore_segment::vfs::{Clock, RealVfs, SystemClock};

use super::descriptors::Descriptors;
use crate::index::{Engine, RocksSettings, open_derived};
use crate::object::policy_of;
use crate::store::bugs::Bugs;
use crate::store::{Folder, Settings, Store, StoreError};

/// A folder with its lock, its index's engine and a clock.
pub struct Opened {
    pub folder: Folder,
    pub engine: Arc<dyn Engine>,
    pub clock: Arc<dyn Clock>,
}

/// Locks a folder and opens its index with at most `tables` open tables. A damaged index is discarded: it is derived,
/// and rebuilt when the store opens.
pub fn open(dir: &Path, create: bool, tables: i32) -> Result<Opened, StoreError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let folder = Folder::open(Arc::new(RealVfs), dir, clock.as_ref(), create)?;
    let settings = RocksSettings { max_open_files: tables, ..RocksSettings::default() };
    let (engine, damage) = open_derived(&folder.index_dir(), &settings)?;
    if let Some(error) = damage {
        tracing::error!(%error, "the index is damaged; it is rebuilt from the segments");
    }
    Ok(Opened { folder, engine, clock })
}

/// Size limit of the disk cache.
pub fn cache_bytes(folder: &Folder) -> u64 {
    Settings::disk_cache_for(folder.vfs.free_bytes(&folder.dir).unwrap_or(0))
}

/// Opens the store of an existing folder; `cached`: with its disk cache.
pub fn open_store(dir: &Path, cached: bool) -> Result<Store, StoreError> {
    let Descriptors { index, segments: open_segments, .. } = Descriptors::raise();
    let Opened { folder, engine, clock } = open(dir, false, index)?;
    let disk_cache_bytes = if cached { cache_bytes(&folder) } else { 0 };
    Store::open(
        folder,
        engine,
        clock,
        Settings { disk_cache_bytes, open_segments, policy_of, ..Settings::default() },
        Bugs::default(),
    )
}
