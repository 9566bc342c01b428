//! Bytes that do not compress, and clients in threads.

use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// A small random generator; the same seed gives the same bytes.
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A seed that no other run uses, so that nothing is a duplicate of what an earlier one stored.
    pub fn fresh() -> Self {
        Self(rand::random::<u64>() | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.fill(&mut bytes);
        bytes
    }
}

/// Runs `work` in as many threads as there are inputs, all started together; the time until the last has ended.
pub fn together<T: Send>(inputs: Vec<T>, work: impl Fn(T) + Sync) -> Duration {
    let barrier = Barrier::new(inputs.len() + 1);
    let (barrier, work) = (&barrier, &work);
    let mut started = Instant::now();
    std::thread::scope(|scope| {
        for input in inputs {
            scope.spawn(move || {
                barrier.wait();
                work(input);
            });
        }
        barrier.wait();
        started = Instant::now();
    });
    started.elapsed()
}

/// A folder on a real disk; gone when dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} stays: {error}", self.0.display());
        }
    }
}

/// A new folder in `$DELTASTORE_BENCH_DIR`, by default where cargo builds: that is no memory disk.
pub fn folder() -> Folder {
    let base = std::env::var_os("DELTASTORE_BENCH_DIR").map_or_else(
        || std::env::current_exe().expect("this program's path").with_file_name("speed-data"),
        PathBuf::from,
    );
    let path = base.join(format!("{:016x}", rand::random::<u64>()));
    std::fs::create_dir_all(&path).expect("a folder for data");
    Folder(path)
}
