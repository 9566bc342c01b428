//! Pass 2: what was removed goes out, and so do parts without their upload.

use deltastore_format::{Op, UploadId};

use super::Builder;
use crate::store::error::StoreError;

impl Builder<'_> {
    pub(super) fn remove(&mut self) -> Result<(), StoreError> {
        let index = self.scene.index;
        for op in std::mem::take(&mut self.removed) {
            match op {
                Op::RemoveBucket { bucket, .. } => {
                    if let Some(row) = index.bucket_by_id(bucket)? {
                        index.stage_remove_bucket(&mut self.batch, bucket, &row.put.name);
                    }
                }
                Op::RemoveVersion { bucket, key, version, .. } => {
                    index.stage_remove_version(&mut self.batch, bucket, &key, version);
                }
                Op::RemoveUpload { upload, .. } => {
                    if let Some(row) = index.upload_by_id(upload)? {
                        index.stage_remove_upload(&mut self.batch, row.put.bucket, &row.put.key, upload);
                    }
                }
                Op::RemovePart { upload, number, part, .. } => {
                    if index.part(upload, number)?.is_some_and(|row| row.put.part == part) {
                        index.stage_remove_part(&mut self.batch, upload, number);
                    }
                }
                Op::PutBucket { .. } | Op::PutVersion { .. } | Op::PutUpload { .. } | Op::PutPart { .. } => {}
            }
            self.write_if_full()?;
        }
        self.write()?;
        let orphans = self.orphaned_parts()?;
        for (upload, number) in orphans {
            index.stage_remove_part(&mut self.batch, upload, number);
            self.write_if_full()?;
        }
        self.write()
    }

    fn orphaned_parts(&self) -> Result<Vec<(UploadId, u16)>, StoreError> {
        let mut orphans = Vec::new();
        for row in self.scene.index.all_parts() {
            let put = row?.put;
            if self.scene.index.upload_by_id(put.upload)?.is_none() {
                orphans.push((put.upload, put.number));
            }
        }
        Ok(orphans)
    }
}
