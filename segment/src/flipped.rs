//! Commits in which one bit is wrong: the record says which one, and a second check that it is put right.

use deltastore_format::record::RECORD_HEADER_LEN;
use deltastore_format::{RecordHeader, RecordKind, record_len};

use super::error::SegmentError;
use super::reader::{Record, SegmentReader};

impl SegmentReader {
    /// The commits in `from..to`, where no whole record starts, in which one bit is wrong each, as they were written.
    /// What lies behind a header that means nothing is not looked for.
    ///
    /// # Errors
    /// [`SegmentError::Io`].
    pub fn flipped_commits(&self, from: u64, to: u64) -> Result<Vec<Record>, SegmentError> {
        let (mut found, mut offset) = (Vec::new(), from);
        while offset < to
            && let Some(header) = self.header_but_one_bit(offset)?
        {
            let end = offset + record_len(header.payload_len);
            if header.kind == RecordKind::Commit && end <= self.file_len()? {
                found.extend(self.commit_but_one_bit(header, offset)?);
            }
            offset = end;
        }
        Ok(found)
    }

    /// The header at `offset`, at most one bit put right.
    ///
    /// # Errors
    /// [`SegmentError::Io`].
    pub fn header_but_one_bit(&self, offset: u64) -> Result<Option<RecordHeader>, SegmentError> {
        let mut bytes = [0; RECORD_HEADER_LEN];
        let read = self.fill(&mut bytes, offset)?;
        if let Ok(header) = self.check_header(&bytes[..read], offset) {
            return Ok(Some(header));
        }
        let header = RecordHeader::decode_flipped(&bytes[..read]);
        Ok(header.filter(|header| self.check_own(header, offset).is_ok()))
    }

    fn commit_but_one_bit(&self, header: RecordHeader, offset: u64) -> Result<Option<Record>, SegmentError> {
        let mut payload = vec![0; header.payload_len as usize];
        let read = self.fill(&mut payload, offset + RECORD_HEADER_LEN as u64)?;
        payload.truncate(read);
        let right = header.check_payload(&payload).is_ok() || header.repair_payload(&mut payload);
        Ok(right.then(|| Record { header, payload: payload.into() }))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::segment_path;
    use crate::testing::{DIR, new_segment};
    use crate::vfs::SimVfs;

    #[test]
    fn each_bit_of_a_commit_is_put_right_and_of_a_window_none() {
        let vfs = SimVfs::new();
        let mut writer = new_segment(&vfs, 1);
        let (window, commit) = ([7; 100], [9; 150]);
        let window_at = writer.stage(RecordKind::Window, &[&window]);
        let commit_at = writer.stage(RecordKind::Commit, &[&commit]);
        let end = writer.stage(RecordKind::Footer, &[b"end"]).offset;
        writer.write().unwrap();
        let path = segment_path(Path::new(DIR), commit_at.segment);
        let found = |disk: &SimVfs, from| {
            let reader = SegmentReader::open(disk, Path::new(DIR), commit_at.segment).unwrap();
            reader.flipped_commits(from, end).unwrap()
        };
        for offset in commit_at.offset..commit_at.offset + (RECORD_HEADER_LEN + commit.len()) as u64 {
            let disk = vfs.snapshot();
            disk.corrupt(&path, offset, 1 << (offset % 8)).unwrap();
            let records = found(&disk, commit_at.offset);
            assert_eq!(records.len(), 1, "at {offset}");
            assert_eq!((records[0].header.position, &records[0].payload[..]), (commit_at, &commit[..]));
            // Of the window before it the header is enough to come here.
            disk.corrupt(&path, window_at.offset + (offset - commit_at.offset) % 100, 2).unwrap();
            assert_eq!(found(&disk, window_at.offset), records, "at {offset}");
            disk.corrupt(&path, offset, 1 << ((offset + 3) % 8)).unwrap();
            assert!(found(&disk, commit_at.offset).is_empty(), "two bits at {offset}");
        }
    }
}
