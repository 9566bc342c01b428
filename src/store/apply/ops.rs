//! The operations of a commit: the rows they put and remove, and how those count links and live bytes.

use deltastore_format::commit::{PartPut, VersionPut};
use deltastore_format::{Op, Position, Recipe, UploadId};

use super::{Applier, signed};
use crate::index::{BucketRow, IndexError, PartRow, UploadRow, VersionRow};
use crate::store::bugs::Bug;

impl Applier<'_> {
    pub(super) fn op(&mut self, op: &Op, record: Position, record_len: u64, relocated: bool) -> Result<(), IndexError> {
        let index = self.index;
        match op {
            Op::PutBucket { put, prior } => {
                // Put again, its settings may have changed.
                if let Some(old) = index.bucket_by_id(put.bucket)? {
                    self.live(old.record, -signed(record_len));
                }
                index.stage_bucket(&mut self.batch, &BucketRow { put: put.clone(), record, prior: prior.clone() });
                self.live(record, signed(record_len));
            }
            Op::RemoveBucket { bucket, .. } => {
                if let Some(row) = index.bucket_by_id(*bucket)? {
                    index.stage_remove_bucket(&mut self.batch, *bucket, &row.put.name);
                    self.live(row.record, -signed(record_len));
                }
            }
            Op::PutVersion { put, prior } => {
                let row = VersionRow { put: put.clone(), record, record_len, prior: prior.clone() };
                self.version(&row, relocated)?;
            }
            Op::RemoveVersion { bucket, key, version, .. } => {
                if let Some(row) = index.version(*bucket, key, *version)? {
                    index.stage_remove_version(&mut self.batch, *bucket, key, *version);
                    self.link(&row.put.recipe, -1);
                    self.live(row.record, -signed(row.record_len));
                }
            }
            Op::PutUpload { put, prior } => {
                index.stage_upload(&mut self.batch, &UploadRow { put: put.clone(), record, prior: prior.clone() });
                self.live(record, signed(record_len));
            }
            Op::RemoveUpload { upload, .. } => self.remove_upload(*upload)?,
            Op::PutPart { put, prior } => {
                let row = PartRow { put: put.clone(), record, record_len, prior: prior.clone() };
                self.part(&row, relocated)?;
            }
            Op::RemovePart { upload, number, part, .. } => {
                if let Some(row) = index.part(*upload, *number)?.filter(|row| row.put.part == *part) {
                    index.stage_remove_part(&mut self.batch, *upload, *number);
                    self.link(&row.put.recipe, -1);
                    self.live(row.record, -signed(row.record_len));
                }
            }
        }
        // A copied removal is counted as alive so that it is copied no further until much else around it is dead.
        if relocated
            && matches!(
                op,
                Op::RemoveBucket { .. } | Op::RemoveVersion { .. } | Op::RemoveUpload { .. } | Op::RemovePart { .. }
            )
        {
            self.live(record, signed(record_len));
        }
        Ok(())
    }

    fn version(&mut self, row: &VersionRow, relocated: bool) -> Result<(), IndexError> {
        let VersionPut { bucket, ref key, version, .. } = row.put;
        if relocated {
            if let Some(old) = self.index.version(bucket, key, version)? {
                self.live(old.record, -signed(old.record_len));
                if old.put.recipe != row.put.recipe && !self.bugs.has(Bug::ForgetReplacedRecipe) {
                    self.link(&row.put.recipe, 1);
                    self.link(&old.put.recipe, -1);
                }
            }
        } else if !self.bugs.has(Bug::ForgetVersionLinks) {
            self.link(&row.put.recipe, 1);
        }
        self.live(row.record, signed(row.record_len));
        self.index.stage_version(&mut self.batch, row);
        Ok(())
    }

    fn part(&mut self, row: &PartRow, relocated: bool) -> Result<(), IndexError> {
        let PartPut { upload, number, .. } = row.put;
        if relocated {
            if let Some(old) = self.index.part(upload, number)? {
                self.live(old.record, -signed(old.record_len));
            }
        } else if !self.bugs.has(Bug::ForgetPartLinks) {
            self.link(&row.put.recipe, 1);
        }
        self.live(row.record, signed(row.record_len));
        self.index.stage_part(&mut self.batch, row);
        Ok(())
    }

    fn remove_upload(&mut self, upload: UploadId) -> Result<(), IndexError> {
        if !self.bugs.has(Bug::RemovedUploadKeepsParts) {
            for row in self.index.parts(upload) {
                let row = row?;
                self.index.stage_remove_part(&mut self.batch, upload, row.put.number);
                self.link(&row.put.recipe, -1);
                self.live(row.record, -signed(row.record_len));
            }
        }
        if let Some(row) = self.index.upload_by_id(upload)? {
            self.index.stage_remove_upload(&mut self.batch, row.put.bucket, &row.put.key, upload);
        }
        Ok(())
    }

    fn link(&mut self, recipe: &Recipe, delta: i64) {
        for entry in &recipe.entries {
            self.index.stage_links(&mut self.batch, &entry.hash, delta);
        }
    }

    pub(super) fn live(&mut self, record: Position, delta: i64) {
        self.index.stage_live(&mut self.batch, record.segment, delta);
    }
}
