//! What fsck says of parity.

use deltastore_format::Hash;

use super::report::FsckReport;
use crate::index::{BlobRow, ParityRow};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::fetch::{read_parity, repaired};
use crate::store::problem::Problem;

impl Store {
    /// Checks that all parity is whole, fits the record it is for and lies in another segment.
    pub(super) fn check_parity(&self, found: &mut FsckReport) -> Result<(), StoreError> {
        for row in self.index().all_parity(Hash::default()) {
            let (hash, row) = row?;
            found.parity += 1;
            if let Err(reason) = self.check_one_parity(&hash, &row)? {
                found.problems.push(Problem { subject: format!("parity of {hash} at {}", row.position), reason });
            }
        }
        Ok(())
    }

    fn check_one_parity(&self, hash: &Hash, row: &ParityRow) -> Result<Result<(), String>, StoreError> {
        let readers = self.blobs().readers();
        let Some(blob) = self.index().blob(hash)? else { return Ok(Err("what it is for is not there".into())) };
        if blob.position.segment == row.position.segment {
            return Ok(Err(format!("it lies in the segment of the record it is for, at {}", blob.position)));
        }
        let parity = match read_parity(readers, hash, row) {
            Ok(parity) => parity,
            Err(error) => return Ok(Err(error.to_string())),
        };
        // What is wrong with that record is told where the record is checked.
        let header = readers.get(blob.position.segment).and_then(|file| file.read_header(blob.position.offset));
        Ok(match header {
            Ok(header) if (header.payload_len, header.payload_crc) != (parity.payload_len, parity.payload_crc) => {
                Err(format!("it is for another form than that at {}", blob.position))
            }
            _ => Ok(()),
        })
    }

    /// True when a damaged record can be repaired from its parity.
    pub(super) fn is_mendable(&self, hash: &Hash, row: &BlobRow) -> bool {
        repaired(self.index(), self.blobs().readers(), hash, row.position).is_ok_and(|found| found.is_some())
    }
}
