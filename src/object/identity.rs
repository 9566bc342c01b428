//! Version and upload ids as clients see them.

use deltastore_format::{Sequence, UploadId, VersionPut};

use crate::object::error::ObjectError;

/// A version id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionId {
    /// `null`: written while the bucket was not versioned.
    Null,
    Sequence(Sequence),
}

impl VersionId {
    /// The id of a stored version.
    pub fn of(put: &VersionPut) -> Self {
        if put.null_version { VersionId::Null } else { VersionId::Sequence(put.version) }
    }

    /// # Errors
    /// `InvalidArgument` if no version can have this id.
    pub fn parse(_text: &str) -> Result<Self, ObjectError> {
        unimplemented!()
    }
}

/// The upload id that a client gets.
pub fn format_upload_id(upload: UploadId) -> String {
    format!("{:016x}", upload.0)
}

/// # Errors
/// `NoSuchUpload` if no upload can have this id.
pub fn parse_upload_id(_text: &str) -> Result<UploadId, ObjectError> {
    unimplemented!()
}
