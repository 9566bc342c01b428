//! What commits put, and what the index keeps as values: buckets, versions, uploads, parts.

use super::checksum::{Checksum, ChecksumAlgorithm};
use super::describe::{Metadata, PartInfo, read_pairs, read_part_number, read_parts, write_pairs, write_parts};
use super::extension::{no_extensions, read_extensions, write_extensions};
use crate::error::DecodeError;
use crate::ids::{BucketId, Sequence, UploadId};
use crate::recipe::Recipe;
use crate::wire::{Reader, Wire, Writer, public_codec};

/// Longest object key, in bytes.
pub const MAX_KEY_LEN: usize = 1024;
/// Longest bucket name, in bytes.
pub const MAX_BUCKET_NAME_LEN: usize = 255;
/// Most settings of a bucket.
pub const MAX_SETTINGS: usize = 64;
/// Longest name of a bucket's setting, in bytes.
pub const MAX_SETTING_NAME_LEN: usize = 255;
/// Longest value of a bucket's setting, in bytes.
pub const MAX_SETTING_VALUE_LEN: usize = 256 << 10;
/// Longest ETag, in bytes.
pub const MAX_ETAG_LEN: usize = 64;

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketPut {
    pub bucket: BucketId,
    pub name: String,
    pub created_ms: u64,
    /// Settings by name; empty today.
    pub settings: Vec<(String, String)>,
}

/// What an object's bytes became when they were stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum StorageType {
    /// No window has references: others may be encoded against it.
    Reference = 0,
    /// At least one window is encoded against references.
    Delta = 1,
    /// Every window is raw.
    Passthrough = 2,
}

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

/// A multipart upload in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadPut {
    pub upload: UploadId,
    pub bucket: BucketId,
    pub key: String,
    pub started_ms: u64,
    pub metadata: Metadata,
    /// The algorithm its parts carry, and whether the whole's is composite.
    pub checksum: Option<(ChecksumAlgorithm, bool)>,
}

/// A part of an upload in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartPut {
    pub upload: UploadId,
    pub number: u16,
    pub part: Sequence,
    pub modified_ms: u64,
    pub size: u64,
    /// MD5 in hex.
    pub etag: String,
    pub checksum: Option<Checksum>,
    pub storage_type: StorageType,
    pub stored_bytes: u64,
    pub recipe: Recipe,
}

const PUT_VERSION: u8 = 1;
/// Extension of a version: the multipart upload that made it.
const UPLOAD: u16 = 1;

pub(super) fn read_key(input: &mut Reader<'_>) -> Result<String, DecodeError> {
    read_name(input, "key", MAX_KEY_LEN)
}

fn read_name(input: &mut Reader<'_>, what: &'static str, limit: usize) -> Result<String, DecodeError> {
    let name = input.string(what, limit)?;
    if name.is_empty() { Err(DecodeError::Empty { what }) } else { Ok(name) }
}

fn read_storage_type(input: &mut Reader<'_>) -> Result<StorageType, DecodeError> {
    const WHAT: &str = "storage type";
    match input.u8(WHAT)? {
        0 => Ok(StorageType::Reference),
        1 => Ok(StorageType::Delta),
        2 => Ok(StorageType::Passthrough),
        value => Err(DecodeError::Unknown { what: WHAT, value: value.into() }),
    }
}

impl Wire for BucketPut {
    const NAME: &'static str = "bucket";

    fn write(&self, out: &mut Writer<'_>) {
        out.u8(PUT_VERSION);
        out.u64(self.bucket.0);
        out.string(&self.name);
        out.u64(self.created_ms);
        write_pairs(out, &self.settings);
        write_extensions(out, &[]);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.version(Self::NAME, PUT_VERSION)?;
        let put = BucketPut {
            bucket: BucketId(input.u64(Self::NAME)?),
            name: read_name(input, "bucket name", MAX_BUCKET_NAME_LEN)?,
            created_ms: input.u64(Self::NAME)?,
            settings: read_pairs(
                input,
                "bucket settings",
                [MAX_SETTINGS, MAX_SETTING_NAME_LEN, MAX_SETTING_VALUE_LEN],
            )?,
        };
        no_extensions(input)?;
        Ok(put)
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

impl Wire for UploadPut {
    const NAME: &'static str = "upload";

    fn write(&self, out: &mut Writer<'_>) {
        out.u8(PUT_VERSION);
        out.u64(self.upload.0);
        out.u64(self.bucket.0);
        out.u64(self.started_ms);
        out.string(&self.key);
        self.metadata.write(out);
        out.option(self.checksum.as_ref(), |out, (algorithm, composite)| {
            out.u8(*algorithm as u8);
            out.flags(&[*composite]);
        });
        write_extensions(out, &[]);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.version(Self::NAME, PUT_VERSION)?;
        let put = UploadPut {
            upload: UploadId(input.u64(Self::NAME)?),
            bucket: BucketId(input.u64(Self::NAME)?),
            started_ms: input.u64(Self::NAME)?,
            key: read_key(input)?,
            metadata: Metadata::read(input)?,
            checksum: input.option("upload checksum", |input| {
                let algorithm = ChecksumAlgorithm::read(input)?;
                let [composite] = input.flags("checksum flags")?;
                Ok((algorithm, composite))
            })?,
        };
        no_extensions(input)?;
        Ok(put)
    }
}

impl Wire for PartPut {
    const NAME: &'static str = "upload part";

    fn write(&self, out: &mut Writer<'_>) {
        out.u8(PUT_VERSION);
        out.u8(self.storage_type as u8);
        out.u16(self.number);
        out.u64(self.upload.0);
        out.u64(self.part.0);
        out.u64(self.modified_ms);
        out.u64(self.size);
        out.u64(self.stored_bytes);
        out.string(&self.etag);
        out.option(self.checksum.as_ref(), |out, checksum| checksum.write(out));
        self.recipe.write(out);
        write_extensions(out, &[]);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.version(Self::NAME, PUT_VERSION)?;
        let put = PartPut {
            storage_type: read_storage_type(input)?,
            number: read_part_number(input)?,
            upload: UploadId(input.u64(Self::NAME)?),
            part: Sequence(input.u64(Self::NAME)?),
            modified_ms: input.u64(Self::NAME)?,
            size: input.u64(Self::NAME)?,
            stored_bytes: input.u64(Self::NAME)?,
            etag: input.string("etag", MAX_ETAG_LEN)?,
            checksum: input.option("part checksum", Checksum::read)?,
            recipe: Recipe::read(input)?,
        };
        no_extensions(input)?;
        Ok(put)
    }
}

public_codec!(BucketPut, VersionPut, UploadPut, PartPut);
