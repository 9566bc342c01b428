//! How many syncs a server made, read from what it wrote.

use std::path::Path;

use deltastore_format::segment::SEGMENT_HEADER_LEN;
use deltastore_format::{Commit, RecordKind};
use deltastore_segment::vfs::RealVfs;
use deltastore_segment::{Scanned, Scanner, SegmentReader, WindowPayload, list_segments};

/// Commits in a data folder and the syncs that made them durable: a commit says up to where the log was durable when it
/// was made, so that those of one sync say the same.
pub fn count(dir: &Path) -> (usize, usize) {
    let (mut commits, mut syncs, mut last) = (0, 0, None);
    for id in list_segments(&RealVfs, dir).expect("the folder of segments") {
        let reader = SegmentReader::open(&RealVfs, dir, id).expect("a segment");
        let scanner = Scanner::new(&reader, SEGMENT_HEADER_LEN as u64, WindowPayload::Head(0)).expect("its length");
        for scanned in scanner {
            if let Scanned::Record { header, payload } = scanned.expect("a record")
                && header.kind == RecordKind::Commit
            {
                let durable = Commit::decode(&payload).expect("a commit").durable_upto;
                syncs += usize::from(last != Some(durable));
                (commits, last) = (commits + 1, Some(durable));
            }
        }
    }
    (commits, syncs)
}
