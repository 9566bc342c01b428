//! Object versions and delete markers.

use super::checksum::Checksum;
use super::describe::{Metadata, PartInfo, read_parts, write_parts};
use super::durable::Durable;
use super::extension::{read_extensions, write_extensions};
use super::put::{MAX_ETAG_LEN, PUT_VERSION, StorageType, read_key, read_storage_type};
use crate::error::DecodeError;
use crate::ids::{BucketId, Sequence, UploadId};
use crate::recipe::Recipe;
use crate::wire::{Reader, Wire, Writer, public_codec};

/// An object version or a delete marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionPut {
    pub bucket: BucketId,
    pub key: String,
    pub version: Sequence,
    /// True: S3's `null` version; false: its version id is made from `version`.
    pub null_version: bool,
    pub delete_marker: bool,
    pub modified_ms: u64,
    pub size: u64,
    /// Without quotes: MD5 in hex, or MD5 of MD5s with `-N`.
    pub etag: String,
    pub metadata: Metadata,
    pub checksum: Option<Checksum>,
    /// Empty unless it came from a multipart upload.
    pub parts: Vec<PartInfo>,
    pub storage_type: StorageType,
    /// Record bytes this put added to the segments.
    pub stored_bytes: u64,
    pub recipe: Recipe,
    /// The optimizer has made this recipe.
    pub optimized: bool,
    /// The multipart upload that was completed to it; none of a copy.
    pub upload: Option<UploadId>,
}

/// Names a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionId {
    pub bucket: BucketId,
    pub key: String,
    pub version: Sequence,
}

/// Extension of a version: the multipart upload that made it.
const UPLOAD: u16 = 1;

impl Durable for VersionPut {
    type Id = VersionId;

    fn id(&self) -> VersionId {
        VersionId { bucket: self.bucket, key: self.key.clone(), version: self.version }
    }

    fn sequence(id: &VersionId) -> u64 {
        id.version.0
    }

    fn recipe(&self) -> Option<&Recipe> {
        Some(&self.recipe)
    }
}

impl Wire for VersionId {
    const NAME: &'static str = "version id";

    fn write(&self, out: &mut Writer<'_>) {
        self.bucket.write(out);
        out.string(&self.key);
        self.version.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(VersionId { bucket: BucketId::read(input)?, key: read_key(input)?, version: Sequence::read(input)? })
    }
}

impl Wire for VersionPut {
    const NAME: &'static str = "version";

    fn write(&self, out: &mut Writer<'_>) {
        out.u8(PUT_VERSION);
        out.flags(&[self.null_version, self.delete_marker, self.optimized]);
        out.u8(self.storage_type as u8);
        out.u64(self.bucket.0);
        out.u64(self.version.0);
        out.u64(self.modified_ms);
        out.u64(self.size);
        out.u64(self.stored_bytes);
        out.string(&self.key);
        out.string(&self.etag);
        self.metadata.write(out);
        out.option(self.checksum.as_ref(), |out, checksum| checksum.write(out));
        write_parts(out, &self.parts);
        self.recipe.write(out);
        let upload = self.upload.map(|upload| (UPLOAD, upload.0.to_le_bytes().to_vec()));
        write_extensions(out, upload.as_slice());
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.version(Self::NAME, PUT_VERSION)?;
        let [null_version, delete_marker, optimized] = input.flags("version flags")?;
        let mut put = VersionPut {
            null_version,
            delete_marker,
            storage_type: read_storage_type(input)?,
            bucket: BucketId(input.u64(Self::NAME)?),
            version: Sequence(input.u64(Self::NAME)?),
            modified_ms: input.u64(Self::NAME)?,
            size: input.u64(Self::NAME)?,
            stored_bytes: input.u64(Self::NAME)?,
            key: read_key(input)?,
            etag: input.string("etag", MAX_ETAG_LEN)?,
            metadata: Metadata::read(input)?,
            checksum: input.option("version checksum", Checksum::read)?,
            parts: read_parts(input)?,
            recipe: Recipe::read(input)?,
            optimized,
            upload: None,
        };
        read_extensions(input, |tag, bytes| {
            if tag == UPLOAD {
                put.upload = Some(UploadId(bytes.u64("upload extension")?));
            }
            Ok(tag == UPLOAD)
        })?;
        Ok(put)
    }
}

public_codec!(VersionPut);
