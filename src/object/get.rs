//! GetObject and HeadObject.

use std::ops::Range;

use deltastore_format::{Checksum, VersionPut};

use crate::object::condition::{RangeCondition, ReadConditions};
use crate::object::content::{BodyReader, read_body};
use crate::object::error::ObjectError;
use crate::object::identity::VersionId;
use crate::object::name::check_key;
use crate::object::range::ByteRange;
use crate::object::{MAX_PARTS, Objects, write};
use crate::store::bugs::Bug;
use crate::store::{ReadPins, VersionRow};

/// How often a reader looks again when the version it found went away before its first bytes were read.
pub(super) const ATTEMPTS: usize = 5;

/// A GetObject or HeadObject.
#[derive(Clone, Debug, Default)]
pub struct GetInput {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
    pub range: Option<ByteRange>,
    /// Ignores `range` unless it holds.
    pub range_condition: Option<RangeCondition>,
    /// Excludes `range`.
    pub part_number: Option<u32>,
    pub conditions: ReadConditions,
}

/// What a HEAD answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadOutput {
    pub version: VersionPut,
    /// Bytes of the object that the answer covers: for Content-Length and Content-Range.
    pub range: Range<u64>,
    /// The request asked for a range or a part: 206.
    pub partial: bool,
    /// Parts of a multipart object, when a part was asked for.
    pub parts_count: Option<u32>,
}

impl HeadOutput {
    /// The checksum of the bytes that the answer covers: the object's for all of it, a part's for exactly that part. An
    /// object that was not uploaded in parts is its own only part.
    pub fn checksum(&self) -> Option<&Checksum> {
        let version = &self.version;
        if !self.partial || version.parts.is_empty() && self.range == (0..version.size) {
            return version.checksum.as_ref();
        }
        let mut end = 0;
        let part = version.parts.iter().find(|part| {
            let start = end;
            end += part.size;
            part.size > 0 && self.range == (start..end)
        });
        part.and_then(|part| part.checksum.as_ref())
    }
}

/// What a GET answers.
pub struct GetOutput {
    pub head: HeadOutput,
    /// The bytes of `head.range`; the first of them are already verified.
    pub body: BodyReader,
}

