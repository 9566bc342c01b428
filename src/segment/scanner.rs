//! Streaming a segment's records in order.
//!
//! The scanner takes no decision about what is lost. Where no whole record stands it looks for the next
//! place that holds one, names the gap as [`Scanned::Damage`] and goes on; if there is none, the rest is
//! [`ScanEnd::torn`]. Whether a gap is a torn tail (nothing after it was ever durable: cut) or damage
//! (something after it was) is for the layer above, which knows from commits up to where the log was synced:
//! a crash tears writes in any order, so whole records may stand behind a gap that was never acknowledged.
//!
//! Memory: one buffer of the read-ahead or the largest record, whichever is more.

use bytes::Bytes;
use deltastore_format::record::{RECORD_ALIGN, RECORD_HEADER_LEN};
use deltastore_format::{RecordHeader, RecordKind, record_len};

use super::error::SegmentError;
use super::reader::SegmentReader;

/// Bytes read at once when payloads are wanted, and when mostly headers are.
const READ_AHEAD: usize = 1 << 20;
const HEAD_READ_AHEAD: usize = 64 << 10;

/// How much of a window record's payload is loaded. Other records are always loaded whole and checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowPayload {
    /// All of it; its checksum is checked.
    Whole,
    /// At most its first so many bytes, unchecked: a window with a damaged payload passes.
    Head(usize),
}

/// What stands at some place of a segment.
#[derive(Debug)]
pub enum Scanned {
    /// A record; `payload` is its beginning only for windows scanned with [`WindowPayload::Head`].
    Record { header: RecordHeader, payload: Bytes },
    /// No whole record starts at `from`; the next one starts at `to`. `error` is what is wrong at `from`.
    Damage { from: u64, to: u64, error: SegmentError },
}

/// How a scan ended.
#[derive(Debug)]
pub struct ScanEnd {
    /// Where the last whole record ends, or the scan began if there was none.
    pub end: u64,
    /// What follows it, if the file goes on.
    pub torn: Option<TornTail>,
}

/// Bytes at a segment's end with no whole record in them.
#[derive(Debug)]
pub struct TornTail {
    pub from: u64,
    /// Less than `from` if the scan was to begin beyond the file's end.
    pub file_len: u64,
    /// What is wrong at `from`.
    pub error: SegmentError,
}

/// Iterates over a segment from an offset to the length the file had at the start. An `Err` (only [`SegmentError::Io`])
/// ends it; else [`Scanner::end`] says how it ended once `next` returned `None`.
pub struct Scanner {
    reader: SegmentReader,
    windows: WindowPayload,
    offset: u64,
    file_len: u64,
    buffer: Vec<u8>,
    /// Offset of the buffer's first byte.
    buffer_at: u64,
    end: Option<ScanEnd>,
    failed: bool,
}

impl Scanner {
    /// Scans from `from`, a place where a record starts: the end of the segment header or of a record. If that is
    /// beyond the file's end, bytes are missing and the scan ends at once with a [`TornTail`].
    ///
    /// # Errors
    /// [`SegmentError::Io`].
    pub fn new(reader: &SegmentReader, from: u64, windows: WindowPayload) -> Result<Self, SegmentError> {
        Ok(Scanner {
            reader: reader.clone(),
            windows,
            offset: from,
            file_len: reader.file_len()?,
            buffer: Vec::new(),
            buffer_at: 0,
            end: None,
            failed: false,
        })
    }

    /// How the scan ended; `None` before that, and after an error.
    pub fn end(&self) -> Option<&ScanEnd> {
        self.end.as_ref()
    }

    /// As [`Scanner::end`], by value.
    pub fn into_end(self) -> Option<ScanEnd> {
        self.end
    }

