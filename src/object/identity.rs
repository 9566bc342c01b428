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
    pub fn parse(text: &str) -> Result<Self, ObjectError> {
        if text == "null" {
            return Ok(VersionId::Null);
        }
        parse_number(text)
            .map(|number| VersionId::Sequence(Sequence(number)))
            .ok_or_else(|| ObjectError::InvalidArgument(format!("invalid version id {text:?}")))
    }
}

impl std::fmt::Display for VersionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            VersionId::Null => f.write_str("null"),
            VersionId::Sequence(sequence) => write!(f, "{:016x}", sequence.0),
        }
    }
}

/// The upload id that a client gets.
pub fn format_upload_id(upload: UploadId) -> String {
    format!("{:016x}", upload.0)
}

/// # Errors
/// `NoSuchUpload` if no upload can have this id.
pub fn parse_upload_id(text: &str) -> Result<UploadId, ObjectError> {
    parse_number(text).map(UploadId).ok_or_else(|| ObjectError::NoSuchUpload { upload_id: text.to_owned() })
}

/// Only the form that is given out, so that one thing has one id.
fn parse_number(text: &str) -> Option<u64> {
    let canonical = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    canonical.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_both_ways() {
        for id in [VersionId::Null, VersionId::Sequence(Sequence(0)), VersionId::Sequence(Sequence(u64::MAX))] {
            assert_eq!(VersionId::parse(&id.to_string()), Ok(id));
        }
        assert_eq!(parse_upload_id(&format_upload_id(UploadId(77))), Ok(UploadId(77)));
        for bad in ["", "1", "+000000000000001", "000000000000000A", "00000000000000001", "NULL"] {
            assert!(VersionId::parse(bad).is_err(), "{bad:?}");
            assert_eq!(parse_upload_id(bad).map_err(|error| error.code()), Err("NoSuchUpload"));
        }
    }
}
