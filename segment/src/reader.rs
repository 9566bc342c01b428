//! Reading records of one segment, in any order, while it grows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use deltastore_format::ids::RECORD_ALIGN;
use deltastore_format::record::RECORD_HEADER_LEN;
use deltastore_format::segment::SEGMENT_HEADER_LEN;
use deltastore_format::{DecodeError, Epoch, Position, RecordHeader, SegmentHeader, SegmentId, StoreId};

use super::error::SegmentError;
use super::path::segment_path;
use super::vfs::{Vfs, VfsFile};

/// Bytes read at once while a damaged header's fields are looked for in the records.
const SALVAGE_READ: usize = 1 << 20;
/// Bytes that a disk loses together, or a multiple of it.
const SECTOR: u64 = 4096;

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub header: RecordHeader,
    pub payload: Bytes,
}

/// An open segment; clones share the open file.
#[derive(Clone)]
pub struct SegmentReader {
    header: SegmentHeader,
    damage: Option<DecodeError>,
    file: Arc<dyn VfsFile>,
    path: Arc<PathBuf>,
}

impl SegmentReader {
    /// Opens a segment of the data folder `dir` and checks that its header is its own. The caller compares the
    /// store's identity.
    ///
    /// A header that is not whole does not lock in the records behind it: each of them names its segment, place, salt
    /// and epoch under a checksum, so what they are held against is taken from the first of them, and
    /// [`SegmentReader::header_damage`] tells.
    ///
    /// # Errors
    /// [`SegmentError::Io`], [`SegmentError::Decode`] for a whole header that this build does not understand,
    /// [`SegmentError::Misplaced`] if the file is another segment's.
    pub fn open(vfs: &dyn Vfs, dir: &Path, id: SegmentId) -> Result<Self, SegmentError> {
        let path = segment_path(dir, id);
        let file = match vfs.open(&path) {
            Ok(file) => file,
            Err(source) => {
                return Err(SegmentError::Io { op: "open", path, offset: 0, source });
            }
        };
        let mut bytes = [0; SEGMENT_HEADER_LEN];
        let read = fill(&*file, &path, &mut bytes, 0)?;
        use DecodeError::{Checksum, Magic, Truncated};
        let (header, damage) = match SegmentHeader::decode(&bytes[..read]) {
            Ok(header) => (header, None),
            Err(source @ (Truncated { .. } | Magic { .. } | Checksum { .. })) => {
                (salvage(&*file, &path, id)?, Some(source))
            }
            Err(source) => {
                return Err(SegmentError::Decode { path, offset: 0, source });
            }
        };
        if header.segment != id {
            let (expected, found) = (id.0, header.segment.0);
            return Err(SegmentError::Misplaced { path, offset: 0, what: "segment", expected, found });
        }
        Ok(SegmentReader { header, damage, file, path: Arc::new(path) })
    }

    /// The header; of a damaged one only segment, salt and epoch mean anything.
    pub fn header(&self) -> &SegmentHeader {
        &self.header
    }

