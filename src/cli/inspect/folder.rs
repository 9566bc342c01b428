//! An object in the folder of a stopped server.

use std::path::Path;

use deltastore_format::VersionPut;

use crate::cli::open::open_store;
use crate::cli::target::S3Target;
use crate::object::{Inspected, VersionId};
use crate::store::{Store, StoreError};

/// How the object is stored.
///
/// # Errors
/// A folder that cannot be opened, a missing object, damage.
pub fn inspect(dir: &Path, target: &S3Target, version: Option<&str>) -> Result<Inspected, StoreError> {
    let store = open_store(dir, false)?;
    let put = find(&store, target, version)?;
    let inspection = store.inspect(&put.recipe)?;
    Ok(Inspected::new(&target.bucket, put, inspection))
}

/// The requested version.
fn find(store: &Store, target: &S3Target, version: Option<&str>) -> Result<VersionPut, StoreError> {
    let S3Target { bucket, key } = target;
    let none = |what: String| StoreError::Unusable(what);
    let row = store.index().bucket(bucket)?.ok_or_else(|| none(format!("there is no bucket {bucket:?}")))?;
    let mut versions = store.index().versions(row.put.bucket, key);
    let found = match version {
        None => versions.next().transpose()?,
        Some(id) => {
            let id = VersionId::parse(id).map_err(|error| none(error.to_string()))?;
            versions.find(|row| row.as_ref().map_or(true, |row| VersionId::of(&row.put) == id)).transpose()?
        }
    };
    match (found, version) {
        (Some(row), None) if row.put.delete_marker => {
            Err(none(format!("{key:?} is deleted in bucket {bucket:?}; its older versions have ids of their own")))
        }
        (Some(row), _) if row.put.delete_marker => Err(none(format!("that version of {key:?} is a delete marker"))),
        (Some(row), _) => Ok(row.put),
        (None, None) => Err(none(format!("there is no object {key:?} in bucket {bucket:?}"))),
        (None, Some(id)) => Err(none(format!("there is no version {id} of {key:?} in bucket {bucket:?}"))),
    }
}