    /// Where the scan is: the end of the last record returned.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    fn advance(&mut self) -> Result<Option<Scanned>, SegmentError> {
        let from = self.offset;
        if from == self.file_len {
            self.end = Some(ScanEnd { end: from, torn: None });
            return Ok(None);
        }
        match self.load(from) {
            Ok((header, payload)) => {
                self.offset = from + record_len(header.payload_len);
                Ok(Some(Scanned::Record { header, payload }))
            }
            Err(error) if error.is_damage() => self.skip(from, error),
            Err(error) => Err(error),
        }
    }

    /// The whole record at `offset`.
    fn load(&mut self, offset: u64) -> Result<(RecordHeader, Bytes), SegmentError> {
        let header = self.load_header(offset)?;
        let end = offset + record_len(header.payload_len);
        if end > self.file_len {
            let (needed, left) = (end - offset, self.file_len - offset);
            return Err(self.reader.truncated("record", offset, needed, left));
        }
        let payload_at = offset + RECORD_HEADER_LEN as u64;
        let payload_len = header.payload_len as usize;
        let head = match self.windows {
            WindowPayload::Head(max) if header.kind == RecordKind::Window => Some(max.min(payload_len)),
            _ => None,
        };
        let payload = Bytes::copy_from_slice(self.fetch(payload_at, head.unwrap_or(payload_len))?);
        // The file may have been cut since the scan began.
        if payload.len() < head.unwrap_or(payload_len) {
            return Err(self.reader.truncated("record payload", offset, payload_len as u64, payload.len() as u64));
        }
        if head.is_none() {
            header.check_payload(&payload).map_err(|source| self.reader.decode_error(offset, source))?;
        }
        Ok((header, payload))
    }

    fn load_header(&mut self, offset: u64) -> Result<RecordHeader, SegmentError> {
        let bytes: [u8; RECORD_HEADER_LEN] = match self.fetch(offset, RECORD_HEADER_LEN)?.try_into() {
            Ok(bytes) => bytes,
            Err(_) => {
                let left = self.file_len.saturating_sub(offset);
                return Err(self.reader.truncated("record header", offset, RECORD_HEADER_LEN as u64, left));
            }
        };
        self.reader.check_header(&bytes, offset)
    }

    /// Finds the next whole record after a place that holds none.
    fn skip(&mut self, from: u64, error: SegmentError) -> Result<Option<Scanned>, SegmentError> {
        match self.find_next(from)? {
            Some(to) => {
                self.offset = to;
                Ok(Some(Scanned::Damage { from, to, error }))
            }
            None => {
                let torn = TornTail { from, file_len: self.file_len, error };
                self.end = Some(ScanEnd { end: from, torn: Some(torn) });
                Ok(None)
            }
        }
    }

    fn find_next(&mut self, from: u64) -> Result<Option<u64>, SegmentError> {
        // With a good header only the payload is bad, and the next record is where it should be.
        if let Ok(header) = self.load_header(from) {
            let next = from + record_len(header.payload_len);
            if self.holds_record(next)? {
                return Ok(Some(next));
            }
        }
        let mut at = from + RECORD_ALIGN;
        while at + RECORD_HEADER_LEN as u64 <= self.file_len {
            if self.holds_record(at)? {
                return Ok(Some(at));
            }
            at += RECORD_ALIGN;
        }
        Ok(None)
    }

    fn holds_record(&mut self, offset: u64) -> Result<bool, SegmentError> {
        let bytes = self.fetch(offset, RECORD_HEADER_LEN)?;
        // Most places are refused by the magic alone, before an error is built.
        if bytes.len() < RECORD_HEADER_LEN || RecordHeader::decode(bytes).is_err() {
            return Ok(false);
        }
        match self.load(offset) {
            Ok(_) => Ok(true),
            Err(error) if error.is_damage() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Bytes from `offset`: `len`, or fewer at the file's end.
    fn fetch(&mut self, offset: u64, len: usize) -> Result<&[u8], SegmentError> {
        let buffer_end = self.buffer_at + self.buffer.len() as u64;
        if offset < self.buffer_at || offset + len as u64 > buffer_end {
            let ahead = match self.windows {
                WindowPayload::Whole => READ_AHEAD,
                WindowPayload::Head(_) => HEAD_READ_AHEAD,
            };
            let left = self.file_len.saturating_sub(offset);
            let wanted = left.min(len.max(ahead) as u64) as usize;
            // A failed read leaves nothing that could be taken for the file's bytes.
            self.buffer.clear();
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.resize(wanted, 0);
            let read = self.reader.fill(&mut buffer, offset)?;
            buffer.truncate(read);
            self.buffer = buffer;
            self.buffer_at = offset;
        }
        let start = (offset - self.buffer_at) as usize;
        let stop = self.buffer.len().min(start + len);
        Ok(&self.buffer[start..stop])
    }
}

impl Iterator for Scanner {
    type Item = Result<Scanned, SegmentError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.end.is_some() {
            return None;
        }
        let result = self.advance().transpose();
        self.failed = matches!(result, Some(Err(_)));
        result
    }
}
