//! Reading records of one segment, in any order, while it grows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use deltastore_format::record::RECORD_HEADER_LEN;
use deltastore_format::segment::SEGMENT_HEADER_LEN;
use deltastore_format::{DecodeError, RecordHeader, SegmentHeader, SegmentId};

use super::error::SegmentError;
use super::path::segment_path;
use super::vfs::{Vfs, VfsFile};

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
    file: Arc<dyn VfsFile>,
    path: Arc<PathBuf>,
}

impl SegmentReader {
    /// Opens a segment of the data folder `dir` and checks that its header is whole and its own. The caller
    /// compares the store's identity.
    ///
    /// # Errors
    /// [`SegmentError::Io`], [`SegmentError::Decode`], [`SegmentError::Misplaced`] if the file is another segment's.
    pub fn open(vfs: &dyn Vfs, dir: &Path, id: SegmentId) -> Result<Self, SegmentError> {
        let path = segment_path(dir, id);
        let file = match vfs.open(&path) {
            Ok(file) => file,
            Err(source) => return Err(SegmentError::Io { op: "open", path, offset: 0, source }),
        };
        let mut bytes = [0; SEGMENT_HEADER_LEN];
        let read = fill(&*file, &path, &mut bytes, 0)?;
        let header = match SegmentHeader::decode(&bytes[..read]) {
            Ok(header) => header,
            Err(source) => return Err(SegmentError::Decode { path, offset: 0, source }),
        };
        if header.segment != id {
            let (expected, found) = (id.0, header.segment.0);
            return Err(SegmentError::Misplaced { path, offset: 0, what: "segment", expected, found });
        }
        Ok(SegmentReader { header, file, path: Arc::new(path) })
    }

    pub fn header(&self) -> &SegmentHeader {
        &self.header
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

    /// As [`SegmentReader::read`] without the payload's checksum, for callers that check a SHA-256 over what they make of it.
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
        let mut payload = vec![0; wanted];
        let read = fill(&*self.file, &self.path, &mut payload, payload_at)?;
        if read < wanted {
            return Err(self.truncated("record payload", offset, wanted as u64, read as u64));
        }
        Ok(Record { header, payload: payload.into() })
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

    /// Decodes a header found at `offset`, and checks that it says so itself.
    pub(super) fn check_header(&self, bytes: &[u8], offset: u64) -> Result<RecordHeader, SegmentError> {
        let header = RecordHeader::decode(bytes).map_err(|source| self.decode_error(offset, source))?;
        let own = [
            ("record salt", self.header.salt, header.salt),
            ("record segment", self.header.segment.0, header.position.segment.0),
            ("record offset", offset, header.position.offset),
            ("record epoch", self.header.epoch.0.into(), header.epoch.0.into()),
        ];
        match own.into_iter().find(|(_, expected, found)| expected != found) {
            None => Ok(header),
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
