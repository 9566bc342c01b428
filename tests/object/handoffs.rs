//! Thread hand-offs of a PUT: each costs some microseconds, and more where cores are few.

use deltastore::object::content::CHUNK;
use deltastore_format::{Hash, PlacedKind};
use rand::rngs::SmallRng;
use rand::{RngCore, SeedableRng};

use crate::support::S3;

/// Request to pool, pool to log, log to sync, sync to request.
const SMALL_PUT: u64 = 4;
/// Request to pool, pool to log, log to request.
const WINDOW: u64 = 3;
/// Request to pool and back, for cutting and for the MD5, which may let others go first once.
const CHUNK_OF_BODY: u64 = 5;

fn random(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    SmallRng::seed_from_u64(len as u64).fill_bytes(&mut bytes);
    bytes
}

#[tokio::test]
async fn a_small_object_takes_four() {
    let s3 = S3::new();
    for len in [0, 1, 1000, 100_000] {
        let before = s3.objects.store().handoffs().total();
        s3.put("small", &random(len)).await.unwrap();
        let found = s3.objects.store().handoffs().total() - before;
        println!("{len} bytes: {found} hand-offs");
        assert!(found <= SMALL_PUT, "{len} bytes: {found}");
    }
}

#[tokio::test]
async fn a_window_of_a_large_object_takes_three() {
    let s3 = S3::new();
    let before = s3.objects.store().handoffs().total();
    let put = s3.put("large", &random(20 << 20)).await.unwrap();
    let found = s3.objects.store().handoffs().total() - before;
    let rows = s3.objects.store().index().all_blobs(Hash::default());
    let windows = rows.filter(|row| row.as_ref().is_ok_and(|(_, row)| row.kind == PlacedKind::Window)).count() as u64;
    let chunks = put.size.div_ceil(CHUNK as u64) + 1;
    println!("{found} hand-offs, {windows} windows, {chunks} chunks");
    // Now and then what was appended is synced before its commit.
    let write_behind = 1;
    let most = WINDOW * windows + CHUNK_OF_BODY * chunks + SMALL_PUT + write_behind;
    assert!(found <= most, "{found} hand-offs for {windows} windows and {chunks} chunks");
}
