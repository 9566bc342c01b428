//! Opening a data folder without changing it, even on a read-only file system.
//!
//! Bringing the index up to the log's end writes to it. That is done to a copy in a temporary folder below `TMPDIR`,
//! which is removed after the check.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deltastore_segment::vfs::{Clock, RealVfs, SystemClock};

use crate::index::{RocksSettings, open_derived};
use crate::store::{Folder, Problem, Settings, Store, StoreError};

/// A store opened for reading. The order of fields matters: the store is dropped before the files that it reads.
pub struct Looked {
    pub store: Store,
    /// Problems of its index.
    pub problems: Vec<Problem>,
    _scratch: Scratch,
}

/// Opens a folder for reading.
///
/// # Errors
/// Errors of reading, and of writing the copy.
pub fn look(dir: &Path) -> Result<Looked, StoreError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let folder = Folder::open_read_only(Arc::new(RealVfs), dir, clock.as_ref())?;
    let scratch = Scratch::new()?;
    let index = folder.index_dir();
    copy(&index, &scratch.0).map_err(|error| {
        let (from, to) = (index.display(), scratch.0.display());
        StoreError::Unusable(format!("cannot copy {from} to {to}: {error}; set TMPDIR to another folder"))
    })?;
    let (engine, damage) = open_derived(&scratch.0, &RocksSettings::default())?;
    let problems = damage.map(|error| {
        // The message names the index, not the temporary copy.
        let (copy, own) = (scratch.0.display().to_string(), index.display().to_string());
        let error = error.to_string().replace(&copy, &own);
        Problem { subject: "index".into(), reason: format!("{error}; the next start rebuilds it from the segments") }
    });
    let store = Store::open_read_only(folder, engine, clock, Settings::default())?;
    Ok(Looked { store, problems: problems.into_iter().collect(), _scratch: scratch })
}

/// Copies the files of an index; a missing index counts as empty.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_file() && entry.file_name() != "LOCK" {
            let target = to.join(entry.file_name());
            fs::copy(entry.path(), &target)?;
            // The copy of a read-only file must be writable.
            let mut permissions = fs::metadata(&target)?.permissions();
            std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
            fs::set_permissions(&target, permissions)?;
        }
    }
    Ok(())
}

/// A folder that is removed when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> io::Result<Self> {
        let path = std::env::temp_dir().join(format!("deltastore-{:016x}", rand::random::<u64>()));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, folder = %self.0.display(), "cannot remove a temporary folder");
        }
    }
}
