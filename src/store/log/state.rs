//! What the log starts with.

use std::path::PathBuf;
use std::sync::Arc;

use deltastore_format::{Epoch, Position, StoreId};
use deltastore_segment::SegmentWriter;
use deltastore_segment::vfs::{Clock, Vfs};

use super::status::Status;
use crate::index::Index;
use crate::store::bugs::Bugs;
use crate::store::pins::Pins;
use crate::store::segments::Segments;
use crate::store::settings::Settings;
use crate::store::soundness::Soundness;

/// What recovery hands to the log.
pub struct LogState {
    pub vfs: Arc<dyn Vfs>,
    pub dir: PathBuf,
    pub store: StoreId,
    pub epoch: Epoch,
    pub index: Index,
    pub pins: Arc<Pins>,
    pub clock: Arc<dyn Clock>,
    pub status: Arc<Status>,
    pub settings: Settings,
    pub bugs: Bugs,
    pub soundness: Arc<Soundness>,
    pub segments: Arc<Segments>,
    pub writer: SegmentWriter,
    pub next_sequence: u64,
    /// Everything before this is known to be on disk.
    pub durable: Position,
    /// The log ends with the mark of a clean close.
    pub marked: bool,
}
