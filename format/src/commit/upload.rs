//! Multipart uploads in progress.

use super::checksum::ChecksumAlgorithm;
use super::describe::Metadata;
use super::durable::Durable;
use super::extension::{no_extensions, write_extensions};
use super::put::{PUT_VERSION, read_key};
use crate::error::DecodeError;
use crate::ids::{BucketId, UploadId};
use crate::wire::{Reader, Wire, Writer, public_codec};

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

/// Its removal ends the upload; its parts go with it.
impl Durable for UploadPut {
    type Id = UploadId;

    fn id(&self) -> UploadId {
        self.upload
    }

    fn sequence(id: &UploadId) -> u64 {
        id.0
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

public_codec!(UploadPut);
