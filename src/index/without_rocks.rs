//! The index of a build without RocksDB (`make check`): in memory, and rebuilt from the segments at each start.

use std::path::Path;
use std::sync::Arc;

use super::engine::Engine;
use super::error::IndexError;
use super::memory::MemEngine;
use super::settings::RocksSettings;

/// An empty index; nothing is read from the folder `path`.
///
/// # Errors
/// None.
pub fn open_derived(
    _path: &Path,
    _settings: &RocksSettings,
) -> Result<(Arc<dyn Engine>, Option<IndexError>), IndexError> {
    Ok((Arc::new(MemEngine::default()), None))
}
