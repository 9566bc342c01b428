//! The end of a store that others still hold, and of work that is under way.

use std::path::Path;
use std::sync::Arc;

use deltastore::index::MemEngine;
use deltastore::object::Objects;
use deltastore::store::{CollectOptions, Folder, Settings, Store, StoreError, bugs::Bugs};
use deltastore_segment::vfs::{SimClock, SimVfs};

use crate::support::{S3, bytes};

const MIB: usize = 1 << 20;

fn open(vfs: &SimVfs, engine: &Arc<MemEngine>) -> Store {
    let clock = Arc::new(SimClock::new(1_700_000_000_000));
    let folder = Folder::open(Arc::new(vfs.clone()), Path::new("/data"), &*clock, true).unwrap();
    let settings = Settings { segment_bytes: 4 * MIB as u64, reserve_bytes: 0, ..Settings::default() };
    Store::open(folder, engine.clone(), clock, settings, Bugs::default()).unwrap()
}

/// A store of several segments, half of whose bytes are garbage.
async fn with_garbage() -> (SimVfs, Arc<MemEngine>, S3) {
    let (vfs, engine) = (SimVfs::new(), Arc::new(MemEngine::new()));
    let s3 = S3 { objects: Objects::new(open(&vfs, &engine)) };
    s3.objects.create_bucket("bucket").await.unwrap();
    for number in 0..24 {
        s3.put(&number.to_string(), &bytes(MIB, number)).await.unwrap();
    }
    for number in (0..24).step_by(2) {
        s3.delete(&number.to_string()).await.unwrap();
    }
    (vfs, engine, s3)
}

async fn has_the_rest(s3: &S3) {
    for number in (1..24).step_by(2) {
        assert!(s3.get(&number.to_string()).await.unwrap() == bytes(MIB, number), "{number}");
    }
}

#[tokio::test]
async fn a_collection_ends_in_the_middle_of_its_compactions() {
    let (_vfs, _engine, s3) = with_garbage().await;
    let store = s3.objects.store().clone();
    let mut reports = Vec::new();
    let ended = store.collect(CollectOptions::THOROUGH, &mut |done| {
        reports.push(*done);
        if done.segments == 1 {
            store.stop_background();
        }
    });
    assert!(matches!(ended, Err(StoreError::ReadOnly(_))), "{ended:?}");
    assert_eq!(reports.last().map(|done| done.segments), Some(1), "{reports:?}");
    has_the_rest(&s3).await;
    s3.put("more", b"requests go on").await.unwrap();
}

#[tokio::test]
async fn a_store_is_closed_cleanly_while_others_hold_it() {
    let (vfs, engine, s3) = with_garbage().await;
    let store = s3.objects.store().clone();
    store.close();
    assert!(store.is_stopping());
    let refused = s3.put("late", b"refused").await.unwrap_err();
    assert_eq!(refused.status(), 503, "{refused}");
    assert!(store.collect(CollectOptions::THOROUGH, &mut |_| ()).is_err());
    store.close();
    drop((store, s3));
    let s3 = S3 { objects: Objects::new(open(&vfs, &engine)) };
    has_the_rest(&s3).await;
    assert_eq!(s3.get("late").await.unwrap_err().code(), "NoSuchKey");
}
