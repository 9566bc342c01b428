//! Uploads with parts that end within a compressed member: once complete, the object is worth expanding as a whole.
//!
//! Kept in memory, and of so many uploads only; of others the optimizer takes care.

use std::collections::BTreeSet;
use std::sync::Arc;

use deltastore_format::UploadId;
use parking_lot::Mutex;

/// Uploads under way that are known; beyond, the oldest goes.
const MAX_UPLOADS: usize = 4096;

/// See the module; clones share it.
#[derive(Clone, Default)]
pub struct TruncatedUploads(Arc<Mutex<BTreeSet<UploadId>>>);

impl TruncatedUploads {
    pub fn note(&self, upload: UploadId) {
        let mut uploads = self.0.lock();
        uploads.insert(upload);
        if uploads.len() > MAX_UPLOADS {
            uploads.pop_first();
        }
    }

    /// Whether an upload, which has ended, was noted.
    pub fn take(&self, upload: UploadId) -> bool {
        self.0.lock().remove(&upload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_uploads_are_known_and_once_only() {
        let noted = TruncatedUploads::default();
        (0..=MAX_UPLOADS as u64).for_each(|upload| noted.note(UploadId(upload)));
        assert!(!noted.take(UploadId(0)));
        assert!(noted.take(UploadId(1)) && !noted.take(UploadId(1)));
    }
}
