//! Appending to a segment.
//!
//! Records are framed in memory by `stage` and reach the file with `write`, in one call. What is written
//! is durable once the file's data is synced, which is left to whoever holds [`SegmentWriter::file`];
//! the file's name once its directory is ([`SegmentWriter::make_durable`]).
//!
//! A failed `write` takes back everything staged since the last good one and cuts the file back to
//! there. The cut is not synced: after a crash before the next sync, records of the failed append may be found
//! at the segment's end, as those of any append that no sync covered. If the cut fails the writer is closed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deltastore_format::ids::RECORD_ALIGN;
use deltastore_format::record::{MAX_PAYLOAD_LEN, RECORD_HEADER_LEN};
use deltastore_format::segment::SEGMENT_HEADER_LEN;
use deltastore_format::{Position, RecordHeader, RecordKind, SegmentFooter, SegmentHeader, SegmentId};

use super::error::{SegmentError, is_full};
use super::path::{segment_dir, segment_path};
use super::reader::SegmentReader;
use super::scanner::{Scanned, Scanner, WindowPayload};
use super::vfs::{Vfs, VfsFile};

/// A staging buffer that grew over this many bytes is given back after its write.
const KEPT_BUFFER: usize = 16 << 20;

/// The one appender of a segment.
pub struct SegmentWriter {
    file: Arc<dyn VfsFile>,
    path: PathBuf,
    header: SegmentHeader,
    /// End of what the file holds.
    written: u64,
    written_totals: SegmentFooter,
    /// Framed records that go to `written` next.
    staged: Vec<u8>,
    /// Of written and staged records.
    totals: SegmentFooter,
    /// Why nothing can be appended any more.
    closed: Option<&'static str>,
}

impl SegmentWriter {
    /// Creates the segment's file in the data folder `dir` and writes its header. Nothing is durable
    /// before [`SegmentWriter::make_durable`].
    ///
    /// # Errors
    /// [`SegmentError::Io`], `AlreadyExists` if there is such a segment; after a failed write of the header the file is
    /// removed again.
    pub fn create(vfs: &dyn Vfs, dir: &Path, header: SegmentHeader) -> Result<Self, SegmentError> {
        let path = segment_path(dir, header.segment);
        let file = vfs.create(&path).map_err(|source| io_error("create", &path, 0, source))?;
        if let Err(source) = file.write_all_at(&header.to_bytes(), 0) {
            // The first error says more than a failure to clean up; an empty segment file does no harm.
            let _ = vfs.remove(&path);
            return Err(match is_full(&source) {
                true => SegmentError::Full { path, offset: 0, source },
                false => io_error("write header of", &path, 0, source),
            });
        }
        Ok(Self::at(file, path, header, SEGMENT_HEADER_LEN as u64, SegmentFooter::default()))
    }

    /// Syncs the file, then the folder that holds it.
    ///
    /// # Errors
    /// [`SegmentError::Io`]: the segment must not be used.
    pub fn make_durable(&self, vfs: &dyn Vfs, dir: &Path) -> Result<(), SegmentError> {
        self.file.sync_data().map_err(|source| io_error("sync", &self.path, 0, source))?;
        let folder = segment_dir(dir);
        vfs.sync_dir(&folder).map_err(|source| io_error("sync", &folder, 0, source))
    }

    /// Opens a segment for appending at `end`, a record's end: cuts off what comes after it and syncs, so that
    /// nothing of it can come back between new records. Counts the records before `end` by their headers.
    ///
    /// # Errors
    /// [`SegmentError::BadEnd`] if `end` is not in the file or not aligned; [`SegmentError::Closed`] if the segment is
    /// sealed; `Io`, `Decode`.
    pub fn resume(vfs: &dyn Vfs, dir: &Path, id: SegmentId, end: u64) -> Result<Self, SegmentError> {
        let reader = SegmentReader::open(vfs, dir, id)?;
        let (path, file, file_len) = (reader.path().to_path_buf(), reader.file(), reader.file_len()?);
        let refuse = |reason| Err(SegmentError::BadEnd { path: path.clone(), offset: end, file_len, reason });
        if end < SEGMENT_HEADER_LEN as u64 || !end.is_multiple_of(RECORD_ALIGN) {
            return refuse("no record can start there");
        }
        if end > file_len {
            return refuse("over the file's end");
        }
        let totals = count_records(&reader, end)?;
        if end < file_len {
            file.set_len(end).map_err(|source| io_error("cut", &path, end, source))?;
        }
        file.sync_data().map_err(|source| io_error("sync", &path, end, source))?;
        Ok(Self::at(file, path, reader.header().clone(), end, totals))
    }

