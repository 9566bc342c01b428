//! Helpers of this folder's tests.

use std::path::Path;

use deltastore_format::{Epoch, Position, RecordKind, SegmentHeader, SegmentId, StoreId};

use super::path::segment_dir;
use super::vfs::{Vfs, create_dir_durable};
use super::writer::SegmentWriter;

pub const DIR: &str = "/data";

pub fn header(id: u64) -> SegmentHeader {
    SegmentHeader {
        store: StoreId([7; 16]),
        segment: SegmentId(id),
        epoch: Epoch(1),
        salt: 0x5a17_0000 + id,
        created_ms: 1_700_000_000_000,
        key_id: 0,
    }
}

/// A durable empty segment.
pub fn new_segment(vfs: &dyn Vfs, id: u64) -> SegmentWriter {
    let dir = Path::new(DIR);
    create_dir_durable(vfs, &segment_dir(dir)).unwrap();
    let writer = SegmentWriter::create(vfs, dir, header(id)).unwrap();
    writer.make_durable(vfs, dir).unwrap();
    writer
}

/// A durable segment of one window record per payload.
pub fn segment_with(vfs: &dyn Vfs, id: u64, payloads: &[&[u8]]) -> Vec<Position> {
    let mut writer = new_segment(vfs, id);
    let positions = payloads.iter().map(|payload| writer.stage(RecordKind::Window, &[payload])).collect();
    writer.write().unwrap();
    writer.file().sync_data().unwrap();
    positions
}
