//! An empty store on a simulated disk.

use std::path::Path;
use std::sync::Arc;

use deltastore::index::MemEngine;
use deltastore::store::{Folder, Settings, Store, bugs::Bugs};
use deltastore_segment::vfs::{SimClock, SimVfs};

pub fn open() -> Store {
    open_on(&SimVfs::new(), Settings::default())
}

pub fn open_on(vfs: &SimVfs, settings: Settings) -> Store {
    let clock = Arc::new(SimClock::new(1_700_000_000_000));
    let folder = Folder::open(Arc::new(vfs.clone()), Path::new("/data"), &*clock, true).unwrap();
    Store::open(folder, Arc::new(MemEngine::new()), clock, settings, Bugs::default()).unwrap()
}
