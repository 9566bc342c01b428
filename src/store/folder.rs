//! The data folder: its lock, its header, and the manifest as it was found.
//!
//! Invariant: one process a folder. The lock is held as long as a [`Folder`] lives.
//!
//! Failure cases: `STORE` that is missing or damaged is made again from the manifest, or else from the segments'
//! headers (`identity.rs`); a newer format is refused, by whichever file tells it, and nothing is changed.

mod identity;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deltastore_format::store::{BASE_VERSION, STORE_HEADER_LEN};
use deltastore_format::{DecodeError, Epoch, Manifest, SegmentId, StoreHeader, StoreId};
use deltastore_segment::vfs::{Clock, ReadOnlyVfs, Vfs, create_dir_durable, replace_file};
use deltastore_segment::{ManifestFiles, list_segments, read_manifest, segment_dir, write_manifest};

use super::error::StoreError;
use super::problem::Problem;

const LOCK: &str = "LOCK";
const HEADER: &str = "STORE";
const INDEX: &str = "index";

/// A locked data folder with a header that this build understands.
pub struct Folder {
    pub vfs: Arc<dyn Vfs>,
    pub dir: PathBuf,
    pub header: StoreHeader,
    /// As it was when the folder was opened.
    pub(super) manifest: ManifestFiles,
    /// What was not as it must be, and is made good by whoever may write.
    pub(super) problems: Vec<Problem>,
    pub(super) read_only: bool,
    _lock: Box<dyn Send + Sync>,
}

/// What a file that should hold the header holds.
enum Found {
    Header(StoreHeader),
    Missing,
    Damaged(String),
}

impl Folder {
    /// Opens a folder; makes it a store first if `create` and there is nothing of a store in it.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] with a sentence for the operator: in use, newer, damaged beyond repair or no store.
    pub fn open(vfs: Arc<dyn Vfs>, dir: &Path, clock: &dyn Clock, create: bool) -> Result<Self, StoreError> {
        if create {
            create_dir_durable(vfs.as_ref(), &segment_dir(dir))
                .map_err(|error| unusable(dir, format!("cannot create the data folder: {error}")))?;
        }
        Self::locked(vfs, dir, clock, create, false)
    }

    /// Opens a folder to look at it: nothing in it is changed, and it may lie on a file system that is read-only.
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub fn open_read_only(vfs: Arc<dyn Vfs>, dir: &Path, clock: &dyn Clock) -> Result<Self, StoreError> {
        Self::locked(Arc::new(ReadOnlyVfs::new(vfs)), dir, clock, false, true)
    }

