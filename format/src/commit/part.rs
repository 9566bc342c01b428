//! Parts of multipart uploads in progress.

use super::checksum::Checksum;
use super::describe::read_part_number;
use super::durable::Durable;
use super::extension::{no_extensions, write_extensions};
use super::put::{MAX_ETAG_LEN, PUT_VERSION, StorageType, read_storage_type};
use crate::error::DecodeError;
use crate::ids::{Sequence, UploadId};
use crate::recipe::Recipe;
use crate::wire::{Reader, Wire, Writer, public_codec};

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

/// Names one put of a part: a number may be put again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartId {
    pub upload: UploadId,
    pub number: u16,
    pub part: Sequence,
}

impl Durable for PartPut {
    type Id = PartId;

    fn id(&self) -> PartId {
        PartId { upload: self.upload, number: self.number, part: self.part }
    }

    fn sequence(id: &PartId) -> u64 {
        id.part.0
    }

    fn recipe(&self) -> Option<&Recipe> {
        Some(&self.recipe)
    }
}

impl Wire for PartId {
    const NAME: &'static str = "part id";

    fn write(&self, out: &mut Writer<'_>) {
        self.upload.write(out);
        out.u16(self.number);
        self.part.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(PartId { upload: UploadId::read(input)?, number: read_part_number(input)?, part: Sequence::read(input)? })
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

public_codec!(PartPut);
