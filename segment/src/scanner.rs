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
use deltastore_format::ids::RECORD_ALIGN;
use deltastore_format::record::RECORD_HEADER_LEN;
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
            if read < wanted {
                // The file was cut since the scan began.
                self.file_len = offset + read as u64;
            }
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use deltastore_format::segment::SEGMENT_HEADER_LEN;
    use deltastore_format::{Position, SegmentId};

    use super::*;
    use crate::segment_path;
    use crate::testing::{DIR, header, new_segment, segment_with};
    use crate::vfs::{CrashMode, Fault, FaultError, FaultOp, SimVfs, Vfs};

    const START: u64 = SEGMENT_HEADER_LEN as u64;

    fn file() -> std::path::PathBuf {
        segment_path(Path::new(DIR), SegmentId(1))
    }

    fn scanner(vfs: &SimVfs, from: u64, windows: WindowPayload) -> Scanner {
        let reader = SegmentReader::open(vfs, Path::new(DIR), SegmentId(1)).unwrap();
        Scanner::new(&reader, from, windows).unwrap()
    }

    /// Offsets of records, gaps, and the end.
    fn scan(vfs: &SimVfs, windows: WindowPayload) -> (Vec<u64>, Vec<(u64, u64)>, ScanEnd) {
        let mut scanner = scanner(vfs, START, windows);
        let (mut records, mut gaps) = (Vec::new(), Vec::new());
        for scanned in &mut scanner {
            match scanned.unwrap() {
                Scanned::Record { header, .. } => records.push(header.position.offset),
                Scanned::Damage { from, to, error } => {
                    assert!(error.to_string().contains(&format!("at offset {from}")), "{error}");
                    gaps.push((from, to));
                }
            }
        }
        (records, gaps, scanner.into_end().unwrap())
    }

    fn offsets(positions: &[Position]) -> Vec<u64> {
        positions.iter().map(|position| position.offset).collect()
    }

    #[test]
    fn yields_everything_in_order() {
        let vfs = SimVfs::new();
        let mut writer = new_segment(&vfs, 1);
        let large = vec![3; 3 << 20];
        let payloads: [&[u8]; 5] = [b"w", &large, b"", b"commit", &large[..70_001]];
        let kinds = [RecordKind::Window, RecordKind::Window, RecordKind::Node, RecordKind::Commit, RecordKind::Node];
        let positions: Vec<_> = kinds.iter().zip(payloads).map(|(kind, p)| writer.stage(*kind, &[p])).collect();
        writer.write().unwrap();
        for (windows, kept) in
            [(WindowPayload::Whole, usize::MAX), (WindowPayload::Head(100), 100), (WindowPayload::Head(0), 0)]
        {
            let mut scan = scanner(&vfs, START, windows);
            for (n, scanned) in (&mut scan).enumerate() {
                let Scanned::Record { header, payload } = scanned.unwrap() else { panic!("damage") };
                let kept = if kinds[n] == RecordKind::Window { kept.min(payloads[n].len()) } else { payloads[n].len() };
                assert_eq!((header.kind, header.position), (kinds[n], positions[n]));
                assert!(payload == payloads[n][..kept]);
            }
            let end = scan.end().unwrap();
            assert_eq!((end.end, end.torn.is_none()), (writer.position().offset, true));
            assert!(scan.next().is_none());
        }
        let from_third = scanner(&vfs, positions[2].offset, WindowPayload::Whole);
        assert_eq!(from_third.count(), 3);
    }

    #[test]
    fn an_empty_segment_and_a_start_beyond_the_end() {
        let vfs = SimVfs::new();
        segment_with(&vfs, 1, &[]);
        let (records, gaps, end) = scan(&vfs, WindowPayload::Whole);
        assert!(records.is_empty() && gaps.is_empty() && end.torn.is_none());
        assert_eq!(end.end, START);
        let mut beyond = scanner(&vfs, 4096, WindowPayload::Whole);
        assert!(beyond.next().is_none());
        let torn = beyond.into_end().unwrap().torn.unwrap();
        assert_eq!((torn.from, torn.file_len), (4096, START));
    }

    #[test]
    fn a_tail_torn_at_any_byte_ends_after_the_last_whole_record() {
        let vfs = SimVfs::new();
        let positions = offsets(&segment_with(&vfs, 1, &[b"first", b"second", b"the last record"]));
        let bytes = vfs.read_file(&file()).unwrap();
        let last = positions[2];
        for len in last..bytes.len() as u64 {
            for filler in [None, Some(0), Some(0xff)] {
                let disk = vfs.snapshot();
                let handle = disk.open(&file()).unwrap();
                handle.set_len(len).unwrap();
                if let Some(filler) = filler {
                    handle.write_all_at(&vec![filler; 500], len).unwrap();
                }
                // Zeros are also what pads a record, so that a last record may be whole by chance.
                if disk.read_file(&file()).unwrap()[..bytes.len().min(len as usize + filler.map_or(0, |_| 500))]
                    == bytes[..]
                {
                    continue;
                }
                let whole = filler.is_some() && len >= last + 64 + 15;
                for windows in [WindowPayload::Whole, WindowPayload::Head(4)] {
                    let (records, gaps, end) = scan(&disk, windows);
                    let unchecked = filler.is_some() && windows != WindowPayload::Whole && len >= last + 64;
                    let expected = if whole || unchecked { 3 } else { 2 };
                    assert_eq!((records.as_slice(), gaps.len()), (&positions[..expected], 0), "len {len} {filler:?}");
                    let from = if expected == 3 { bytes.len() as u64 } else { last };
                    assert_eq!(end.end, from);
                    let rest = disk.read_file(&file()).unwrap().len() as u64 - from;
                    assert_eq!(end.torn.map_or(0, |torn| torn.file_len - torn.from), rest);
                }
            }
        }
    }

    #[test]
    fn damage_in_the_middle_is_named_and_passed() {
        let vfs = SimVfs::new();
        let positions = offsets(&segment_with(&vfs, 1, &[b"first", &[7; 5000], b"third", b"fourth"]));
        for byte in [positions[1], positions[1] + 8, positions[1] + 63, positions[1] + 64, positions[1] + 5063] {
            let disk = vfs.snapshot();
            disk.corrupt(&file(), byte, 0x10).unwrap();
            let (records, gaps, end) = scan(&disk, WindowPayload::Whole);
            assert_eq!(records, [positions[0], positions[2], positions[3]]);
            assert_eq!(gaps, [(positions[1], positions[2])]);
            assert!(end.torn.is_none());
            let headers_only = scan(&disk, WindowPayload::Head(10));
            assert_eq!(headers_only.0.len(), if byte < positions[1] + 64 { 3 } else { 4 });
        }
        vfs.corrupt(&file(), positions[1] + 100, 1).unwrap();
        vfs.corrupt(&file(), positions[2] + 20, 1).unwrap();
        let (records, gaps, _) = scan(&vfs, WindowPayload::Whole);
        assert_eq!((records, gaps), (vec![positions[0], positions[3]], vec![(positions[1], positions[3])]));
    }

    #[test]
    fn forged_records_in_a_payload_are_not_picked_up() {
        let vfs = SimVfs::new();
        let own = header(1);
        let at = |offset| Position { segment: own.segment, offset };
        let mut forged = Vec::new();
        let epoch = own.epoch;
        // What a client could guess: any of the fields but never the salt; and a copy of a real record elsewhere.
        let guess = RecordHeader::for_payload(RecordKind::Commit, b"", at(START + 64), own.salt ^ 1, epoch);
        let copied = RecordHeader::for_payload(RecordKind::Commit, b"", at(START), own.salt, epoch);
        let other = Position { segment: SegmentId(2), offset: START + 192 };
        let foreign = RecordHeader::for_payload(RecordKind::Commit, b"", other, own.salt, epoch);
        for record in [guess, copied, foreign] {
            forged.extend_from_slice(&record.to_bytes());
        }
        let positions = offsets(&segment_with(&vfs, 1, &[&forged, b"next"]));
        vfs.corrupt(&file(), START + 3, 1).unwrap();
        let (records, gaps, _) = scan(&vfs, WindowPayload::Whole);
        assert_eq!((records, gaps), (vec![positions[1]], vec![(START, positions[1])]));
    }

    #[test]
    fn a_gap_larger_than_the_buffer_is_crossed() {
        let vfs = SimVfs::new();
        let mut noise = vec![0; 3 << 20];
        let magic = &header(1).to_bytes()[..4];
        noise.chunks_mut(512).for_each(|chunk| chunk[..4].copy_from_slice(magic));
        let positions = offsets(&segment_with(&vfs, 1, &[&noise, b"next"]));
        vfs.corrupt(&file(), START, 1).unwrap();
        for windows in [WindowPayload::Whole, WindowPayload::Head(8)] {
            let (records, gaps, _) = scan(&vfs, windows);
            assert_eq!((records, gaps), (vec![positions[1]], vec![(START, positions[1])]));
        }
    }

    #[test]
    fn a_failed_read_ends_the_scan_with_an_error() {
        let vfs = SimVfs::new();
        segment_with(&vfs, 1, &[b"first", b"second"]);
        let mut scan = scanner(&vfs, START, WindowPayload::Whole);
        vfs.fail(Fault::new(FaultOp::Read, 0, FaultError::Io));
        assert!(!scan.next().unwrap().unwrap_err().is_damage());
        assert!(scan.next().is_none() && scan.end().is_none());
    }

    #[test]
    fn a_file_cut_during_the_scan_ends_it() {
        let vfs = SimVfs::new();
        let large = vec![1; 2 << 20];
        let positions = offsets(&segment_with(&vfs, 1, &[&large, &large, &large]));
        let mut scan = scanner(&vfs, START, WindowPayload::Whole);
        scan.next().unwrap().unwrap();
        vfs.open(&file()).unwrap().set_len(positions[1] + 100).unwrap();
        assert!(scan.next().is_none());
        assert_eq!(scan.end().unwrap().end, positions[1]);
    }

    #[test]
    fn every_crash_leaves_all_synced_records_and_no_false_ones() {
        let vfs = SimVfs::new();
        let mut writer = new_segment(&vfs, 1);
        let start = vfs.journal_len();
        let mut synced = vec![(start, 0)];
        let mut payloads = Vec::new();
        for n in 0..24_u8 {
            payloads.push(vec![n; usize::from(n) * 97 % 1500]);
            let kind = if n % 3 == 0 { RecordKind::Commit } else { RecordKind::Window };
            writer.stage(kind, &[&payloads[usize::from(n)]]);
            if n % 2 == 1 {
                writer.write().unwrap();
            }
            if n % 6 == 5 {
                writer.file().sync_data().unwrap();
                synced.push((vfs.journal_len(), payloads.len()));
            }
        }
        for at in start..=vfs.journal_len() {
            let durable = synced.iter().rfind(|(position, _)| *position <= at).unwrap().1;
            for mode in CrashMode::ALL {
                for seed in 0..40 {
                    let disk = vfs.crash(at, seed, mode);
                    let mut found = Vec::new();
                    for scanned in scanner(&disk, START, WindowPayload::Whole) {
                        if let Scanned::Record { payload, .. } = scanned.unwrap() {
                            found.push(payload);
                        }
                    }
                    assert!(found.len() >= durable && found[..durable] == payloads[..durable], "{at} {mode:?} {seed}");
                    let mut rest = payloads[durable..].iter();
                    assert!(found[durable..].iter().all(|payload| rest.any(|written| payload == written)));
                }
            }
        }
    }
}
