//! The store's header: it is made again from what the other files say.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use deltastore_format::store::FORMAT_VERSION;
use deltastore_format::{Manifest, StoreHeader};
use deltastore_segment::vfs::{SimVfs, Vfs};

use crate::world::{DIR, World, folder, open};

fn store() -> std::path::PathBuf {
    Path::new(DIR).join("STORE")
}

fn without_manifest(vfs: &SimVfs) {
    for name in ["SEGMENTS", "SEGMENTS.copy"] {
        vfs.remove(&Path::new(DIR).join(name)).unwrap();
    }
}

#[test]
fn a_damaged_store_header_is_made_again() {
    let world = World::new();
    let whole = world.vfs.read_file(&store()).unwrap();
    for offset in 0..whole.len() as u64 {
        for bit in 0..8 {
            let vfs = world.vfs.snapshot();
            vfs.corrupt(&store(), offset, 1 << bit).unwrap();
            drop(folder(Arc::new(vfs.clone()), Path::new(DIR), false).unwrap());
            assert_eq!(vfs.read_file(&store()).unwrap(), whole, "{offset} {bit}");
        }
    }
}

#[test]
fn a_missing_or_cut_one_is_made_again_and_everything_is_there() {
    let world = World::new();
    let whole = StoreHeader::decode(&world.vfs.read_file(&store()).unwrap()).unwrap();
    for (cut, manifest) in [(None, true), (None, false), (Some(20), true), (Some(20), false), (Some(0), false)] {
        let vfs = world.vfs.snapshot();
        match cut {
            Some(len) => vfs.open(&store()).unwrap().set_len(len).unwrap(),
            None => vfs.remove(&store()).unwrap(),
        }
        if !manifest {
            without_manifest(&vfs);
        }
        let s3 = open(&vfs, &world.engine.crash(usize::MAX)).unwrap();
        world.check(&s3, &BTreeSet::new(), "a header made again");
        let made = s3.store().header().clone();
        // Without a manifest the version is the highest that the reader knows.
        let version = if manifest { whole.format_version } else { FORMAT_VERSION };
        assert_eq!((made.store, made.epoch, made.format_version), (whole.store, whole.epoch, version));
        assert_eq!(StoreHeader::decode(&vfs.read_file(&store()).unwrap()).unwrap(), made);
    }
}

#[test]
fn a_newer_store_is_refused_whichever_file_tells() {
    let world = World::new();
    let vfs = world.vfs.snapshot();
    let newer = |header: &StoreHeader| StoreHeader { format_version: FORMAT_VERSION + 1, ..header.clone() };
    for name in ["SEGMENTS", "SEGMENTS.copy"] {
        let path = Path::new(DIR).join(name);
        let manifest = Manifest::decode(&vfs.read_file(&path).unwrap()).unwrap();
        let manifest = Manifest { header: newer(&manifest.header), ..manifest };
        vfs.open(&path).unwrap().write_all_at(&manifest.to_bytes(), 0).unwrap();
    }
    vfs.corrupt(&store(), 20, 1).unwrap();
    let (before, calls) = (vfs.read_file(&store()).unwrap(), vfs.files());
    let error = folder(Arc::new(vfs.clone()), Path::new(DIR), false).err().unwrap().to_string();
    assert!(error.contains("newer"), "{error}");
    assert_eq!((vfs.read_file(&store()).unwrap(), vfs.files()), (before, calls));
}

#[test]
fn segments_that_do_not_agree_make_no_header() {
    let (world, other) = (World::new(), World::new());
    let vfs = world.vfs.snapshot();
    without_manifest(&vfs);
    vfs.remove(&store()).unwrap();
    let path = vfs.files().into_iter().find(|path| path.extension().is_some()).unwrap();
    let foreign = other.vfs.read_file(&path).unwrap();
    vfs.remove(&path).unwrap();
    vfs.create(&path).unwrap().write_all_at(&foreign, 0).unwrap();
    let error = folder(Arc::new(vfs.clone()), Path::new(DIR), false).err().unwrap().to_string();
    assert!(error.contains("of different stores"), "{error}");
}
