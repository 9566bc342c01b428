//! How one object is stored.

use std::borrow::Cow;

use deltastore_format::VersionPut;
use deltastore_format::commit::StorageType;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::object::Objects;
use crate::object::content::run_read;
use crate::object::error::ObjectError;
use crate::object::get::ATTEMPTS;
use crate::object::identity::VersionId;
use crate::store::{Inspection, ReadPins, StoreError};

/// Pieces and members of an object in one job, so that reads of clients get their turn in between.
const STEP: usize = 64;

/// Most windows, members and recipe nodes of an object that is inspected while clients are served, which are about 64
/// GiB of it, of archives 20: the report is held in memory, up to 1 KiB for each of them.
const MAX_BLOBS: usize = 64 << 10;

/// What is told of one version of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspected {
    pub bucket: String,
    pub key: String,
    pub version_id: String,
    /// In RFC 3339, to the second.
    pub modified: String,
    pub etag: String,
    /// `reference`, `delta` or `passthrough`.
    pub storage_type: Cow<'static, str>,
    pub optimized: bool,
    /// 0 unless it was uploaded in parts.
    pub parts: usize,
    #[serde(flatten)]
    pub inspection: Inspection,
}

impl Inspected {
    /// What the inspection of a version's recipe found, with what its row says.
    pub fn new(bucket: &str, version: VersionPut, inspection: Inspection) -> Self {
        Self {
            bucket: bucket.to_owned(),
            version_id: VersionId::of(&version).to_string(),
            modified: date(version.modified_ms),
            storage_type: storage_type_name(version.storage_type).into(),
            optimized: version.optimized,
            parts: version.parts.len(),
            inspection,
            key: version.key,
            etag: version.etag,
        }
    }
}

impl Objects {
    /// How an object is stored at this moment, whatever becomes of it meanwhile. Reads on the read pool, a few pieces a
    /// job.
    ///
    /// # Errors
    /// Those of finding a version; `InvalidRequest` if it is too large to be inspected beside clients; `Damaged`;
    /// `OperationAborted` if it changed again and again.
    pub async fn inspect_object(
        &self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<Inspected, ObjectError> {
        let (version, _pins) = self.find_pinned(bucket, key, version_id)?;
        let mut survey = self.store.survey(&version.recipe);
        loop {
            let (returned, more) = run_read(&self.store, move |_| {
                let more = survey.step(STEP);
                (survey, more)
            })
            .await?;
            survey = returned;
            if survey.blobs() > MAX_BLOBS {
                return Err(ObjectError::InvalidRequest(format!(
                    "the object has more than {MAX_BLOBS} windows and members, too many to be inspected while the server runs: \
                     stop it and inspect its folder"
                )));
            }
            if !more.map_err(told)? {
                break;
            }
        }
        let inspection = run_read(&self.store, move |_| survey.finish()).await?.map_err(told)?;
        Ok(Inspected::new(bucket, version, inspection))
    }

    fn find_pinned(
        &self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<(VersionPut, ReadPins), ObjectError> {
        for _ in 0..ATTEMPTS {
            let version = self.find_version(bucket, key, version_id)?.put;
            // It was overwritten or removed in between: then there is something newer to tell of, or nothing.
            if let Some(pinned) = self.pin_version(&version)? {
                return Ok(pinned);
            }
        }
        Err(ObjectError::OperationAborted)
    }
}

/// How clients and administrators are told how an object is stored.
pub fn storage_type_name(storage_type: StorageType) -> &'static str {
    match storage_type {
        StorageType::Reference => "reference",
        StorageType::Delta => "delta",
        StorageType::Passthrough => "passthrough",
    }
}

/// Where damage is, is what an administrator asks for.
fn told(error: StoreError) -> ObjectError {
    if error.is_damage() { ObjectError::Damaged(error.to_string()) } else { error.into() }
}

fn date(modified_ms: u64) -> String {
    let seconds = i64::try_from(modified_ms / 1000).unwrap_or(0);
    let date = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    date.format(&Rfc3339).unwrap_or_default()
}