    /// What is wrong with the header, if it is not whole.
    pub fn header_damage(&self) -> Option<SegmentError> {
        self.damage.clone().map(|source| self.decode_error(0, source))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn file(&self) -> Arc<dyn VfsFile> {
        self.file.clone()
    }

    /// Present length of the file, in bytes.
    ///
    /// # Errors
    /// [`SegmentError::Io`].
    pub fn file_len(&self) -> Result<u64, SegmentError> {
        self.file.len().map_err(|source| self.io_error("stat", 0, source))
    }

    /// Reads the record at `offset`; every checksum is checked.
    ///
    /// # Errors
    /// `Io`; `Decode` and `Misplaced` if no whole record of this segment stands there.
    pub fn read(&self, offset: u64) -> Result<Record, SegmentError> {
        let record = self.read_unverified(offset)?;
        record.header.check_payload(&record.payload).map_err(|source| self.decode_error(offset, source))?;
        Ok(record)
    }

    /// As [`SegmentReader::read`] without the payload's checksum, for callers that check a SHA-256 over what they make
    /// of it.
    ///
    /// # Errors
    /// As [`SegmentReader::read`].
    pub fn read_unverified(&self, offset: u64) -> Result<Record, SegmentError> {
        self.read_prefix(offset, usize::MAX)
    }

    /// Reads the record's header and at most the first `max` bytes of its payload, whose checksum is not checked.
    ///
    /// # Errors
    /// As [`SegmentReader::read`].
    pub fn read_prefix(&self, offset: u64, max: usize) -> Result<Record, SegmentError> {
        let header = self.read_header(offset)?;
        let payload_at = offset + RECORD_HEADER_LEN as u64;
        let wanted = (header.payload_len as usize).min(max);
        let left = self.file_len()?.saturating_sub(payload_at);
        if left < wanted as u64 {
            return Err(self.truncated("record payload", offset, wanted as u64, left));
        }
        let payload = self.read_payload(payload_at, wanted)?;
        if payload.len() < wanted {
            return Err(self.truncated("record payload", offset, wanted as u64, payload.len() as u64));
        }
        Ok(Record { header, payload: payload.into() })
    }

    /// So many bytes from `offset` on, fewer at the end of the file.
    fn read_payload(&self, offset: u64, wanted: usize) -> Result<Vec<u8>, SegmentError> {
        let mut payload = Vec::with_capacity(wanted);
        while payload.len() < wanted {
            let at = offset + payload.len() as u64;
            match self.file.read_to_spare(&mut payload, at) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(source) => return Err(self.io_error("read", at, source)),
            }
        }
        payload.truncate(wanted);
        Ok(payload)
    }

    /// Reads the record's header.
    ///
    /// # Errors
    /// As [`SegmentReader::read`].
    pub fn read_header(&self, offset: u64) -> Result<RecordHeader, SegmentError> {
        let mut bytes = [0; RECORD_HEADER_LEN];
        let read = fill(&*self.file, &self.path, &mut bytes, offset)?;
        self.check_header(&bytes[..read], offset)
    }

    /// What stands where a record's payload of `len` bytes should, whether any of it is whole: zeros where nothing can
    /// be read, with why.
    pub fn salvage_payload(&self, offset: u64, len: usize) -> (Vec<u8>, Option<SegmentError>) {
        let at = offset + RECORD_HEADER_LEN as u64;
        let mut bytes = vec![0; len];
        let mut failed = None;
        if self.fill(&mut bytes, at).is_err() {
            // A sector that cannot be read fails what is read with it: the rest is read by itself.
            let mut done = 0;
            while done < len {
                let sector_end = (at + done as u64 + 1).next_multiple_of(SECTOR) - at;
                let end = usize::try_from(sector_end).unwrap_or(len).min(len);
                if let Err(error) = self.fill(&mut bytes[done..end], at + done as u64) {
                    bytes[done..end].fill(0);
                    failed = Some(error);
                }
                done = end;
            }
        }
        (bytes, failed)
    }

    /// Decodes a header found at `offset`, and checks that it says so itself.
    pub(super) fn check_header(&self, bytes: &[u8], offset: u64) -> Result<RecordHeader, SegmentError> {
        let header = RecordHeader::decode(bytes).map_err(|source| self.decode_error(offset, source))?;
        self.check_own(&header, offset)?;
        Ok(header)
    }

    /// Whether a header found at `offset` says so itself.
    pub(super) fn check_own(&self, header: &RecordHeader, offset: u64) -> Result<(), SegmentError> {
        let own = [
            ("record salt", self.header.salt, header.salt),
            ("record segment", self.header.segment.0, header.position.segment.0),
            ("record offset", offset, header.position.offset),
            ("record epoch", self.header.epoch.0.into(), header.epoch.0.into()),
        ];
        match own.into_iter().find(|(_, expected, found)| expected != found) {
            None => Ok(()),
            Some((what, expected, found)) => {
                Err(SegmentError::Misplaced { path: self.path.to_path_buf(), offset, what, expected, found })
            }
        }
    }

