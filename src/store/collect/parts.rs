//! The parts of the store that a collection works with.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use deltastore_segment::vfs::Vfs;

use crate::index::Index;
use crate::store::bugs::Bugs;
use crate::store::fetch::Blobs;
use crate::store::log::Log;
use crate::store::pins::Pins;
use crate::store::segments::Segments;

/// See the module.
pub struct Parts<'a> {
    pub index: &'a Index,
    pub log: &'a Log,
    pub blobs: &'a Blobs,
    pub pins: &'a Pins,
    pub segments: &'a Segments,
    pub vfs: &'a dyn Vfs,
    pub dir: &'a Path,
    pub bugs: Bugs,
    pub stop: &'a AtomicBool,
}
