//! Parts of uploads in progress: `upload ‖ number`.

use super::Index;
use super::error::IndexError;
use super::family::Family;
use super::keys;
use super::rows::Rows;
use super::table::{Find, Row, Table};
use deltastore_format::{PartId, PartPut, UploadId};

/// A part of an upload in progress.
pub type PartRow = Row<PartPut>;

impl Table for PartPut {
    const FAMILY: Family = Family::Parts;

    fn key(&self) -> Vec<u8> {
        row_key(self.upload, self.number)
    }

    fn find(id: &PartId) -> Find {
        Find::Row(row_key(id.upload, id.number))
    }
}

fn row_key(upload: UploadId, number: u16) -> Vec<u8> {
    [&upload.0.to_be_bytes()[..], &number.to_be_bytes()].concat()
}

impl Index {
    pub fn part(&self, upload: UploadId, number: u16) -> Result<Option<PartRow>, IndexError> {
        self.row_at(&row_key(upload, number))
    }

    /// Parts in number order.
    pub fn parts(&self, upload: UploadId) -> Rows<'_, PartRow> {
        self.parts_after(upload, None)
    }

    /// At most `max` parts with numbers above `after`; whether there are more.
    pub fn list_parts(
        &self,
        upload: UploadId,
        after: Option<u16>,
        max: usize,
    ) -> Result<(Vec<PartRow>, bool), IndexError> {
        if max == 0 {
            return Ok((Vec::new(), false));
        }
        let mut rows = self.parts_after(upload, after);
        let page = rows.by_ref().take(max).collect::<Result<Vec<_>, _>>()?;
        let more = page.len() == max && rows.next().transpose()?.is_some();
        Ok((page, more))
    }

    /// Every part of every upload.
    pub fn all_parts(&self) -> Rows<'_, PartRow> {
        self.all_rows()
    }

    fn parts_after(&self, upload: UploadId, after: Option<u16>) -> Rows<'_, PartRow> {
        let prefix = upload.0.to_be_bytes();
        let mut from = prefix.to_vec();
        if let Some(after) = after {
            // A byte behind the number is above that number and below the next.
            from = row_key(upload, after);
            from.push(0);
        }
        self.rows(Family::Parts, &from, keys::above(&prefix).as_deref(), |_, value| Row::decode(value))
    }
}
