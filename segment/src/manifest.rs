//! The manifest of segments on disk: `SEGMENTS` and `SEGMENTS.copy`, of which the newer that is whole counts.
//!
//! Each is replaced whole, one after the other, so that a crash leaves two that are whole. A file that is missing or
//! damaged is made again from the other.

use std::io;
use std::path::{Path, PathBuf};

use deltastore_format::{DecodeError, Manifest};

use super::vfs::{Vfs, replace_file};

const NAMES: [&str; 2] = ["SEGMENTS", "SEGMENTS.copy"];

/// What the files hold.
#[derive(Debug, Default)]
pub struct ManifestFiles {
    /// The newest manifest that is whole.
    pub newest: Option<Manifest>,
    /// Files that are not what they must be, each with the reason.
    pub problems: Vec<(PathBuf, String)>,
    /// Neither file is there.
    pub absent: bool,
    /// Both files hold `newest`.
    pub intact: bool,
}

/// A manifest that a newer build wrote, or the file system's error.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("{path}: {source}", path = .path.display())]
    Newer { path: PathBuf, source: DecodeError },
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads both files of the data folder `dir`.
///
/// # Errors
/// See [`ManifestError`]; a missing or damaged file is none.
pub fn read_manifest(vfs: &dyn Vfs, dir: &Path) -> Result<ManifestFiles, ManifestError> {
    let mut found = ManifestFiles { absent: true, ..ManifestFiles::default() };
    let mut whole = Vec::new();
    for path in NAMES.map(|name| dir.join(name)) {
        if !vfs.exists(&path)? {
            found.problems.push((path, "is missing".into()));
            continue;
        }
        found.absent = false;
        let file = vfs.open(&path)?;
        let mut bytes = vec![0; usize::try_from(file.len()?).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, 0)?;
        match Manifest::decode(&bytes) {
            Ok(manifest) => whole.push(manifest),
            Err(source @ DecodeError::Version { .. }) => return Err(ManifestError::Newer { path, source }),
            Err(error) => found.problems.push((path, format!("is damaged: {error}"))),
        }
    }
    found.intact = matches!(&whole[..], [one, other] if one == other);
    found.newest = whole.into_iter().max_by_key(|manifest| manifest.generation);
    // The very first one was cut off between the files: nothing was stored yet.
    if found.newest.as_ref().is_some_and(|newest| newest.generation == 1) {
        found.problems.retain(|(path, _)| vfs.exists(path).unwrap_or(true));
    }
    Ok(found)
}

/// Replaces both files, durably.
///
/// # Errors
/// The file system's: then each file is the old or the new one.
pub fn write_manifest(vfs: &dyn Vfs, dir: &Path, manifest: &Manifest) -> io::Result<()> {
    let bytes = manifest.to_bytes();
    NAMES.iter().try_for_each(|name| replace_file(vfs, &dir.join(name), &bytes))
}

/// What [`write_manifest`] would be without its syncs: a planted bug.
///
/// # Errors
/// The file system's.
pub fn write_manifest_unsynced(vfs: &dyn Vfs, dir: &Path, manifest: &Manifest) -> io::Result<()> {
    for name in NAMES {
        let (path, temporary) = (dir.join(name), dir.join(format!("{name}.tmp")));
        if vfs.exists(&temporary)? {
            vfs.remove(&temporary)?;
        }
        vfs.create(&temporary)?.write_all_at(&manifest.to_bytes(), 0)?;
        vfs.rename(&temporary, &path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use deltastore_format::{Epoch, SegmentId, StoreHeader, StoreId};

    use super::*;
    use crate::vfs::{Fault, FaultError, FaultOp, SimVfs};

    fn manifest(generation: u64) -> Manifest {
        let store = StoreId([7; 16]);
        let header = StoreHeader { format_version: 6, store, epoch: Epoch(1), created_ms: 5 };
        Manifest { header, generation, next: SegmentId(1), segments: Vec::new() }
    }

    #[test]
    fn the_newer_whole_one_counts_and_what_is_wrong_is_named() {
        let (vfs, dir) = (SimVfs::new(), Path::new("/d"));
        vfs.create_dir(dir).unwrap();
        let found = read_manifest(&vfs, dir).unwrap();
        assert!(found.absent && found.newest.is_none() && found.problems.len() == 2);
        write_manifest(&vfs, dir, &manifest(1)).unwrap();
        // The second file is not reached.
        vfs.fail(Fault::new(FaultOp::Rename, 0, FaultError::Io).on("copy"));
        write_manifest(&vfs, dir, &manifest(2)).unwrap_err();
        let found = read_manifest(&vfs, dir).unwrap();
        assert_eq!((found.newest, found.problems.len()), (Some(manifest(2)), 0));
        vfs.corrupt(&dir.join("SEGMENTS"), 20, 1).unwrap();
        let found = read_manifest(&vfs, dir).unwrap();
        assert_eq!((found.newest, found.problems.len()), (Some(manifest(1)), 1));
        vfs.remove(&dir.join("SEGMENTS.copy")).unwrap();
        let found = read_manifest(&vfs, dir).unwrap();
        assert!(found.newest.is_none() && !found.absent && found.problems.len() == 2);
        assert!(found.problems[0].1.contains("damaged") && found.problems[1].1.contains("missing"));
    }

    #[test]
    fn a_newer_one_is_refused() {
        let (vfs, dir) = (SimVfs::new(), Path::new("/d"));
        vfs.create_dir(dir).unwrap();
        let header = StoreHeader { format_version: 99, ..manifest(1).header };
        write_manifest(&vfs, dir, &Manifest { header, ..manifest(1) }).unwrap();
        assert!(matches!(read_manifest(&vfs, dir), Err(ManifestError::Newer { .. })));
    }
}
