//! Buckets.

use super::describe::{read_pairs, write_pairs};
use super::durable::Durable;
use super::extension::{no_extensions, write_extensions};
use super::put::{PUT_VERSION, read_name};
use crate::error::DecodeError;
use crate::ids::BucketId;
use crate::wire::{Reader, Wire, Writer, public_codec};

/// Longest bucket name, in bytes.
pub const MAX_BUCKET_NAME_LEN: usize = 255;
/// Most settings of a bucket.
pub const MAX_SETTINGS: usize = 64;
/// Longest name of a bucket's setting, in bytes.
pub const MAX_SETTING_NAME_LEN: usize = 255;
/// Longest value of a bucket's setting, in bytes.
pub const MAX_SETTING_VALUE_LEN: usize = 256 << 10;

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketPut {
    pub bucket: BucketId,
    pub name: String,
    pub created_ms: u64,
    /// Settings by name; empty today.
    pub settings: Vec<(String, String)>,
}

impl Durable for BucketPut {
    type Id = BucketId;

    fn id(&self) -> BucketId {
        self.bucket
    }

    fn sequence(id: &BucketId) -> u64 {
        id.0
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

public_codec!(BucketPut);