    fn locked(
        vfs: Arc<dyn Vfs>,
        dir: &Path,
        clock: &dyn Clock,
        create: bool,
        read_only: bool,
    ) -> Result<Self, StoreError> {
        if !create && !holds_store(vfs.as_ref(), dir)? {
            return Err(unusable(dir, "is not a Deltastore data folder (it has no STORE file)".into()));
        }
        let lock = vfs.lock(&dir.join(LOCK)).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => unusable(dir, "in use by another process".into()),
            _ => unusable(dir, format!("cannot lock it: {error}")),
        })?;
        let manifest = read_manifest(vfs.as_ref(), dir)
            .map_err(|error| unusable(dir, format!("was written by a newer Deltastore, or cannot be read: {error}")))?;
        let segments = segments_of(vfs.as_ref(), dir)?;
        let mut folder = Self {
            dir: dir.to_path_buf(),
            header: StoreHeader { format_version: 0, store: StoreId([0; 16]), epoch: Epoch(1), created_ms: 0 },
            manifest,
            problems: Vec::new(),
            read_only,
            vfs,
            _lock: lock,
        };
        // The manifest of a new store comes before its header.
        let lists_none = folder.manifest.newest.as_ref().is_none_or(|manifest| manifest.segments.is_empty());
        folder.header = match folder.read_header()? {
            Found::Header(header) => header,
            Found::Missing if create && segments.is_empty() && lists_none => folder.make_store(clock)?,
            Found::Missing => folder.remake_header(&segments, "is missing")?,
            Found::Damaged(reason) => folder.remake_header(&segments, &reason)?,
        };
        folder.check_manifest(&segments)?;
        Ok(folder)
    }

    /// Where the index lies.
    pub fn index_dir(&self) -> PathBuf {
        self.dir.join(INDEX)
    }

    /// What is wrong with the folder's own files.
    pub(super) fn note(&mut self, path: &Path, reason: &str) {
        tracing::warn!(file = %path.display(), reason, "a file of the data folder is not as it must be");
        self.problems.push(Problem { subject: path.display().to_string(), reason: reason.to_owned() });
    }

    fn read_header(&self) -> Result<Found, StoreError> {
        let path = self.dir.join(HEADER);
        if !self.vfs.exists(&path)? {
            return Ok(Found::Missing);
        }
        let file = self.vfs.open(&path)?;
        let mut bytes = vec![0; usize::try_from(file.len()?).unwrap_or(0).min(STORE_HEADER_LEN + 1)];
        file.read_exact_at(&mut bytes, 0)?;
        match StoreHeader::decode(&bytes) {
            Ok(header) => Ok(Found::Header(header)),
            Err(DecodeError::Version { found, known, .. }) => Err(StoreError::Unusable(format!(
                "{} was written by a newer Deltastore: format version {found}, this build knows {known}",
                self.dir.display()
            ))),
            Err(error) => Ok(Found::Damaged(format!("is damaged: {error}"))),
        }
    }

    fn make_store(&mut self, clock: &dyn Clock) -> Result<StoreHeader, StoreError> {
        let header = StoreHeader {
            format_version: BASE_VERSION,
            store: StoreId(rand::random()),
            epoch: Epoch(1),
            created_ms: clock.now_ms(),
        };
        // In this order: a store of this version without a manifest has lost it.
        let manifest = Manifest { header: header.clone(), generation: 1, next: SegmentId(1), segments: Vec::new() };
        write_manifest(self.vfs.as_ref(), &self.dir, &manifest)?;
        self.write_header(&header)?;
        self.manifest = ManifestFiles { newest: Some(manifest), intact: true, ..ManifestFiles::default() };
        Ok(header)
    }

    /// Holds the manifest against the header, and raises an older store to this build's version before anything is
    /// written that only this version defines.
    fn check_manifest(&mut self, segments: &[SegmentId]) -> Result<(), StoreError> {
        if self.header.format_version < BASE_VERSION {
            let header = StoreHeader { format_version: BASE_VERSION, ..self.header.clone() };
            // What an interrupted raise left was not kept up by the older build.
            let manifest = self.manifest_of(&header, segments)?;
            if !self.read_only {
                write_manifest(self.vfs.as_ref(), &self.dir, &manifest)?;
                self.write_header(&header)?;
                self.header = header;
            }
            self.manifest = ManifestFiles { newest: Some(manifest), intact: true, ..ManifestFiles::default() };
            return Ok(());
        }
        if let Some(newest) = &self.manifest.newest
            && newest.header.store != self.header.store
        {
            return Err(unusable(
                &self.dir,
                "STORE and SEGMENTS are of different stores; remove the one that does not belong to the segments, it is \
                 made again from the other"
                    .into(),
            ));
        }
        for (path, reason) in std::mem::take(&mut self.manifest.problems) {
            self.note(&path, &reason);
        }
        Ok(())
    }

    fn write_header(&self, header: &StoreHeader) -> Result<(), StoreError> {
        Ok(write_header(self.vfs.as_ref(), &self.dir, header)?)
    }
}

/// Writes `STORE`, durably.
pub(super) fn write_header(vfs: &dyn Vfs, dir: &Path, header: &StoreHeader) -> std::io::Result<()> {
    replace_file(vfs, &dir.join(HEADER), &header.to_bytes())
}

fn unusable(dir: &Path, reason: String) -> StoreError {
    StoreError::Unusable(format!("{}: {reason}", dir.display()))
}

/// True when something of a store is there.
fn holds_store(vfs: &dyn Vfs, dir: &Path) -> Result<bool, StoreError> {
    if vfs.exists(&dir.join(HEADER)).unwrap_or(false) {
        return Ok(true);
    }
    let manifest = read_manifest(vfs, dir).map(|found| !found.absent).unwrap_or(false);
    Ok(manifest || segments_of(vfs, dir).is_ok_and(|segments| !segments.is_empty()))
}

fn segments_of(vfs: &dyn Vfs, dir: &Path) -> Result<Vec<SegmentId>, StoreError> {
    match list_segments(vfs, dir) {
        Err(error) if error.is_missing() => Ok(Vec::new()),
        other => Ok(other?),
    }
}
