//! Opening the index as what it is: derived, so that a damaged one is thrown away and rebuilt.

use std::path::Path;
use std::sync::Arc;

use super::Index;
use super::engine::Engine;
use super::error::IndexError;
use super::rocks::RocksEngine;
use super::settings::RocksSettings;

/// Opens the index in folder `path`. One that is damaged is thrown away and made anew, empty; then what was wrong comes
/// with it.
///
/// # Errors
/// What opening gives for other reasons than damage.
pub fn open_derived(
    path: &Path,
    settings: &RocksSettings,
) -> Result<(Arc<dyn Engine>, Option<IndexError>), IndexError> {
    match checked(path, settings) {
        Err(error) if error.is_damage() => {
            RocksEngine::destroy(path)?;
            Ok((checked(path, settings)?, Some(error)))
        }
        // That one read of all rows failed says little: once more.
        Err(error) if error.is_passing() => Ok((checked(path, settings)?, None)),
        other => Ok((other?, None)),
    }
}

fn checked(path: &Path, settings: &RocksSettings) -> Result<Arc<dyn Engine>, IndexError> {
    let engine = Arc::new(RocksEngine::open(path, settings)?);
    engine.verify()?;
    let engine: Arc<dyn Engine> = engine;
    Index::open(Arc::clone(&engine))?;
    Ok(engine)
}
