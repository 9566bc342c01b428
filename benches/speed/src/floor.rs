//! What the machine can do at best, without a server.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use md5::Md5;
use sha2::{Digest, Sha256};

use crate::data::{Noise, together};

const CHUNK: usize = 256 << 10;

/// The bodies through MD5, SHA-256, `write` and one `fdatasync` each, a thread for each.
pub fn store(dir: &Path, bodies: &[Vec<u8>]) -> Duration {
    let inputs: Vec<(usize, &Vec<u8>)> = bodies.iter().enumerate().collect();
    let time = together(inputs, |(number, body)| {
        let mut file = File::create(dir.join(format!("floor-{number}"))).expect("a file");
        let (mut md5, mut sha256) = (Md5::new(), Sha256::new());
        for chunk in body.chunks(CHUNK) {
            md5.update(chunk);
            sha256.update(chunk);
            file.write_all(chunk).expect("the disk takes it");
        }
        file.sync_data().expect("the disk syncs");
        std::hint::black_box((md5.finalize(), sha256.finalize()));
    });
    for number in 0..bodies.len() {
        std::fs::remove_file(dir.join(format!("floor-{number}"))).expect("a file to remove");
    }
    time
}

/// `pread` and SHA-256 of files that are in the page cache, a thread for each.
pub fn load(dir: &Path, bodies: &[Vec<u8>]) -> Duration {
    let paths: Vec<_> = (0..bodies.len()).map(|number| dir.join(format!("floor-{number}"))).collect();
    paths.iter().zip(bodies).for_each(|(path, body)| std::fs::write(path, body).expect("a file"));
    let time = together(paths.clone(), |path| {
        let file = File::open(path).expect("the file");
        let (mut buffer, mut sha256, mut at) = (vec![0; CHUNK], Sha256::new(), 0);
        loop {
            let read = file.read_at(&mut buffer, at).expect("its bytes");
            if read == 0 {
                break;
            }
            sha256.update(&buffer[..read]);
            at += read as u64;
        }
        std::hint::black_box(sha256.finalize());
    });
    paths.iter().for_each(|path| std::fs::remove_file(path).expect("a file to remove"));
    time
}

/// `fdatasync` calls a second, each after 4 KiB more.
pub fn syncs(dir: &Path, time: Duration) -> f64 {
    let path = dir.join("floor-sync");
    let mut file = OpenOptions::new().create(true).append(true).open(&path).expect("a file");
    let block = Noise::fresh().bytes(4096);
    let (started, mut count) = (Instant::now(), 0);
    while started.elapsed() < time {
        file.write_all(&block).expect("the disk takes it");
        file.sync_data().expect("the disk syncs");
        count += 1;
    }
    let rate = f64::from(count) / started.elapsed().as_secs_f64();
    std::fs::remove_file(path).expect("a file to remove");
    rate
}
