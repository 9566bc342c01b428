//! GetObjectAttributes.

use deltastore_format::{PartInfo, VersionPut};

use crate::object::Objects;
use crate::object::error::ObjectError;
use crate::object::list::{page_limit, part_marker};

/// A GetObjectAttributes; which attributes are shown is up to the caller.
#[derive(Clone, Debug, Default)]
pub struct AttributesInput {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
    pub part_number_marker: Option<i32>,
    pub max_parts: Option<i32>,
}

/// An object's attributes and a page of its parts.
#[derive(Clone, Debug)]
pub struct AttributesOutput {
    pub version: VersionPut,
    /// 0 unless it came from a multipart upload.
    pub parts_count: u32,
    pub parts: Vec<PartInfo>,
    pub max_parts: usize,
    pub truncated: bool,
    pub part_number_marker: u16,
    pub next_part_number_marker: Option<u16>,
}

impl Objects {
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`, `MethodNotAllowed`, `InvalidArgument`.
    pub fn object_attributes(&self, input: &AttributesInput) -> Result<AttributesOutput, ObjectError> {
        let max_parts = page_limit("max-parts", input.max_parts)?;
        let marker = part_marker(input.part_number_marker)?.unwrap_or(0);
        let version = self.find_version(&input.bucket, &input.key, input.version_id.as_deref())?.put;
        Ok(page(version, marker, max_parts))
    }
}

fn page(version: VersionPut, marker: u16, max_parts: usize) -> AttributesOutput {
    let mut rest = version.parts.iter().filter(|part| part.number > marker);
    let parts: Vec<_> = rest.by_ref().take(max_parts).cloned().collect();
    let truncated = max_parts > 0 && rest.next().is_some();
    AttributesOutput {
        parts_count: u32::try_from(version.parts.len()).unwrap_or(u32::MAX),
        next_part_number_marker: parts.last().filter(|_| truncated).map(|part| part.number),
        max_parts,
        truncated,
        part_number_marker: marker,
        parts,
        version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::write::tests::version;

    #[test]
    fn pages_of_parts() {
        let mut object = version("k");
        object.parts = (1..=5).map(|number| PartInfo { number, size: 1, checksum: None }).collect();
        let page = |marker, max| {
            let output = page(object.clone(), marker, max);
            assert_eq!((output.parts_count, output.part_number_marker), (5, marker));
            let numbers: Vec<_> = output.parts.iter().map(|part| part.number).collect();
            (numbers, output.truncated, output.next_part_number_marker)
        };
        assert_eq!(page(0, 2), (vec![1, 2], true, Some(2)));
        assert_eq!(page(2, 3), (vec![3, 4, 5], false, None));
        assert_eq!(page(4, 100), (vec![5], false, None));
        assert_eq!(page(0, 0), (vec![], false, None));
        assert_eq!(page(9, 2), (vec![], false, None));
    }
}
