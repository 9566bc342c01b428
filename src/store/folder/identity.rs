//! Who the store is when `STORE` cannot tell: its manifest knows, and so does each segment's header.
//!
//! The manifest holds all that `STORE` does. Without one, identity and epoch are those of the segment headers that are
//! whole, which must agree, the time of creation is that of the oldest, and the version is this build's. So a newer
//! store that has lost `STORE` and its manifest is taken for one of this build's: what only the newer version defines
//! is then reported as damage and skipped, never cut, and nothing is collected.

use deltastore_format::store::FORMAT_VERSION;
use deltastore_format::{Manifest, SegmentEntry, SegmentHeader, SegmentId, SegmentState, StoreHeader};
use deltastore_segment::SegmentReader;

use super::{Folder, HEADER, unusable};
use crate::store::error::StoreError;

impl Folder {
    /// Makes the header again, which `reason` says is not there.
    pub(super) fn remake_header(&mut self, segments: &[SegmentId], reason: &str) -> Result<StoreHeader, StoreError> {
        let path = self.dir.join(HEADER);
        let header = match &self.manifest.newest {
            Some(manifest) => manifest.header.clone(),
            None => self.header_of_segments(segments, reason)?,
        };
        self.note(&path, &format!("{reason}; it is made again from what the other files say"));
        if !self.read_only {
            self.write_header(&header)?;
        }
        Ok(header)
    }

    fn header_of_segments(&self, segments: &[SegmentId], reason: &str) -> Result<StoreHeader, StoreError> {
        let mut oldest: Option<SegmentHeader> = None;
        for header in self.headers(segments)?.into_iter().flatten() {
            let same = oldest.as_ref().is_none_or(|one| (one.store, one.epoch) == (header.store, header.epoch));
            if !same {
                return Err(unusable(
                    &self.dir,
                    format!("STORE {reason}, and the segments are of different stores; remove those that are foreign"),
                ));
            }
            let older = oldest.as_ref().is_none_or(|one| header.created_ms < one.created_ms);
            oldest = Some(header).filter(|_| older).or(oldest);
        }
        let Some(SegmentHeader { store, epoch, created_ms, .. }) = oldest else {
            return Err(unusable(&self.dir, format!("STORE {reason}, and no other file says what it held")));
        };
        Ok(StoreHeader { format_version: FORMAT_VERSION, store, epoch, created_ms })
    }

    /// Of each segment its header, if that is whole and the segment's own.
    fn headers(&self, segments: &[SegmentId]) -> Result<Vec<Option<SegmentHeader>>, StoreError> {
        let mut found = Vec::with_capacity(segments.len());
        for id in segments {
            found.push(match SegmentReader::open(self.vfs.as_ref(), &self.dir, *id) {
                Ok(reader) => Some(reader.header().clone()).filter(|_| reader.header_damage().is_none()),
                Err(error) if error.is_misplaced() => None,
                Err(error) => return Err(error.into()),
            });
        }
        Ok(found)
    }

    /// The manifest of a store that never had one: what is there.
    pub(super) fn manifest_of(&self, header: &StoreHeader, segments: &[SegmentId]) -> Result<Manifest, StoreError> {
        let headers = self.headers(segments)?;
        let entries = segments.iter().zip(headers).map(|(segment, header)| SegmentEntry {
            segment: *segment,
            salt: header.map_or(0, |header| header.salt),
            length: 0,
            state: SegmentState::Open,
        });
        let next = SegmentId(segments.last().map_or(1, |last| last.0.saturating_add(1)));
        Ok(Manifest { header: header.clone(), generation: 1, next, segments: entries.collect() })
    }
}
