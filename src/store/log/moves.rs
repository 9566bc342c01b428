//! What maintenance asks of the log thread: dropping blobs, sealing the active segment, moving what is alive out of
//! one, and giving an optimized window another form.

use deltastore_format::{Commit, Hash};

use super::batch::StagedMove;
use super::message::{Callback, Collect, Relocation};
use super::relocate;
use super::thread::LogThread;
use crate::store::blob::{Blob, record_kind};
use crate::store::bugs::Bug;
use crate::store::error::StoreError;

impl LogThread<'_> {
    pub(super) fn collect(&mut self, candidates: &[Collect]) -> Result<u64, StoreError> {
        if let Some(reason) = self.status.read_only() {
            return Err(StoreError::ReadOnly(reason));
        }
        relocate::drop_blobs(&self.index, &self.pins, candidates, self.bugs)
    }

    pub(super) fn seal(&mut self, done: Callback<Result<u64, StoreError>>) -> Option<StagedMove> {
        match self.appender.roll() {
            Ok(()) => Some(StagedMove::new(done)),
            Err(error) => {
                done.call(Err(error));
                None
            }
        }
    }

    pub(super) fn relocate(
        &mut self,
        relocation: Relocation,
        done: Callback<Result<u64, StoreError>>,
    ) -> Option<StagedMove> {
        if let Some(reason) = self.status.read_only() {
            done.call(Err(StoreError::ReadOnly(reason)));
            return None;
        }
        let segment = relocation.segment;
        if let Err(error) = self.part_from(&relocation) {
            done.call(Err(error));
            return None;
        }
        let live = match relocate::still_alive(&self.index, &self.segments, relocation, self.bugs) {
            Ok(live) => live,
            Err(error) => {
                done.call(Err(error));
                return None;
            }
        };
        let start = self.appender.staged();
        let moved: Vec<Hash> = live.blobs.iter().map(|(moved, _)| moved.hash).collect();
        let parity = match self.move_parity(live.parity, &moved) {
            Ok(parity) => parity,
            Err(error) => {
                done.call(Err(error.into()));
                return None;
            }
        };
        let blobs = live
            .blobs
            .into_iter()
            .map(|(moved, mut row)| {
                row.position = self.appender.stage_payload(record_kind(moved.kind), &moved.payload);
                (moved.hash, moved.from, row)
            })
            .collect();
        let commit = (!live.ops.is_empty()).then(|| {
            let commit = Commit {
                time_ms: self.clock.now_ms(),
                durable_upto: self.durable,
                relocated: true,
                healing: false,
                placed: Vec::new(),
                ops: live.ops,
            };
            let (position, record_len) = self.appender.stage_commit(&commit);
            (commit, position, record_len)
        });
        let bytes = (self.appender.staged() - start) as u64;
        tracing::debug!(%segment, bytes, "relocating");
        Some(StagedMove { blobs, parity, commit, bytes, ..StagedMove::new(done) })
    }

    /// Appends another form of an optimized window, unless the window is gone or the form is deeper than the one that
    /// it has: then 0 bytes.
    pub(super) fn rotate(&mut self, blob: Blob, done: Callback<Result<u64, StoreError>>) -> Option<StagedMove> {
        if let Some(reason) = self.status.read_only() {
            done.call(Err(StoreError::ReadOnly(reason)));
            return None;
        }
        if self.appender.refuses_data() {
            done.call(Err(StoreError::Full));
            return None;
        }
        let fits = match self.index.blob(&blob.hash) {
            Ok(row) => row.is_some_and(|row| row.optimized && row.depth >= blob.row.depth),
            Err(error) => {
                done.call(Err(error.into()));
                return None;
            }
        };
        if !fits && !self.bugs.has(Bug::RotateIntoCircle) {
            done.call(Ok(0));
            return None;
        }
        let placing = self.appender.stage_blob(blob);
        let bytes = placing.row.record_len;
        Some(StagedMove { rotated: Some(placing), bytes, ..StagedMove::new(done) })
    }
}
