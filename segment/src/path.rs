//! Where segment files lie: `<data folder>/segments/<id in 16 hex digits>.seg`.

use std::path::{Path, PathBuf};

use deltastore_format::SegmentId;

use super::error::SegmentError;
use super::vfs::Vfs;

/// Name of the folder of segments inside the data folder.
pub const SEGMENT_DIR: &str = "segments";
const SUFFIX: &str = ".seg";

/// The folder of segments of a data folder.
pub fn segment_dir(dir: &Path) -> PathBuf {
    dir.join(SEGMENT_DIR)
}

/// A segment's file, in the data folder `dir`.
pub fn segment_path(dir: &Path, id: SegmentId) -> PathBuf {
    segment_dir(dir).join(format!("{id}{SUFFIX}"))
}

/// The segment a file name stands for; `None` for any other file.
pub fn parse_segment_name(name: &str) -> Option<SegmentId> {
    let digits = name.strip_suffix(SUFFIX)?;
    let canonical = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if digits.len() != 16 || !digits.bytes().all(canonical) {
        return None;
    }
    u64::from_str_radix(digits, 16).ok().map(SegmentId)
}

/// All segments of a data folder, in order of their ids; other files are passed over.
///
/// # Errors
/// [`SegmentError::Io`].
pub fn list_segments(vfs: &dyn Vfs, dir: &Path) -> Result<Vec<SegmentId>, SegmentError> {
    let path = segment_dir(dir);
    match vfs.list(&path) {
        Ok(names) => {
            let mut ids: Vec<SegmentId> = names.iter().filter_map(|n| parse_segment_name(n)).collect();
            ids.sort_unstable();
            Ok(ids)
        }
        Err(source) => Err(SegmentError::Io { op: "list", path, offset: 0, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::SimVfs;

    #[test]
    fn names_go_both_ways() {
        for id in [0, 1, 0xabc, u64::MAX] {
            let path = segment_path(Path::new("/data"), SegmentId(id));
            assert!(path.starts_with("/data/segments"));
            let name = path.file_name().and_then(|name| name.to_str()).unwrap();
            assert_eq!(parse_segment_name(name), Some(SegmentId(id)));
        }
    }

    #[test]
    fn other_names_are_no_segments() {
        for name in ["", ".seg", "1.seg", "000000000000000A.seg", "+00000000000000a.seg", "000000000000000a.seg.tmp"] {
            assert_eq!(parse_segment_name(name), None, "{name}");
        }
    }

    #[test]
    fn lists_in_order() {
        let vfs = SimVfs::new();
        let dir = Path::new("/data");
        vfs.create_dir(&segment_dir(dir)).unwrap();
        for id in [10, 9, 300] {
            vfs.create(&segment_path(dir, SegmentId(id))).unwrap();
        }
        vfs.create(&segment_dir(dir).join("notes.txt")).unwrap();
        assert_eq!(list_segments(&vfs, dir).unwrap(), [9, 10, 300].map(SegmentId));
        assert!(list_segments(&vfs, Path::new("/other")).unwrap_err().is_missing());
    }
}
