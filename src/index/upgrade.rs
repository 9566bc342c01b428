//! Rows of older layouts, brought up when the index is opened.
//!
//! Version 2 kept no share of the commit's bytes in the rows of buckets and uploads, and a bucket's id led to its name
//! instead of its key. What it had counted for them is not known any more, so that much is never given back: their
//! segments look a little more alive than they are until they are compacted.

use deltastore_format::{BucketPut, DecodeError, UploadPut};

use super::Index;
use super::engine::Batch;
use super::error::IndexError;
use super::table::{Row, Table};
use super::wire::Reader;

const WHAT: &str = "row of version 2";

fn decode<P: Table>(value: &[u8]) -> Result<Row<P>, DecodeError> {
    let mut reader = Reader::new(WHAT, value);
    let (record, prior) = (reader.position()?, reader.segments()?);
    Ok(Row { put: P::decode_put(reader.rest())?, record, record_len: 0, prior })
}

impl Index {
    /// Stages what brings rows of version 2 up to version 3.
    pub(super) fn stage_upgrade(&self, batch: &mut Batch) -> Result<(), IndexError> {
        self.stage_drifted(batch);
        self.stage_upgrade_of::<BucketPut>(batch)?;
        self.stage_upgrade_of::<UploadPut>(batch)
    }

    fn stage_upgrade_of<P: Table>(&self, batch: &mut Batch) -> Result<(), IndexError> {
        let end = super::keys::above(P::PREFIX);
        for row in self.rows(P::FAMILY, P::PREFIX, end.as_deref(), |_, value| decode::<P>(value)) {
            self.stage_row(batch, &row?);
        }
        Ok(())
    }
}
