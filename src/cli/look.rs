//! Opening a data folder without changing anything in it, be it on a file system that is read-only.
//!
//! Bringing the index up to the log's end writes to it, so that is done to a copy, in a folder of its own below the
//! system's folder for temporary files (`TMPDIR`), which goes when the check is over.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::index::{RocksSettings, open_derived};
use crate::segment::vfs::{Clock, RealVfs, SystemClock};
use crate::store::{Folder, Problem, Settings, Store, StoreError};

/// A store that is looked at. In this order: the store goes before the files that it reads.
pub struct Looked {
    pub store: Store,
    /// What is wrong with its index.
    pub problems: Vec<Problem>,
    _scratch: Scratch,
}

/// Opens a folder to look at it.
///
/// # Errors
/// What reading gives, and writing the copy.
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
        // The copy is nobody's business, and gone when this is read.
        let (copy, own) = (scratch.0.display().to_string(), index.display().to_string());
        let error = error.to_string().replace(&copy, &own);
        Problem { subject: "index".into(), reason: format!("{error}; the next start rebuilds it from the segments") }
    });
    let store = Store::open_read_only(folder, engine, clock, Settings::default())?;
    Ok(Looked { store, problems: problems.into_iter().collect(), _scratch: scratch })
}

/// Copies the files of an index; one that is not there is an empty one.
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
            // Of a copy of a file that may only be read, too.
            let mut permissions = fs::metadata(&target)?.permissions();
            std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
            fs::set_permissions(&target, permissions)?;
        }
    }
    Ok(())
}

/// A folder that goes when it is dropped.
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
