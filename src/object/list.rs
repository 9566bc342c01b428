//! ListObjects, both versions.

use deltastore_format::VersionPut;

use crate::object::Objects;
use crate::object::error::ObjectError;

/// A ListObjects or ListObjectsV2. Empty texts are like absent ones.
#[derive(Clone, Debug, Default)]
pub struct ListInput {
    pub bucket: String,
    pub prefix: String,
    pub delimiter: String,
    /// `marker` (v1) or `start-after` (v2).
    pub after: String,
    /// `continuation-token` (v2); goes before `after`.
    pub token: Option<String>,
    /// 0 gives an empty page; over 1,000 counts as 1,000.
    pub max_keys: Option<i32>,
}

/// A page of a listing, both lists in ascending order of bytes.
#[derive(Clone, Debug, Default)]
pub struct ListOutput {
    pub objects: Vec<VersionPut>,
    pub prefixes: Vec<String>,
    /// The limit that was applied.
    pub max_keys: usize,
    pub truncated: bool,
    /// `NextMarker` (v1), when truncated: the last key or common prefix of the page.
    pub next_marker: Option<String>,
    /// `NextContinuationToken` (v2), when truncated.
    pub next_token: Option<String>,
}

impl Objects {
    /// # Errors
    /// `NoSuchBucket`; `InvalidArgument` for a token that is not ours or a negative `max_keys`.
    pub fn list_objects(&self, _input: &ListInput) -> Result<ListOutput, ObjectError> {
        unimplemented!()
    }
}