impl Objects {
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`, `MethodNotAllowed`, `NotModified`, `PreconditionFailed`,
    /// `InvalidRange`, `InvalidPartNumber`, `InvalidRequest`; `Internal` if the first bytes are damaged.
    pub async fn get_object(&self, input: GetInput) -> Result<GetOutput, ObjectError> {
        let mut attempt = 1;
        loop {
            let head = self.head_object(&input)?;
            match self.open_body(&head.version, head.range.clone())? {
                Some(body) => return Ok(GetOutput { head, body: body.prime().await? }),
                // It was overwritten or removed in between: then there is something newer to answer with.
                None if attempt < ATTEMPTS => attempt += 1,
                None => return Err(ObjectError::OperationAborted),
            }
        }
    }

    /// # Errors
    /// Those of [`Objects::get_object`].
    pub fn head_object(&self, input: &GetInput) -> Result<HeadOutput, ObjectError> {
        let version = self.find_version(&input.bucket, &input.key, input.version_id.as_deref())?.put;
        input.conditions.check(&version)?;
        if input.range.is_some() && input.part_number.is_some() {
            return Err(ObjectError::InvalidRequest("cannot specify both Range header and partNumber".into()));
        }
        let holds = input.range_condition.as_ref().is_none_or(|condition| condition.holds(&version));
        let asked = input.range.filter(|range| holds && !range.is_all_of_nothing(version.size));
        let (range, parts_count) = match (asked, input.part_number) {
            (Some(requested), _) => {
                let size = version.size;
                (requested.resolve(size).ok_or(ObjectError::InvalidRange { requested, size })?, None)
            }
            (None, Some(number)) => part_range(&version, number)?,
            (None, None) => (0..version.size, None),
        };
        // A part of an empty object is no range that Content-Range could name.
        let range = if self.store.bugs().has(Bug::RangeOffByOne) && range.start > 0 {
            range.start - 1..range.end - 1
        } else {
            range
        };
        let partial = asked.is_some() || input.part_number.is_some() && !range.is_empty();
        Ok(HeadOutput { version, range, partial, parts_count })
    }

    /// The version that a request names.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`, `MethodNotAllowed`, `InvalidArgument`, `KeyTooLong`.
    pub(super) fn find_version(
        &self,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<VersionRow, ObjectError> {
        check_key(key)?;
        let index = self.store.index();
        let bucket = self.bucket_id(bucket)?;
        let Some(text) = version_id else {
            return write::current(index, bucket, key)?.ok_or_else(|| ObjectError::NoSuchKey { key: key.to_owned() });
        };
        let row = match VersionId::parse(text)? {
            VersionId::Null => write::null_version(index, bucket, key)?,
            VersionId::Sequence(sequence) => index.version(bucket, key, sequence)?.filter(|row| !row.put.null_version),
        };
        match row {
            Some(row) if row.put.delete_marker => Err(ObjectError::MethodNotAllowed),
            Some(row) => Ok(row),
            None => Err(ObjectError::NoSuchVersion { key: key.to_owned(), version_id: text.to_owned() }),
        }
    }

    /// Reads a range of a version; what it needs is kept from collection until the reader is dropped. None if the
    /// version is gone.
    pub(super) fn open_body(&self, version: &VersionPut, range: Range<u64>) -> Result<Option<BodyReader>, ObjectError> {
        let pinned = self.pin_version(version)?;
        Ok(pinned.map(|(now, pins)| read_body(&self.store, &self.budget, &now.recipe, range, pins)))
    }

    /// A version in its present form, kept from collection as long as the pins are held. None if it is gone.
    pub(super) fn pin_version(&self, version: &VersionPut) -> Result<Option<(VersionPut, ReadPins)>, ObjectError> {
        let mut recipe = version.recipe.clone();
        loop {
            let pins = self.store.pin_recipe(&recipe);
            let Some(now) = self.same_version(version)? else { return Ok(None) };
            // Pins hold only what was there when they were made: the optimizer may have stored it anew just before.
            if let Some(pins) = pins.filter(|_| now.recipe == recipe) {
                return Ok(Some((now, pins)));
            }
            recipe = now.recipe;
        }
    }

    /// Whether the very version no longer exists, or is stored in another form.
    pub(super) fn is_changed(&self, version: &VersionPut) -> Result<bool, ObjectError> {
        Ok(self.same_version(version)?.is_none_or(|now| now.recipe != version.recipe))
    }

    /// A version as it is now, if it still exists.
    pub(super) fn same_version(&self, version: &VersionPut) -> Result<Option<VersionPut>, ObjectError> {
        let row = self.store.index().version(version.bucket, &version.key, version.version)?;
        Ok(row.map(|row| row.put))
    }
}

/// The bytes of a part and the number of parts; an object that was not uploaded in parts is its own only part.
fn part_range(version: &VersionPut, number: u32) -> Result<(Range<u64>, Option<u32>), ObjectError> {
    if number == 0 || number > u32::from(MAX_PARTS) {
        return Err(ObjectError::InvalidArgument(format!("partNumber must be an integer between 1 and {MAX_PARTS}")));
    }
    let count = version.parts.len();
    if count == 0 && number == 1 {
        return Ok((0..version.size, None));
    }
    let parts_count = u32::try_from(count.max(1)).unwrap_or(u32::MAX);
    let before = number as usize - 1;
    let part = version.parts.get(before).ok_or(ObjectError::InvalidPartNumber { number, count: parts_count })?;
    let start = version.parts[..before].iter().map(|part| part.size).sum::<u64>();
    Ok((start..start + part.size, Some(parts_count)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::write::tests::version;
    use deltastore_format::{ChecksumAlgorithm, PartInfo};

    #[test]
    fn checksums_of_what_is_covered() {
        let mut version = version("k");
        let sum = |value| {
            Some(Checksum { algorithm: ChecksumAlgorithm::Crc32, composite: value == 0, value: vec![value; 4] })
        };
        (version.size, version.checksum) = (10, sum(0));
        let found = |version: &VersionPut, range: Range<u64>, partial| {
            let head = HeadOutput { version: version.clone(), range, partial, parts_count: None };
            head.checksum().map(|checksum| checksum.value[0])
        };
        assert_eq!(found(&version, 0..10, false), Some(0));
        assert_eq!(found(&version, 0..10, true), Some(0));
        assert_eq!(found(&version, 0..9, true), None);
        let part = |number, size| PartInfo { number, size, checksum: sum(number as u8) };
        version.parts = vec![part(1, 4), part(2, 6), part(3, 0)];
        assert_eq!(found(&version, 0..10, false), Some(0));
        assert_eq!(found(&version, 0..10, true), None);
        assert_eq!(found(&version, 0..4, true), Some(1));
        assert_eq!(found(&version, 4..10, true), Some(2));
        assert_eq!(found(&version, 4..9, true), None);
        assert_eq!(found(&version, 10..10, true), None);
    }

    #[test]
    fn parts_are_ranges() {
        let mut object = version("k");
        object.size = 10;
        assert_eq!(part_range(&object, 1), Ok((0..10, None)));
        assert_eq!(part_range(&object, 2), Err(ObjectError::InvalidPartNumber { number: 2, count: 1 }));
        let part = |number, size| PartInfo { number, size, checksum: None };
        object.parts = vec![part(1, 6), part(2, 4), part(3, 0)];
        assert_eq!(part_range(&object, 1), Ok((0..6, Some(3))));
        assert_eq!(part_range(&object, 2), Ok((6..10, Some(3))));
        assert_eq!(part_range(&object, 3), Ok((10..10, Some(3))));
        assert_eq!(part_range(&object, 4), Err(ObjectError::InvalidPartNumber { number: 4, count: 3 }));
        for bad in [0, 10_001] {
            assert_eq!(part_range(&object, bad).map_err(|error| error.code()), Err("InvalidArgument"));
        }
    }
}
