//! The data folder: its lock and its header.
//!
//! Invariant: one process a folder. The lock is held as long as a [`Folder`] lives.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deltastore_format::store::{FORMAT_VERSION, STORE_HEADER_LEN};
use deltastore_format::{DecodeError, Epoch, StoreHeader, StoreId};

use super::error::StoreError;
use crate::segment::vfs::{Clock, Vfs, create_dir_durable, replace_file};
use crate::segment::{list_segments, segment_dir};

const LOCK: &str = "LOCK";
const HEADER: &str = "STORE";
const INDEX: &str = "index";

/// A locked data folder with a header that this build understands.
pub struct Folder {
    pub vfs: Arc<dyn Vfs>,
    pub dir: PathBuf,
    pub header: StoreHeader,
    _lock: Box<dyn Send + Sync>,
}

impl Folder {
    /// Opens a folder; makes it a store first if `create` and there is nothing of a store in it.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] with a sentence for the operator: in use, newer, damaged or no store.
    pub fn open(vfs: Arc<dyn Vfs>, dir: &Path, clock: &dyn Clock, create: bool) -> Result<Self, StoreError> {
        let unusable = |reason: String| StoreError::Unusable(format!("{}: {reason}", dir.display()));
        if create {
            create_dir_durable(vfs.as_ref(), &segment_dir(dir))
                .map_err(|error| unusable(format!("cannot create the data folder: {error}")))?;
        } else if !vfs.exists(&dir.join(HEADER)).unwrap_or(false) {
            return Err(unusable("is not a Deltastore data folder (it has no STORE file)".into()));
        }
        let lock = vfs.lock(&dir.join(LOCK)).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => unusable("in use by another process".into()),
            _ => unusable(format!("cannot lock it: {error}")),
        })?;
        let header = match read_header(vfs.as_ref(), dir)? {
            Some(header) => header,
            None if list_segments(vfs.as_ref(), dir)?.is_empty() => make_header(vfs.as_ref(), dir, clock)?,
            None => return Err(unusable("it has segments but its STORE file is missing".into())),
        };
        let header = raised(vfs.as_ref(), dir, header)?;
        Ok(Self { vfs, dir: dir.to_path_buf(), header, _lock: lock })
    }

    /// Where the index lies.
    pub fn index_dir(&self) -> PathBuf {
        self.dir.join(INDEX)
    }
}

fn read_header(vfs: &dyn Vfs, dir: &Path) -> Result<Option<StoreHeader>, StoreError> {
    let path = dir.join(HEADER);
    if !vfs.exists(&path)? {
        return Ok(None);
    }
    let mut bytes = [0; STORE_HEADER_LEN];
    let decoded = vfs.open(&path)?.read_exact_at(&mut bytes, 0).map(|()| StoreHeader::decode(&bytes));
    match decoded {
        Ok(Ok(header)) => Ok(Some(header)),
        Ok(Err(DecodeError::Version { found, known, .. })) => Err(StoreError::Unusable(format!(
            "{} was written by a newer Deltastore: format version {found}, this build knows {known}",
            dir.display()
        ))),
        Ok(Err(error)) => Err(StoreError::Unusable(format!("{} is damaged: {error}", path.display()))),
        Err(error) => Err(StoreError::Unusable(format!("{} cannot be read: {error}", path.display()))),
    }
}

/// Raises an older store to this build's version, before anything is written that only this version defines.
fn raised(vfs: &dyn Vfs, dir: &Path, header: StoreHeader) -> Result<StoreHeader, StoreError> {
    if header.format_version >= FORMAT_VERSION {
        return Ok(header);
    }
    let header = StoreHeader { format_version: FORMAT_VERSION, ..header };
    replace_file(vfs, &dir.join(HEADER), &header.to_bytes())?;
    Ok(header)
}

fn make_header(vfs: &dyn Vfs, dir: &Path, clock: &dyn Clock) -> Result<StoreHeader, StoreError> {
    let header = StoreHeader {
        format_version: FORMAT_VERSION,
        store: StoreId(rand::random()),
        epoch: Epoch(1),
        created_ms: clock.now_ms(),
    };
    replace_file(vfs, &dir.join(HEADER), &header.to_bytes())?;
    Ok(header)
}