    fn at(file: Arc<dyn VfsFile>, path: PathBuf, header: SegmentHeader, written: u64, totals: SegmentFooter) -> Self {
        let written_totals = totals.clone();
        SegmentWriter { file, path, header, written, written_totals, staged: Vec::new(), totals, closed: None }
    }

    pub fn header(&self) -> &SegmentHeader {
        &self.header
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the next record goes.
    pub fn position(&self) -> Position {
        Position { segment: self.header.segment, offset: self.written + self.staged.len() as u64 }
    }

    /// End of what was written to the file: where a sync that starts now reaches.
    pub fn written(&self) -> Position {
        Position { segment: self.header.segment, offset: self.written }
    }

    /// Frames a record whose payload is the slices one after the other, and returns where it will stand.
    ///
    /// # Panics
    /// If the payload is longer than [`MAX_PAYLOAD_LEN`]: callers bound what they store.
    pub fn stage(&mut self, kind: RecordKind, payload: &[&[u8]]) -> Position {
        let payload_len: usize = payload.iter().map(|slice| slice.len()).sum();
        assert!(payload_len <= MAX_PAYLOAD_LEN as usize, "payload of {payload_len} bytes is over the limit");
        let position = self.position();
        let start = self.staged.len();
        self.staged.reserve(RECORD_HEADER_LEN + payload_len + RECORD_ALIGN as usize);
        self.staged.resize(start + RECORD_HEADER_LEN, 0);
        for slice in payload {
            self.staged.extend_from_slice(slice);
        }
        let body = start + RECORD_HEADER_LEN;
        let record =
            RecordHeader::for_payload(kind, &self.staged[body..], position, self.header.salt, self.header.epoch);
        self.staged[start..body].copy_from_slice(&record.to_bytes());
        self.staged.resize(self.staged.len().next_multiple_of(RECORD_ALIGN as usize), 0);
        add(&mut self.totals, kind, payload_len as u64);
        position
    }

    /// Bytes that wait for [`SegmentWriter::write`].
    pub fn staged_bytes(&self) -> usize {
        self.staged.len()
    }

    /// Appends everything staged with one call.
    ///
    /// # Errors
    /// Nothing staged was appended and all of it is dropped: [`SegmentError::Full`] and [`SegmentError::Append`] if the
    /// writer can go on, [`SegmentError::NotCut`] and [`SegmentError::Closed`] if it cannot.
    pub fn write(&mut self) -> Result<(), SegmentError> {
        if self.staged.is_empty() {
            return Ok(());
        }
        let result = match self.closed {
            Some(state) => Err(SegmentError::Closed { path: self.path.clone(), offset: self.written, state }),
            None => self.file.write_all_at(&self.staged, self.written).map_err(|source| self.cut_back(source)),
        };
        match result {
            Ok(()) => {
                self.written += self.staged.len() as u64;
                self.written_totals = self.totals.clone();
            }
            Err(_) => self.totals = self.written_totals.clone(),
        }
        self.staged.clear();
        self.staged.shrink_to(KEPT_BUFFER);
        result
    }

    fn cut_back(&mut self, source: io::Error) -> SegmentError {
        let (path, offset) = (self.path.clone(), self.written);
        if let Err(cut) = self.file.set_len(offset) {
            self.closed = Some("not cut back after a failed append");
            return SegmentError::NotCut { path, offset, source, cut };
        }
        match is_full(&source) {
            true => SegmentError::Full { path, offset, source },
            false => SegmentError::Append { path, offset, source },
        }
    }

    /// The open file, for whoever syncs it.
    pub fn file(&self) -> Arc<dyn VfsFile> {
        self.file.clone()
    }

    /// Totals of all records so far, staged ones included.
    pub fn footer(&self) -> SegmentFooter {
        self.totals.clone()
    }

    /// Writes what is staged and the footer, and syncs. Nothing can be appended after it.
    ///
    /// # Errors
    /// Those of [`SegmentWriter::write`]: not sealed, the records staged before are dropped too. `Io` if the sync
    /// failed: as after any failed sync, nothing more may be acknowledged.
    pub fn seal(&mut self) -> Result<(), SegmentError> {
        let mut payload = Vec::new();
        self.totals.encode(&mut payload);
        self.stage(RecordKind::Footer, &[&payload]);
        self.write()?;
        self.closed = Some("sealed");
        self.file.sync_data().map_err(|source| io_error("sync", &self.path, self.written, source))
    }
}

fn count_records(reader: &SegmentReader, end: u64) -> Result<SegmentFooter, SegmentError> {
    let mut totals = SegmentFooter::default();
    for scanned in Scanner::new(reader, SEGMENT_HEADER_LEN as u64, WindowPayload::Head(0))? {
        match scanned? {
            Scanned::Damage { .. } => {}
            Scanned::Record { header, .. } if header.position.offset >= end => break,
            Scanned::Record { header, .. } if header.kind == RecordKind::Footer => {
                let path = reader.path().to_path_buf();
                return Err(SegmentError::Closed { path, offset: header.position.offset, state: "sealed" });
            }
            Scanned::Record { header, .. } => add(&mut totals, header.kind, header.payload_len.into()),
        }
    }
    Ok(totals)
}

/// The footer itself is not counted.
fn add(totals: &mut SegmentFooter, kind: RecordKind, payload_len: u64) {
    match kind {
        RecordKind::Window => totals.windows += 1,
        RecordKind::Node => totals.nodes += 1,
        RecordKind::Commit => totals.commits += 1,
        RecordKind::Parity => {}
        RecordKind::Footer => return,
    }
    totals.payload_bytes += payload_len;
}

fn io_error(op: &'static str, path: &Path, offset: u64, source: io::Error) -> SegmentError {
    SegmentError::Io { op, path: path.to_path_buf(), offset, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{DIR, header, new_segment};
    use crate::vfs::{CrashMode, Fault, FaultError, FaultOp, Lie, SimVfs};

    fn bytes(vfs: &SimVfs) -> Vec<u8> {
        vfs.read_file(&segment_path(Path::new(DIR), SegmentId(1))).unwrap()
    }

    fn resume(vfs: &SimVfs, end: u64) -> Result<SegmentWriter, SegmentError> {
        SegmentWriter::resume(vfs, Path::new(DIR), SegmentId(1), end)
    }

    #[test]
    fn records_stand_where_stage_said() {
        let vfs = SimVfs::new();
        let mut writer = new_segment(&vfs, 1);
        let journal = vfs.journal_len();
        let first = writer.stage(RecordKind::Window, &[b"ab", b"", b"cde"]);
        let second = writer.stage(RecordKind::Commit, &[]);
        assert_eq!((first.offset, second.offset, writer.position().offset), (64, 136, 200));
        assert_eq!((writer.staged_bytes(), writer.written().offset), (136, 64));
        writer.write().unwrap();
        assert_eq!(vfs.journal_len(), journal + 1, "one call for the batch");
        assert_eq!((writer.staged_bytes(), writer.written()), (0, writer.position()));
        writer.write().unwrap();
        assert_eq!(vfs.journal_len(), journal + 1, "nothing staged, no call");
        let reader = SegmentReader::open(&vfs, Path::new(DIR), SegmentId(1)).unwrap();
        assert_eq!(reader.read(first.offset).unwrap().payload, &b"abcde"[..]);
        let commit = reader.read(second.offset).unwrap();
        assert_eq!((commit.header.kind, commit.header.position, commit.payload.len()), (RecordKind::Commit, second, 0));
        assert_eq!(bytes(&vfs)[64 + 64 + 5..136], [0; 3], "padding");
    }

    #[test]
    fn a_segment_exists_once_and_is_durable_when_made_so() {
        let vfs = SimVfs::new();
        new_segment(&vfs, 1);
        let again = SegmentWriter::create(&vfs, Path::new(DIR), header(1)).err().unwrap();
        assert!(matches!(again, SegmentError::Io { source, .. } if source.kind() == io::ErrorKind::AlreadyExists));
        let after = vfs.crash(vfs.journal_len(), 0, CrashMode::DropAll);
        assert_eq!(bytes(&after), header(1).to_bytes());
    }

    #[test]
    fn a_segment_without_header_is_not_left_behind() {
        let vfs = SimVfs::new();
        vfs.create_dir(&segment_dir(Path::new(DIR))).unwrap();
        vfs.fail(Fault::new(FaultOp::Write, 0, FaultError::NoSpace));
        let error = SegmentWriter::create(&vfs, Path::new(DIR), header(1)).err().unwrap();
        assert!(matches!(error, SegmentError::Full { .. }));
        assert!(vfs.files().is_empty());
    }

    #[test]
    fn a_failed_write_is_cut_back() {
        let vfs = SimVfs::new();
        let mut writer = new_segment(&vfs, 1);
        writer.stage(RecordKind::Window, &[b"kept"]);
        writer.write().unwrap();
        let (before, totals) = (bytes(&vfs), writer.footer());
        for (error, full) in [(FaultError::NoSpace, true), (FaultError::Io, false)] {
            vfs.fail(Fault::new(FaultOp::Write, 0, error));
            writer.stage(RecordKind::Window, &[&[1; 500]]);
            let failed = writer.write().unwrap_err();
            assert_eq!(matches!(failed, SegmentError::Full { .. }), full);
            assert_eq!(matches!(failed, SegmentError::Append { .. }), !full);
            assert_eq!((bytes(&vfs), writer.footer(), writer.staged_bytes()), (before.clone(), totals.clone(), 0));
        }
        let position = writer.stage(RecordKind::Window, &[b"next"]);
        writer.write().unwrap();
        let reader = SegmentReader::open(&vfs, Path::new(DIR), SegmentId(1)).unwrap();
        assert_eq!(reader.read(position.offset).unwrap().payload, &b"next"[..]);
    }

    #[test]
    fn a_write_that_cannot_be_cut_back_closes_the_writer() {
        let vfs = SimVfs::new();
        let mut writer = new_segment(&vfs, 1);
        vfs.fail(Fault::new(FaultOp::Write, 0, FaultError::Io));
        vfs.fail(Fault::new(FaultOp::SetLen, 0, FaultError::Io));
        writer.stage(RecordKind::Window, &[b"x"]);
        let error = writer.write().unwrap_err();
        assert!(matches!(&error, SegmentError::NotCut { offset: 64, .. }));
        assert!(error.to_string().contains("0000000000000001.seg at offset 64"), "{error}");
        writer.stage(RecordKind::Window, &[b"y"]);
        assert!(matches!(writer.write().unwrap_err(), SegmentError::Closed { .. }));
        assert_eq!(writer.position().offset, 64);
    }

    #[test]
    fn sealing_ends_a_segment_with_its_totals() {
        let vfs = SimVfs::new();
        let mut writer = new_segment(&vfs, 1);
        writer.stage(RecordKind::Window, &[&[1; 10]]);
        writer.stage(RecordKind::Window, &[&[1; 20]]);
        writer.stage(RecordKind::Node, &[&[1; 5]]);
        let at = writer.stage(RecordKind::Commit, &[&[1; 7]]).offset + 64 + 8;
        writer.seal().unwrap();
        let expected = SegmentFooter { windows: 2, nodes: 1, commits: 1, payload_bytes: 42 };
        let after = vfs.crash(vfs.journal_len(), 0, CrashMode::DropAll);
        let footer = SegmentReader::open(&after, Path::new(DIR), SegmentId(1)).unwrap().read(at).unwrap();
        assert_eq!(SegmentFooter::decode(&footer.payload).unwrap(), expected);
        writer.stage(RecordKind::Window, &[b"x"]);
        assert!(matches!(writer.write().unwrap_err(), SegmentError::Closed { state: "sealed", .. }));
        assert!(matches!(resume(&after, 1 << 20).err().unwrap(), SegmentError::BadEnd { .. }));
        let end = bytes(&after).len() as u64;
        assert!(matches!(resume(&after, end).err().unwrap(), SegmentError::Closed { .. }));
    }

    #[test]
    fn resuming_cuts_what_follows_for_good() {
        let vfs = SimVfs::new();
        let mut writer = new_segment(&vfs, 1);
        writer.stage(RecordKind::Window, &[b"window"]);
        let end = writer.stage(RecordKind::Commit, &[b"torn"]).offset;
        writer.write().unwrap();
        for (end, reason) in
            [(0, "no record can start there"), (66, "no record can start there"), (800, "over the file's end")]
        {
            let error = resume(&vfs, end).err().unwrap();
            assert!(matches!(error, SegmentError::BadEnd { reason: found, .. } if found == reason));
        }
        let mut writer = resume(&vfs, end).unwrap();
        assert_eq!(writer.position().offset, end);
        assert_eq!(writer.footer(), SegmentFooter { windows: 1, payload_bytes: 6, ..Default::default() });
        let next = writer.stage(RecordKind::Commit, &[b"new"]);
        writer.write().unwrap();
        for mode in CrashMode::ALL {
            let after = vfs.crash(vfs.journal_len(), 5, mode);
            assert!(!bytes(&after).windows(4).any(|part| part == b"torn"), "{mode:?}");
        }
        let reader = SegmentReader::open(&vfs, Path::new(DIR), SegmentId(1)).unwrap();
        assert_eq!(reader.read(next.offset).unwrap().payload, &b"new"[..]);
    }

    #[test]
    fn a_disk_that_ignores_cuts_is_seen_after_a_crash() {
        let vfs = SimVfs::new();
        let mut writer = new_segment(&vfs, 1);
        let end = writer.stage(RecordKind::Commit, &[&[1; 400]]).offset;
        writer.write().unwrap();
        writer.file().sync_data().unwrap();
        vfs.lie(Lie::IgnoreSetLen);
        resume(&vfs, end).unwrap();
        assert!(bytes(&vfs.crash(vfs.journal_len(), 0, CrashMode::DropAll)).len() > end as usize);
    }

    #[test]
    #[should_panic(expected = "over the limit")]
    fn a_payload_over_the_limit_is_a_bug() {
        let vfs = SimVfs::new();
        let half = vec![0; MAX_PAYLOAD_LEN as usize / 2 + 1];
        new_segment(&vfs, 1).stage(RecordKind::Window, &[&half, &half]);
    }
}
