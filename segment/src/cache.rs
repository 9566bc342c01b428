//! A cache on disk of what is dear to make again: plain windows and re-created members.
//!
//! It is no part of what is stored: each entry is a file `cache/<SHA-256 of its bytes>`, never synced, checked by
//! whoever reads it, and the folder may be deleted at any time. Least recently used entries go first, and all of them
//! before the disk is full.
//!
//! Invariants: no more than the limit is kept; a read never waits for a write; an entry that cannot be read is
//! forgotten.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, bounded};
use deltastore_format::Hash;
use parking_lot::Mutex;

use super::vfs::Vfs;

/// Name of the folder inside the data folder.
const CACHE_DIR: &str = "cache";
/// Entries that may wait to be written; what comes when they are that many is not kept.
const QUEUE: usize = 4;

/// See the module. Dropping it finishes the writes that wait.
pub struct DiskCache {
    shared: Arc<Shared>,
    sender: Option<Sender<(Hash, Bytes)>>,
    writer: Option<JoinHandle<()>>,
}

struct Shared {
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    limit: u64,
    /// Free bytes of the disk that the cache leaves to others.
    reserve: u64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    entries: HashMap<Hash, (u64, u64)>,
    /// By last use.
    order: BTreeMap<u64, Hash>,
    uses: u64,
    bytes: u64,
}

impl DiskCache {
    /// The cache of data folder `dir`, of at most `limit` bytes, while the disk has `reserve` bytes free beside it.
    /// None for a limit of 0 or where its folder cannot be used, which is no reason not to serve.
    pub fn open(vfs: Arc<dyn Vfs>, dir: &Path, limit: u64, reserve: u64) -> Option<Self> {
        let dir = dir.join(CACHE_DIR);
        if limit == 0 {
            return None;
        }
        let shared = Arc::new(Shared { vfs, dir, limit, reserve, kept: Mutex::default() });
        let opened = shared.load().and_then(|()| {
            let (sender, receiver) = bounded(QUEUE);
            let writing = Arc::clone(&shared);
            let writer =
                std::thread::Builder::new().name("cache".into()).spawn(move || writing.write_all(&receiver))?;
            Ok((sender, writer))
        });
        match opened {
            Ok((sender, writer)) => Some(Self { shared, sender: Some(sender), writer: Some(writer) }),
            Err(error) => {
                tracing::warn!(%error, "no cache on disk");
                None
            }
        }
    }

    /// The bytes of an entry, not verified.
    pub fn get(&self, hash: &Hash) -> Option<Bytes> {
        let len = self.shared.kept.lock().touch(hash)?;
        let read = || -> std::io::Result<Vec<u8>> {
            let file = self.shared.vfs.open(&self.shared.path(hash))?;
            let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
            file.read_exact_at(&mut bytes, 0)?;
            Ok(bytes)
        };
        read().inspect_err(|_| self.forget(hash)).ok().map(Bytes::from)
    }

    /// Drops an entry that is not what it must be.
    pub fn forget(&self, hash: &Hash) {
        let kept = self.shared.kept.lock().remove(hash);
        if kept {
            self.shared.unlink(hash);
        }
    }

    /// Drops all entries: a full disk has better use for their room.
    pub fn clear(&self) {
        self.shared.evict(0);
    }

    /// Keeps an entry, unless too many wait to be written; with `wait`, waits for its place instead.
    pub fn put(&self, hash: Hash, bytes: &Bytes, wait: bool) {
        let Some(sender) = &self.sender else { return };
        if self.shared.kept.lock().touch(&hash).is_some() {
            return;
        }
        // A failure means that the queue is full, or the writer gone: then it is not kept.
        let _ = if wait {
            sender.send((hash, bytes.clone())).is_ok()
        } else {
            sender.try_send((hash, bytes.clone())).is_ok()
        };
    }
}

impl Drop for DiskCache {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(writer) = self.writer.take() {
            drop(writer.join());
        }
    }
}

impl Shared {
    fn path(&self, hash: &Hash) -> PathBuf {
        self.dir.join(hash.to_string())
    }

    /// Learns what an earlier process left.
    fn load(&self) -> std::io::Result<()> {
        self.vfs.create_dir(&self.dir)?;
        let mut kept = self.kept.lock();
        for name in self.vfs.list(&self.dir)? {
            let path = self.dir.join(&name);
            match (parse(&name), self.vfs.open(&path).and_then(|file| file.len())) {
                (Some(hash), Ok(len)) => kept.add(hash, len),
                _ => drop(self.vfs.remove(&path)),
            }
        }
        Ok(())
    }

