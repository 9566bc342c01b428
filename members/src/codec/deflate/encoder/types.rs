//! What every engine takes and gives: where encoding begins, what is encoded, finished blocks.

use super::state::State;

/// Plain bytes that must follow the last block asked for, unless the stream ends.
pub const LOOKAHEAD: usize = 1024;
/// The most that [`Params::lookahead`] gives.
pub const FAR_LOOKAHEAD: usize = 65536 + 2 * LOOKAHEAD;
/// History that lets lazy matchers ([`Params::is_lazy`]) restart exactly.
pub const HISTORY: usize = 32768;
/// History that lets the others restart exactly nearly always: they are run over it first.
pub const WARM_UP: usize = 262_144;

/// Stream positions from here on are all taken for this one.
pub(crate) const MAX_POSITION: u64 = 1 << 60;

/// Where encoding begins.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// Plain bytes just before, as many as there are up to [`Params::history`]; more are ignored.
    pub history: &'a [u8],
    /// Plain position in the stream: the encoder's window moves at positions that depend on it.
    pub position: u64,
    /// What the encoder carries over, from the [`Block`] before; zero at the stream's start.
    pub state: State,
    /// Bits of the first output byte that belong to what came before, 0 to 7.
    pub first_bit: u8,
    /// Bytes of the stream before the first output byte; matters where [`Params::output_buffer`] is set.
    pub written: u64,
}

impl Start<'_> {
    /// The start of a stream that begins at a byte boundary.
    #[must_use]
    pub const fn of_stream() -> Self {
        Start { history: &[], position: 0, state: State(0), first_bit: 0, written: 0 }
    }
}

/// What is to be encoded.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The plain bytes from the start on.
    pub plain: &'a [u8],
    /// Where in `plain` the encoder was told to flush (`Z_SYNC_FLUSH`, `Z_FULL_FLUSH`), ascending: an empty stored
    /// block stands there.
    pub flushes: &'a [usize],
    /// Whether the stream ends with `plain`. Otherwise encoding stops when fewer than [`LOOKAHEAD`] bytes are left; see
    /// also [`Params::lookahead`].
    pub ends: bool,
}

/// A finished block.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    /// Its end in the plain bytes that were passed.
    pub plain_end: usize,
    /// Its end in bits of `bytes`, those before the start included.
    pub bit_end: u64,
    /// Whether it is marked as the stream's last.
    pub last: bool,
    /// What the encoder carries over.
    pub state: State,
    /// All output so far, the last byte filled up with zero bits.
    pub bytes: &'a [u8],
}
