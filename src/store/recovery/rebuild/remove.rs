//! Pass 2: what was removed goes out, and so do parts without their upload.

use deltastore_format::{Change, PartPut};

use super::Builder;
use crate::index::{Table, Visit, visit};
use crate::store::error::StoreError;

impl Builder<'_> {
    pub(super) fn remove(&mut self) -> Result<(), StoreError> {
        for op in std::mem::take(&mut self.removed) {
            visit(op, Remove { builder: &mut *self })?;
            self.write_if_full()?;
        }
        self.write()?;
        let orphans = self.orphaned_parts()?;
        for part in orphans {
            self.context.index.stage_remove_row(&mut self.batch, &part);
            self.write_if_full()?;
        }
        self.write()
    }

    fn orphaned_parts(&self) -> Result<Vec<PartPut>, StoreError> {
        let mut orphans = Vec::new();
        for row in self.context.index.all_parts() {
            let put = row?.put;
            if self.context.index.upload_by_id(put.upload)?.is_none() {
                orphans.push(put);
            }
        }
        Ok(orphans)
    }
}

struct Remove<'a, 'b> {
    builder: &'a mut Builder<'b>,
}

impl Visit for Remove<'_, '_> {
    type Output = Result<(), StoreError>;

    fn change<P: Table>(self, change: Change<P>) -> Self::Output {
        let index = self.builder.context.index;
        if let Change::Remove { id, .. } = change
            && let Some(row) = index.row::<P>(&id)?
        {
            index.stage_remove_row(&mut self.builder.batch, &row.put);
        }
        Ok(())
    }
}