    fn write_all(&self, receiver: &Receiver<(Hash, Bytes)>) {
        for (hash, bytes) in receiver {
            let len = bytes.len() as u64;
            let free = self.vfs.free_bytes(&self.dir).unwrap_or(0);
            let room = if free < self.reserve.saturating_add(len) { 0 } else { self.limit };
            self.evict(room.saturating_sub(len));
            if len > room {
                continue;
            }
            let path = self.path(&hash);
            let written = self.vfs.create(&path).and_then(|file| file.write_all_at(&bytes, 0));
            match written {
                Ok(()) => self.kept.lock().add(hash, len),
                Err(error) => {
                    tracing::debug!(%error, "not kept in the cache");
                    self.unlink(&hash);
                }
            }
        }
    }

    /// Lets go of entries until no more than `bytes` are kept.
    fn evict(&self, bytes: u64) {
        loop {
            let oldest = {
                let mut kept = self.kept.lock();
                if kept.bytes <= bytes {
                    return;
                }
                let Some(oldest) = kept.order.values().next().copied() else { return };
                kept.remove(&oldest);
                oldest
            };
            self.unlink(&oldest);
        }
    }

    fn unlink(&self, hash: &Hash) {
        // What is left behind is found at the next start.
        let _ = self.vfs.remove(&self.path(hash));
    }
}

impl Kept {
    fn add(&mut self, hash: Hash, len: u64) {
        self.remove(&hash);
        self.uses += 1;
        self.entries.insert(hash, (len, self.uses));
        self.order.insert(self.uses, hash);
        self.bytes += len;
    }

    fn remove(&mut self, hash: &Hash) -> bool {
        let Some((len, used)) = self.entries.remove(hash) else { return false };
        self.order.remove(&used);
        self.bytes -= len;
        true
    }

    /// Notes a use; the entry's length.
    fn touch(&mut self, hash: &Hash) -> Option<u64> {
        let (len, _) = *self.entries.get(hash)?;
        self.add(*hash, len);
        Some(len)
    }
}

fn parse(name: &str) -> Option<Hash> {
    let bytes = hex::decode(name).ok()?;
    Some(Hash(bytes.try_into().ok()?)).filter(|hash| hash.to_string() == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::SimVfs;

    fn entry(name: u8, len: usize) -> (Hash, Bytes) {
        (Hash([name; 32]), Bytes::from(vec![name; len]))
    }

    fn open(vfs: &Arc<SimVfs>, limit: u64) -> DiskCache {
        DiskCache::open(Arc::clone(vfs) as Arc<dyn Vfs>, Path::new("/data"), limit, 0).expect("a cache")
    }

    fn put(cache: &DiskCache, name: u8, len: usize) {
        let (hash, bytes) = entry(name, len);
        cache.put(hash, &bytes, true);
        while cache.sender.as_ref().is_some_and(|sender| !sender.is_empty()) {
            std::thread::yield_now();
        }
    }

    #[test]
    fn entries_outlive_the_process_and_the_oldest_goes_first() {
        let vfs = Arc::new(SimVfs::new());
        let cache = open(&vfs, 100);
        put(&cache, 1, 40);
        put(&cache, 2, 40);
        drop(cache);
        let cache = open(&vfs, 100);
        assert_eq!(cache.get(&entry(2, 40).0), Some(entry(2, 40).1));
        assert_eq!(cache.get(&entry(1, 40).0), Some(entry(1, 40).1));
        put(&cache, 3, 40);
        drop(cache);
        let cache = open(&vfs, 100);
        let there = [1, 2, 3].map(|name| cache.get(&entry(name, 40).0).is_some());
        assert_eq!(there, [true, false, true]);
        put(&cache, 4, 101);
        drop(cache);
        assert!(open(&vfs, 100).get(&entry(4, 101).0).is_none());
    }

    #[test]
    fn what_cannot_be_read_is_forgotten() {
        let vfs = Arc::new(SimVfs::new());
        let cache = open(&vfs, 100);
        put(&cache, 1, 40);
        drop(cache);
        let cache = open(&vfs, 100);
        vfs.remove(&Path::new("/data/cache").join(entry(1, 40).0.to_string())).expect("there");
        assert_eq!(cache.get(&entry(1, 40).0), None);
        assert_eq!(cache.shared.kept.lock().bytes, 0);
    }

    #[test]
    fn a_limit_of_nothing_is_no_cache() {
        assert!(DiskCache::open(Arc::new(SimVfs::new()), Path::new("/data"), 0, 0).is_none());
    }
}
