//! The store's header.

use std::path::Path;
use std::sync::Arc;

use crate::world::{DIR, World, folder};

#[test]
fn a_damaged_store_header_is_refused_in_plain_words() {
    let world = World::new();
    let path = Path::new(DIR).join("STORE");
    for offset in 0..world.vfs.read_file(&path).unwrap().len() as u64 {
        for bit in 0..8 {
            let vfs = world.vfs.snapshot();
            vfs.corrupt(&path, offset, 1 << bit).unwrap();
            let error = folder(Arc::new(vfs), Path::new(DIR), false).err().unwrap().to_string();
            assert!(error.contains("STORE is damaged"), "{offset} {bit}: {error}");
        }
    }
}
