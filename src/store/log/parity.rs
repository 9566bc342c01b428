//! Parity on the log thread: it is written, and kept, in another segment than the record that it is for.
//!
//! Invariant: no batch leaves a blob and its parity in one segment. Where work would append one to the segment that
//! holds the other, that segment ends first. If there is no room for another segment, the parity goes: the next pass
//! makes it again.

use deltastore_format::{Hash, RecordKind, record_len};

use super::batch::StagedMove;
use super::message::{Callback, MovedParity, ParityChange, Protection, Relocation};
use super::thread::LogThread;
use crate::index::{IndexError, ParityRow};
use crate::store::bugs::Bug;
use crate::store::error::StoreError;

/// Parity rows to set, as [`StagedMove`] has them.
pub(super) type SetParity = Vec<(Hash, Option<ParityRow>)>;

impl LogThread<'_> {
    /// Appends parity records; what does not fit its blob any more is left out.
    pub(super) fn protect(
        &mut self,
        protections: Vec<Protection>,
        done: Callback<Result<u64, StoreError>>,
    ) -> Option<StagedMove> {
        match self.staged_parity(protections) {
            Ok((parity, _)) if parity.is_empty() => {
                done.call(Ok(0));
                None
            }
            Ok((parity, bytes)) => Some(StagedMove { parity, bytes, ..StagedMove::new(done) }),
            Err(error) => {
                done.call(Err(error));
                None
            }
        }
    }

    fn staged_parity(&mut self, protections: Vec<Protection>) -> Result<(SetParity, u64), StoreError> {
        if let Some(reason) = self.status.read_only() {
            return Err(StoreError::ReadOnly(reason));
        }
        if self.appender.refuses_data() {
            return Err(StoreError::Full);
        }
        if self.holds_some_of(&protections)? && !self.bugs.has(Bug::ParityInSameSegment) {
            self.appender.roll()?;
        }
        let (mut parity, start) = (Vec::new(), self.appender.staged());
        for Protection { hash, change } in protections {
            match change {
                ParityChange::Give { of, payload } => {
                    if self.index.blob(&hash)?.is_some_and(|row| row.position == of) {
                        parity.push((hash, Some(self.append_parity(&payload))));
                    }
                }
                ParityChange::Take(at) => {
                    if self.index.parity(&hash)?.is_some_and(|row| row.position == at) {
                        parity.push((hash, None));
                    }
                }
            }
        }
        Ok((parity, (self.appender.staged() - start) as u64))
    }

    /// Makes room for a relocation: what it moves may not come to lie beside its parity, or the other way round.
    pub(super) fn part_from(&mut self, relocation: &Relocation) -> Result<(), StoreError> {
        if self.meets(relocation)?
            && !self.bugs.has(Bug::ParityInSameSegment)
            && let Err(error) = self.appender.roll()
        {
            tracing::warn!(%error, "no new segment could be started; some windows lose their parity for a while");
        }
        Ok(())
    }

    /// Copies parity, and drops that of blobs which lie in the active segment all the same, or are about to.
    pub(super) fn move_parity(
        &mut self,
        moved: Vec<(MovedParity, ParityRow)>,
        blobs: &[Hash],
    ) -> Result<SetParity, IndexError> {
        let active = self.appender.position().segment;
        let mut parity = Vec::new();
        let bugs = self.bugs;
        let beside = |segment| segment == active && !bugs.has(Bug::ParityInSameSegment);
        for hash in blobs {
            if self.index.parity(hash)?.is_some_and(|row| beside(row.position.segment)) {
                parity.push((*hash, None));
            }
        }
        for (MovedParity { hash, payload, .. }, _) in moved {
            let beside = self.index.blob(&hash)?.is_none_or(|row| beside(row.position.segment));
            let row = (!beside).then(|| self.append_parity(&payload));
            parity.push((hash, row));
        }
        Ok(parity)
    }

    fn append_parity(&mut self, payload: &[u8]) -> ParityRow {
        let position = self.appender.stage_payload(RecordKind::Parity, payload);
        ParityRow { position, record_len: record_len(u32::try_from(payload.len()).unwrap_or(u32::MAX)) }
    }

    /// True when the parity of a moved blob, or the blob of moved parity, lies in the active segment.
    fn meets(&self, relocation: &Relocation) -> Result<bool, IndexError> {
        let active = self.appender.position().segment;
        for moved in &relocation.blobs {
            if self.index.parity(&moved.hash)?.is_some_and(|row| row.position.segment == active) {
                return Ok(true);
            }
        }
        for moved in &relocation.parity {
            if self.index.blob(&moved.hash)?.is_some_and(|row| row.position.segment == active) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// True when one of the blobs lies in the active segment.
    fn holds_some_of(&self, protections: &[Protection]) -> Result<bool, IndexError> {
        let active = self.appender.position().segment;
        for Protection { hash, change } in protections {
            if let ParityChange::Give { of, .. } = change
                && of.segment == active
                && self.index.blob(hash)?.is_some_and(|row| row.position == *of)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
