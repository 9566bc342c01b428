//! Marking: finding blobs without links.

use deltastore_format::{Hash, PlacedKind};

use super::parts::Parts;
use super::report::CollectReport;
use crate::index::BlobRow;
use crate::store::error::StoreError;
use crate::store::log::Collect;
use crate::store::stop::go_on;

/// Candidates decided on in one go on the log thread.
const CHUNK: usize = 512;

/// Drops everything without links that nothing holds.
pub fn mark(parts: &Parts<'_>, done: &mut CollectReport) -> Result<(), StoreError> {
    let mut suspects = parts.index.unlinked()?;
    // Each round can only free what the last one linked to.
    while !suspects.is_empty() {
        let mut next = Vec::new();
        for chunk in suspects.chunks(CHUNK) {
            go_on(parts.stop)?;
            let candidates =
                chunk.iter().filter_map(|hash| candidate(parts, hash).transpose()).collect::<Result<Vec<_>, _>>()?;
            next.extend(candidates.iter().flat_map(|candidate| candidate.links.iter().copied()));
            let wanted = candidates.len() as u64;
            let dropped = parts.log.collect(candidates)?;
            done.blobs += dropped;
            // One that got a link meanwhile is counted too: a look in vain, no more.
            done.postponed += wanted.saturating_sub(dropped);
        }
        next.sort_unstable();
        next.dedup();
        suspects = next;
    }
    Ok(())
}

fn candidate(parts: &Parts<'_>, hash: &Hash) -> Result<Option<Collect>, StoreError> {
    if parts.index.links(hash)? > 0 {
        return Ok(None);
    }
    let Some(row) = parts.index.blob(hash)? else { return Ok(None) };
    let links = match links_of(parts, hash, &row) {
        Ok(links) => links,
        // A damaged node cannot say what it links to: its children stay, which costs space, never data.
        Err(error) if error.is_damage() => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(Collect { hash: *hash, position: row.position, record_len: row.record_len, links }))
}

fn links_of(parts: &Parts<'_>, hash: &Hash, row: &BlobRow) -> Result<Vec<Hash>, StoreError> {
    Ok(match row.kind {
        PlacedKind::Window => row.references.clone(),
        PlacedKind::Node => parts.blobs.payload(hash)?.links().collect(),
    })
}
