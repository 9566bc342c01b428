//! GetObjectAttributes.

use deltastore_format::PartInfo;
use s3s::dto::{
    self, GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectAttributesParts, ObjectAttributes, ObjectPart,
};
use s3s::{S3Response, S3Result, s3_error};

use crate::object::{AttributesInput, AttributesOutput};
use crate::s3::error::to_s3_error;
use crate::s3::ops::convert::{checksum_type_of, count, etag, listed_class, set_checksum, size, timestamp};
use crate::s3::ops::{Answer, Operation, Operations, Request};

pub struct GetObjectAttributes;

impl Operation for GetObjectAttributes {
    type Input = GetObjectAttributesInput;
    type Output = GetObjectAttributesOutput;

    async fn run(
        operations: &Operations,
        request: Request<GetObjectAttributesInput>,
    ) -> Answer<GetObjectAttributesOutput> {
        let input = request.input;
        let asked = asked(&input.object_attributes)?;
        let found = operations
            .objects
            .object_attributes(&AttributesInput {
                bucket: input.bucket,
                key: input.key,
                version_id: input.version_id,
                part_number_marker: input.part_number_marker,
                max_parts: input.max_parts,
            })
            .map_err(to_s3_error)?;
        let version = &found.version;
        let mut output = GetObjectAttributesOutput {
            last_modified: Some(timestamp(version.modified_ms)),
            ..GetObjectAttributesOutput::default()
        };
        if asked.contains(&ObjectAttributes::ETAG) {
            output.e_tag = etag(&version.etag);
        }
        if asked.contains(&ObjectAttributes::CHECKSUM) && version.checksum.is_some() {
            let mut checksum = dto::Checksum {
                checksum_type: checksum_type_of(version.checksum.as_ref()),
                ..dto::Checksum::default()
            };
            set_checksum!(checksum, &version.checksum, version.parts.len());
            output.checksum = Some(checksum);
        }
        if asked.contains(&ObjectAttributes::OBJECT_PARTS) && found.parts_count > 0 {
            output.object_parts = Some(parts(&found));
        }
        if asked.contains(&ObjectAttributes::OBJECT_SIZE) {
            output.object_size = Some(size(version.size));
        }
        if asked.contains(&ObjectAttributes::STORAGE_CLASS) {
            output.storage_class = Some(dto::StorageClass::from(listed_class(&version.metadata)));
        }
        Ok(S3Response::new(output))
    }
}

/// What is asked for: names in several headers, or in one with commas.
fn asked(attributes: &[ObjectAttributes]) -> S3Result<Vec<&str>> {
    const KNOWN: [&str; 5] = [
        ObjectAttributes::CHECKSUM,
        ObjectAttributes::ETAG,
        ObjectAttributes::OBJECT_PARTS,
        ObjectAttributes::OBJECT_SIZE,
        ObjectAttributes::STORAGE_CLASS,
    ];
    let names: Vec<_> = attributes.iter().flat_map(|names| names.as_str().split(',')).map(str::trim).collect();
    match names.iter().find(|name| !KNOWN.contains(name)) {
        None => Ok(names),
        Some(_) => Err(s3_error!(InvalidArgument, "Invalid attribute name specified.")),
    }
}

fn parts(found: &AttributesOutput) -> GetObjectAttributesParts {
    GetObjectAttributesParts {
        is_truncated: Some(found.truncated),
        max_parts: Some(count(found.max_parts)),
        next_part_number_marker: found.next_part_number_marker.map(i32::from),
        part_number_marker: Some(i32::from(found.part_number_marker)),
        parts: Some(found.parts.iter().map(part).collect()),
        total_parts_count: Some(i32::try_from(found.parts_count).unwrap_or(i32::MAX)),
    }
}

fn part(part: &PartInfo) -> ObjectPart {
    let mut shown =
        ObjectPart { part_number: Some(i32::from(part.number)), size: Some(size(part.size)), ..ObjectPart::default() };
    set_checksum!(shown, &part.checksum, 0);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_named_by_the_header() {
        let of = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| ObjectAttributes::from((*name).to_owned())).collect();
            asked(&names).map(|names| names.len()).map_err(|error| error.code().as_str().to_owned())
        };
        assert_eq!((of(&["ETag"]), of(&["ETag, Checksum", "ObjectSize"])), (Ok(1), Ok(3)));
        for wrong in ["", "ETag,", "etag", "ETag,Nonsense"] {
            assert_eq!(of(&[wrong]), Err("InvalidArgument".to_owned()), "{wrong}");
        }
    }
}
