//! Builds units: how far an object is covered, where units end, and the proof that each comes back.
//!
//! Decoders ([`crate::codec`]) add ops and view bytes here; no codec is named.
//!
//! Invariants: units tile the object; each with a program was re-created and compared before it is handed out.
//! Failures: there are none. What does not come back bit for bit is handed out as it is.

use super::draft::Draft;
use crate::container::chunks::Joiner;
use crate::settings::Settings;

/// Bytes that arrive between two attempts to decode.
pub(crate) const QUANTUM: usize = 512 * 1024;

/// Bytes that may be decoded in vain before as many more must have arrived. Bounds the time that adversarial input
/// takes.
const CREDIT: usize = 8 * 1024 * 1024;

/// The least cost of one attempt in vain, in bytes of credit.
pub(crate) const ATTEMPT: usize = 256;

/// View bytes that re-encode mode keeps: the longest history of an op and its longest lookahead.
pub(crate) const TAIL: usize = (256 + 66) * 1024;

/// Plain bytes of a stream that become one op in re-encode mode, about.
pub(crate) const UNPACKED: usize = 2 * 1024 * 1024;

/// Runs a program (first) on a view (second). True if the last argument then begins with as many bytes as the third
/// says.
pub(crate) type Recreate = Box<dyn FnMut(&[u8], &[u8], usize, &mut Vec<u8>) -> bool + Send + Sync>;

/// Builds an object's units.
pub(crate) struct Builder {
    pub(crate) settings: Settings,
    pub(crate) joiner: Joiner,
    /// The object's bytes that are still needed, without the boundaries that `joiner` took out. All positions count
    /// from its start.
    pub(crate) buffer: Vec<u8>,
    /// Where the unit being built starts; all before is handed out.
    pub(crate) start: usize,
    /// Up to where the unit being built goes; equal to `start` if it is empty.
    pub(crate) covered: usize,
    pub(crate) draft: Draft,
    credit: usize,
    pub(super) view: u64,
    pub(super) recreate: Recreate,
    pub(super) proof: Vec<u8>,
    /// The last view bytes that were handed out; kept in re-encode mode only.
    pub(super) tail: Vec<u8>,
    /// So many of the last view bytes, the draft's with them, are a stream's plain bytes up to `run_end`.
    pub(super) run: usize,
    pub(super) run_end: u64,
    /// The rest of [`Settings::time`].
    pub(crate) time: u64,
    /// The rest of [`Settings::search`].
    pub(crate) search: u64,
    /// Whether the object ended within a stream.
    pub(crate) cut_off: bool,
}

/// Whether a block that could not be decoded is tried again.
pub(crate) enum Verdict {
    /// Yes, once the buffer is that long.
    More(usize),
    /// No; the attempt cost that much credit.
    Over { cost: usize },
}

impl Builder {
    pub(crate) fn new(settings: Settings, recreate: Recreate) -> Self {
        Self {
            time: settings.time,
            search: settings.search,
            settings,
            joiner: Joiner::default(),
            buffer: Vec::new(),
            start: 0,
            covered: 0,
            draft: Draft::default(),
            credit: CREDIT,
            view: 0,
            recreate,
            proof: Vec::new(),
            tail: Vec::new(),
            run: 0,
            run_end: 0,
            cut_off: false,
        }
    }

    /// Up to where a block that starts at byte `start` is decoded: no further than a block may go that is held.
    pub(crate) fn limit(&self, start: usize) -> usize {
        self.buffer.len().min(start.saturating_add(self.settings.block))
    }

    /// The verdict on a block that starts at byte `start` and does not end within the limit.
    pub(crate) fn incomplete(&mut self, start: usize, ended: bool) -> Verdict {
        let (len, most) = (self.buffer.len(), start.saturating_add(self.settings.block));
        if !ended && len < most {
            let want = len + QUANTUM.max(len.saturating_sub(start));
            return Verdict::More(want.min(most).max(len + 1));
        }
        self.cut_off |= len < most;
        Self::invalid(start, self.limit(start))
    }

    /// The verdict on a block that turns out to be invalid at byte `reached`.
    pub(crate) fn invalid(start: usize, reached: usize) -> Verdict {
        Verdict::Over { cost: ATTEMPT + reached.saturating_sub(start) }
    }

    /// Whether nothing more may be decoded in vain.
    pub(crate) const fn has_no_credit(&self) -> bool {
        self.credit == 0
    }

    /// Takes the cost of an attempt in vain.
    pub(crate) const fn pay(&mut self, cost: usize) {
        self.credit = self.credit.saturating_sub(cost);
    }

    pub(crate) fn earn(&mut self, bytes: usize) {
        self.credit = (self.credit + bytes).min(CREDIT);
    }

    /// Drops the bytes that were handed out; how many.
    pub(crate) fn rebase(&mut self) -> usize {
        let gone = std::mem::take(&mut self.start);
        self.buffer.drain(..gone);
        self.joiner.rebase(gone);
        self.covered -= gone;
        self.draft.rebase(gone);
        gone
    }
}
