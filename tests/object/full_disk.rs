//! A disk that fills up: what was acknowledged stays, what is refused leaves nothing, and deleting gives room again.

use std::path::Path;
use std::sync::Arc;

use deltastore::index::MemEngine;
use deltastore::object::{ObjectError, Objects};
use deltastore::store::{CollectOptions, Folder, Settings, Store, bugs::Bugs};
use deltastore_segment::vfs::{SimClock, SimVfs};

use crate::support::S3;

const MIB: u64 = 1 << 20;
const DISK: u64 = 48 * MIB;

/// Objects on a disk with [`DISK`] bytes, of which the reserve is kept free for what gives room back.
fn small_disk() -> S3 {
    let (clock, vfs) = (Arc::new(SimClock::new(1_700_000_000_000)), SimVfs::new());
    vfs.set_free_bytes(DISK);
    let folder = Folder::open(Arc::new(vfs), Path::new("/data"), &*clock, true).unwrap();
    let settings = Settings { segment_bytes: 4 * MIB, reserve_bytes: 14 * MIB, ..Settings::default() };
    let objects =
        Objects::new(Store::open(folder, Arc::new(MemEngine::new()), clock, settings, Bugs::default()).unwrap());
    futures::executor::block_on(objects.create_bucket("bucket")).unwrap();
    S3 { objects }
}

fn body(number: usize) -> Vec<u8> {
    let mut state = number as u64 + 1;
    let mut next = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 56) as u8
    };
    (0..MIB).map(|_| next()).collect()
}

/// Puts objects from `first` on until one is refused; the number of that one.
async fn fill(s3: &S3, first: usize) -> usize {
    for number in first..first + DISK as usize {
        match s3.put(&format!("{number}"), &body(number)).await {
            Ok(_) => {}
            Err(ObjectError::StorageFull) => return number,
            Err(error) => panic!("{number}: {error}"),
        }
    }
    panic!("the disk never fills");
}

async fn check(s3: &S3, there: impl Iterator<Item = usize>) {
    for number in there {
        assert!(s3.get(&format!("{number}")).await.unwrap() == body(number), "{number}");
    }
}

#[tokio::test]
async fn deleting_on_a_full_disk_makes_room_for_writes() {
    let s3 = small_disk();
    let refused = fill(&s3, 0).await;
    assert!((25..48).contains(&refused), "{refused} objects of 1 MiB");
    let missing = s3.get(&format!("{refused}")).await.unwrap_err();
    assert_eq!(missing.code(), "NoSuchKey");
    assert_eq!(s3.put("again", &body(999)).await.unwrap_err(), ObjectError::StorageFull);
    check(&s3, 0..refused).await;

    for number in (0..refused).step_by(2) {
        s3.delete(&format!("{number}")).await.unwrap();
    }
    let report = s3.objects.store().collect(CollectOptions::THOROUGH, &mut |_| ()).unwrap();
    assert!(report.freed_bytes >= refused as u64 / 2 * MIB - 4 * MIB, "{report:?}");

    let again = fill(&s3, refused).await;
    assert!(again - refused >= refused / 2 - 4, "{} fit after {} were deleted", again - refused, refused.div_ceil(2));
    check(&s3, (1..refused).step_by(2).chain(refused..again)).await;
}
