//! The source of the objects: files of a folder, or a bucket.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use futures::StreamExt;
use tokio::sync::mpsc;

use super::error::EstimateError;
use crate::cli::remote::client_of_bucket;
use crate::cli::target::S3Target;
use crate::object::{Body, MAX_KEY_LEN, ObjectError};
use crate::remote::Client;

/// Bytes of a file that are read at a time.
const CHUNK: usize = 256 << 10;

/// A file or object of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub key: String,
    /// In bytes, when it was listed.
    pub size: u64,
    pub modified_ms: u64,
    /// The file, in a folder.
    pub path: PathBuf,
}

/// All objects, in no order.
#[derive(Default)]
pub struct Items {
    pub items: Vec<Item>,
    /// Files and folders that could not be examined.
    pub unreadable: u64,
}

/// See the module.
pub enum Source {
    Folder(PathBuf),
    Bucket { client: Box<Client>, target: S3Target },
}

impl Source {
    /// The source that the command line names.
    ///
    /// # Errors
    /// A path that is not a folder, a bucket without credentials, an invalid endpoint.
    pub fn new(text: &str, endpoint: Option<&str>) -> Result<Self, EstimateError> {
        if !text.starts_with("s3://") {
            let failed = |source| EstimateError::Path { path: text.to_owned(), source };
            let is_folder = std::fs::metadata(text).map_err(failed)?.is_dir();
            return if is_folder { Ok(Self::Folder(text.into())) } else { Err(EstimateError::NotAFolder(text.into())) };
        }
        let target: S3Target = text.parse().map_err(EstimateError::Target)?;
        let client = Box::new(client_of_bucket(endpoint)?);
        Ok(Self::Bucket { client, target })
    }

    /// All objects; `found` gets their number so far.
    ///
    /// # Errors
    /// A folder that cannot be listed, and errors of the server.
    pub async fn list(&self, found: &(dyn Fn(usize) + Sync)) -> Result<Items, EstimateError> {
        let mut all = Items::default();
        match self {
            Self::Folder(root) => {
                walk(root, found, &mut all)?;
            }
            Self::Bucket { client, target } => {
                let mut token = None;
                loop {
                    let page = client.list(&target.bucket, &target.key, token.as_deref()).await?;
                    let items = page.objects.into_iter().map(|object| Item {
                        key: object.key,
                        size: object.size,
                        modified_ms: object.modified_ms,
                        path: PathBuf::new(),
                    });
                    all.items.extend(items);
                    found(all.items.len());
                    match page.next {
                        Some(next) => token = Some(next),
                        None => break,
                    }
                }
            }
        }
        Ok(all)
    }

    /// An object's bytes; none if it cannot be read or was deleted.
    ///
    /// # Errors
    /// Errors of the server, except for a deleted object.
    pub async fn open(&self, item: &Item) -> Result<Option<Body>, EstimateError> {
        match self {
            Self::Folder(_) => Ok(File::open(&item.path).ok().map(read_file)),
            Self::Bucket { client, target } => {
                let body = client.get(&target.bucket, &item.key).await?;
                Ok(body.map(|body| {
                    body.map(|bytes| bytes.map_err(|error| ObjectError::Internal(error.to_string()))).boxed()
                }))
            }
        }
    }
}

/// The files below `root`, without symbolic links, sockets and other special files.
fn walk(root: &Path, found: &dyn Fn(usize), all: &mut Items) -> Result<(), EstimateError> {
    let failed = |source| EstimateError::Path { path: root.display().to_string(), source };
    let mut open = vec![(root.to_path_buf(), String::new())];
    let mut keys = HashSet::new();
    while let Some((dir, prefix)) = open.pop() {
        let entries = match std::fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if dir == root => return Err(failed(error)),
            Err(_) => {
                all.unreadable += 1;
                continue;
            }
        };
        for entry in entries {
            // The entry's own metadata: a link is a link.
            let Ok((entry, metadata)) = entry.and_then(|entry| entry.metadata().map(|metadata| (entry, metadata)))
            else {
                all.unreadable += 1;
                continue;
            };
            let key = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if metadata.is_dir() {
                open.push((entry.path(), key + "/"));
            } else if metadata.is_file() {
                let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                let modified_ms = modified.map_or(0, |age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
                let key = unique(key, &mut keys);
                all.items.push(Item { key, size: metadata.len(), modified_ms, path: entry.path() });
                found(all.items.len());
            }
        }
    }
    Ok(())
}

/// A unique valid key: names that are not UTF-8 may collide, and paths can be longer than keys.
fn unique(key: String, keys: &mut HashSet<String>) -> String {
    let fits = (key.len() <= MAX_KEY_LEN).then(|| key.clone());
    let from = |key: &str, room: usize| (key.len().saturating_sub(room)..).find(|&at| key.is_char_boundary(at));
    let mut name = fits.unwrap_or_else(|| key[from(&key, MAX_KEY_LEN).unwrap_or(0)..].to_owned());
    let mut number = 1;
    while !keys.insert(name.clone()) {
        let suffix = format!("~{number}");
        name = key[from(&key, MAX_KEY_LEN - suffix.len()).unwrap_or(0)..].to_owned() + &suffix;
        number += 1;
    }
    name
}

/// A file's bytes, read on a blocking thread.
fn read_file(mut file: File) -> Body {
    let (sender, mut receiver) = mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut chunk = vec![0; CHUNK];
            let read = file.read(&mut chunk);
            let piece = match read {
                Ok(0) => break,
                Ok(len) => {
                    chunk.truncate(len);
                    Ok(Bytes::from(chunk))
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                // As a body that ends early, the file counts as unreadable.
                Err(_) => Err(ObjectError::IncompleteBody { expected: 0, found: 0 }),
            };
            let failed = piece.is_err();
            if sender.blocking_send(piece).is_err() || failed {
                break;
            }
        }
    });
    futures::stream::poll_fn(move |context| receiver.poll_recv(context)).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_become_keys_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::write(root.join("a/b/c"), b"123").unwrap();
        std::fs::write(root.join("d"), b"").unwrap();
        std::os::unix::fs::symlink("..", root.join("a/up")).unwrap();
        std::os::unix::fs::symlink("d", root.join("e")).unwrap();
        let mut all = Items::default();
        walk(root, &|_| {}, &mut all).unwrap();
        let mut found: Vec<_> = all.items.iter().map(|item| (item.key.as_str(), item.size)).collect();
        found.sort_unstable();
        assert_eq!((found, all.unreadable), (vec![("a/b/c", 3), ("d", 0)], 0));
    }

    #[test]
    fn keys_stay_short_and_apart() {
        let mut keys = HashSet::new();
        let long = "ü/".repeat(600);
        let first = unique(long.clone(), &mut keys);
        let second = unique(long, &mut keys);
        assert!(first.len() <= MAX_KEY_LEN && second.len() <= MAX_KEY_LEN && second.ends_with("~1"));
        assert_eq!(unique("a".into(), &mut keys), "a");
        assert_eq!(unique("a".into(), &mut keys), "a~1");
    }
}