    pub(super) fn decode_error(&self, offset: u64, source: DecodeError) -> SegmentError {
        SegmentError::Decode { path: self.path.to_path_buf(), offset, source }
    }

    pub(super) fn truncated(&self, what: &'static str, offset: u64, needed: u64, left: u64) -> SegmentError {
        self.decode_error(offset, DecodeError::Truncated { what, needed, left })
    }

    /// Reads until `buf` is full or the file ends; returns how much.
    pub(super) fn fill(&self, buf: &mut [u8], offset: u64) -> Result<usize, SegmentError> {
        fill(&*self.file, &self.path, buf, offset)
    }

    fn io_error(&self, op: &'static str, offset: u64, source: std::io::Error) -> SegmentError {
        SegmentError::Io { op, path: self.path.to_path_buf(), offset, source }
    }
}

fn fill(file: &dyn VfsFile, path: &Path, buf: &mut [u8], offset: u64) -> Result<usize, SegmentError> {
    let mut done = 0;
    while done < buf.len() {
        let at = offset + done as u64;
        match file.read_at(&mut buf[done..], at) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(source) => {
                return Err(SegmentError::Io { op: "read", path: path.to_path_buf(), offset: at, source });
            }
        }
    }
    Ok(done)
}

/// A stand-in for a header that cannot be read, with salt and epoch of the first record that names its own place. If
/// there is none, nothing in the file matches it, as nothing should.
fn salvage(file: &dyn VfsFile, path: &Path, id: SegmentId) -> Result<SegmentHeader, SegmentError> {
    let mut header =
        SegmentHeader { store: StoreId([0; 16]), segment: id, epoch: Epoch(0), salt: 0, created_ms: 0, key_id: 0 };
    let mut buffer = vec![0; SALVAGE_READ];
    let mut at = SEGMENT_HEADER_LEN as u64;
    loop {
        let read = fill(file, path, &mut buffer, at)?;
        let mut start = 0;
        while start + RECORD_HEADER_LEN <= read {
            let place = Position { segment: id, offset: at + start as u64 };
            match RecordHeader::decode(&buffer[start..start + RECORD_HEADER_LEN]) {
                Ok(record) if record.position == place => {
                    (header.epoch, header.salt) = (record.epoch, record.salt);
                    return Ok(header);
                }
                _ => start += RECORD_ALIGN as usize,
            }
        }
        if read < buffer.len() {
            return Ok(header);
        }
        at += start as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{DIR, new_segment, segment_with};
    use crate::vfs::{Fault, FaultError, FaultOp, SimVfs};
    use deltastore_format::RecordKind;

    fn open(vfs: &SimVfs, id: u64) -> Result<SegmentReader, SegmentError> {
        SegmentReader::open(vfs, Path::new(DIR), SegmentId(id))
    }

    fn file(id: u64) -> PathBuf {
        segment_path(Path::new(DIR), SegmentId(id))
    }

    #[test]
    fn reads_whole_records_and_prefixes() {
        let vfs = SimVfs::new();
        let at = segment_with(&vfs, 1, &[b"first", b"second"])[1].offset;
        let reader = open(&vfs, 1).unwrap();
        assert_eq!(reader.read(at).unwrap(), reader.read_unverified(at).unwrap());
        for (max, expected) in [(0, &b""[..]), (3, b"sec"), (99, b"second")] {
            let prefix = reader.read_prefix(at, max).unwrap();
            assert_eq!((prefix.payload.as_ref(), prefix.header.payload_len), (expected, 6));
        }
    }

    #[test]
    fn every_flipped_bit_of_a_record_is_noticed() {
        let vfs = SimVfs::new();
        segment_with(&vfs, 1, &[b"payload!"]);
        let reader = open(&vfs, 1).unwrap();
        for byte in 64..64 + 64 + 8 {
            for bit in 0..8 {
                vfs.corrupt(&file(1), byte, 1 << bit).unwrap();
                let error = reader.read(64).unwrap_err();
                assert!(error.is_damage() && error.to_string().contains("at offset 64"), "{error}");
                assert_eq!(reader.read_unverified(64).is_ok(), byte >= 128, "the payload is the caller's to check");
                vfs.corrupt(&file(1), byte, 1 << bit).unwrap();
            }
        }
        reader.read(64).unwrap();
    }

    #[test]
    fn every_flipped_bit_of_the_segment_header_is_noticed_and_locks_nothing_in() {
        let vfs = SimVfs::new();
        let at = segment_with(&vfs, 1, &[b"first", b"second"])[1].offset;
        assert!(open(&vfs, 1).unwrap().header_damage().is_none());
        for bit in 0..64 * 8 {
            vfs.corrupt(&file(1), bit / 8, 1 << (bit % 8)).unwrap();
            let reader = open(&vfs, 1).unwrap();
            assert!(reader.header_damage().unwrap().is_damage());
            assert_eq!(reader.read(at).unwrap().payload, &b"second"[..]);
            vfs.corrupt(&file(1), bit / 8, 1 << (bit % 8)).unwrap();
        }
        vfs.corrupt(&file(1), 0, 1).unwrap();
        vfs.corrupt(&file(1), 64, 1).unwrap();
        assert_eq!(open(&vfs, 1).unwrap().read(at).unwrap().payload, &b"second"[..], "the first record is damaged too");
        vfs.open(&file(1)).unwrap().set_len(63).unwrap();
        assert!(open(&vfs, 1).unwrap().header_damage().unwrap().is_damage());
    }

    #[test]
    fn records_of_another_place_are_refused() {
        let vfs = SimVfs::new();
        let at = segment_with(&vfs, 1, &[b"12345678", b"12345678"])[1].offset;
        segment_with(&vfs, 2, &[b"12345678"]);
        let bytes = vfs.read_file(&file(1)).unwrap();
        let second = vfs.open(&file(2)).unwrap();
        second.write_all_at(&bytes[64..at as usize], 64).unwrap();
        let misplaced = |error| matches!(error, SegmentError::Misplaced { .. });
        assert!(misplaced(open(&vfs, 2).unwrap().read(64).unwrap_err()), "of another segment");
        let first = vfs.open(&file(1)).unwrap();
        first.write_all_at(&bytes[at as usize..], 64).unwrap();
        assert!(misplaced(open(&vfs, 1).unwrap().read(64).unwrap_err()), "of another offset");
        vfs.rename(&file(1), &file(3)).unwrap();
        assert!(misplaced(open(&vfs, 3).err().unwrap()), "a segment under another's name");
    }

    #[test]
    fn a_file_that_ends_early_is_damage_and_a_failed_read_is_not() {
        let vfs = SimVfs::new();
        segment_with(&vfs, 1, &[&[1; 100]]);
        let reader = open(&vfs, 1).unwrap();
        vfs.fail(Fault::new(FaultOp::Read, 1, FaultError::Io));
        let error = reader.read(64).unwrap_err();
        assert!(!error.is_damage() && error.to_string().contains("offset 128"), "{error}");
        vfs.open(&file(1)).unwrap().set_len(200).unwrap();
        assert!(reader.read(64).unwrap_err().is_damage());
        reader.read_prefix(64, 72).unwrap();
        for offset in [160, 200, 1 << 40, u64::MAX] {
            assert!(reader.read(offset).unwrap_err().is_damage());
        }
        assert!(open(&vfs, 9).err().unwrap().is_missing());
    }

    #[test]
    fn sees_what_is_appended_after_it_was_opened() {
        let vfs = SimVfs::new();
        let mut writer = new_segment(&vfs, 1);
        let reader = open(&vfs, 1).unwrap();
        let at = writer.stage(RecordKind::Node, &[b"later"]);
        assert!(reader.read(at.offset).unwrap_err().is_damage());
        writer.write().unwrap();
        assert_eq!(reader.read(at.offset).unwrap().payload, &b"later"[..]);
    }
}
