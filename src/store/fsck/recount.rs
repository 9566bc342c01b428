//! Live bytes, counted anew from the rows and the log: whatever way the index came about, its counters say the same.
//!
//! Only builds that test do this. An index of an older build may have counted otherwise, which costs space and no data.

use std::collections::BTreeMap;

use deltastore_format::segment::SEGMENT_HEADER_LEN;
use deltastore_format::{Commit, Hash, Position, RecordKind, SegmentId, record_len};
use deltastore_segment::{Scanned, Scanner, WindowPayload};

use super::report::FsckReport;
use crate::index::{EachKind, Index, IndexError, Table, each_kind};
use crate::store::Store;
use crate::store::error::StoreError;

type Live = BTreeMap<SegmentId, i64>;

/// Holds the counters of all segments that exist against the rows.
pub fn check_live(store: &Store, found: &mut FsckReport) -> Result<(), StoreError> {
    let index = store.index();
    let mut live = Live::new();
    each_kind(&mut Rows { index, live: &mut live })?;
    for row in index.all_blobs(Hash::default()) {
        let (_, row) = row?;
        add(&mut live, row.position, row.record_len);
    }
    for row in index.all_parity(Hash::default()) {
        let (_, row) = row?;
        add(&mut live, row.position, row.record_len);
    }
    for id in store.segments().all() {
        copied_removals(store, id, &mut live)?;
        let (expected, counted) = (live.get(&id).copied().unwrap_or(0), index.live(id)?);
        if expected != counted {
            found.add(format!("segment {id}"), format!("{expected} bytes are alive, counted {counted}"));
        }
    }
    Ok(())
}

/// Removals that compaction copied count as alive where they lie.
fn copied_removals(store: &Store, id: SegmentId, live: &mut Live) -> Result<(), StoreError> {
    let reader = store.blobs().readers().get(id)?;
    for scanned in Scanner::new(&reader, SEGMENT_HEADER_LEN as u64, WindowPayload::Head(0))? {
        let Scanned::Record { header, payload } = scanned? else { continue };
        if header.kind != RecordKind::Commit || store.looked_at().1.is_some_and(|end| header.position >= end) {
            continue;
        }
        let Ok(commit) = Commit::decode(&payload) else { continue };
        let share = record_len(header.payload_len) / commit.ops.len().max(1) as u64;
        let removals = commit.ops.iter().filter(|op| commit.relocated && op.is_removal()).count();
        add(live, header.position, share * removals as u64);
    }
    Ok(())
}

fn add(live: &mut Live, position: Position, bytes: u64) {
    *live.entry(position.segment).or_default() += i64::try_from(bytes).unwrap_or(i64::MAX);
}

struct Rows<'a> {
    index: &'a Index,
    live: &'a mut Live,
}

impl EachKind for Rows<'_> {
    type Error = IndexError;

    fn kind<P: Table>(&mut self) -> Result<(), IndexError> {
        for row in self.index.all_rows::<P>() {
            let row = row?;
            add(self.live, row.record, row.record_len);
        }
        Ok(())
    }
}
