//! From an object's bytes to its stored view, in one pass.
//!
//! Invariants: units tile the object; each with a program was re-created and compared before it is handed out; what
//! comes out depends on the object's bytes, the settings and the encoders known beforehand alone, not on how they
//! arrive in pieces; memory is bounded by the settings. Failures: there are none. What cannot be represented, or does
//! not come back bit for bit, is copied.

mod held;
mod scan;
mod settings;
mod stream;
mod units;

pub use settings::Settings;

use crate::codec::deflate::encoder::types::{FAR_LOOKAHEAD, WARM_UP};
use crate::codec::deflate::inflate::Tables;
use crate::codec::deflate::recent_encoders::Known;
use crate::codec::deflate::reencode::Deep;
use crate::codec::deflate::tokens::{Encoder, Tokens};
use crate::container::chunks::Joiner;
use crate::unit::{Draft, Expansion};
use stream::Stream;

/// How many bytes are read between two looks at what has arrived.
const QUANTUM: usize = 512 * 1024;

/// Bytes that may be decoded in vain before as many must have been read: bounds the time that adversarial input can
/// take.
const CREDIT: usize = 8 * 1024 * 1024;

/// View bytes that the deep gear keeps, for histories.
const TAIL: usize = WARM_UP + FAR_LOOKAHEAD;

/// Turns an object's bytes into view bytes and units; one per object.
pub struct Expander {
    settings: Settings,
    joiner: Joiner,
    /// The object's bytes that are still needed, without the boundaries that `joiner` took out. All positions below
    /// count from its start.
    buffer: Vec<u8>,
    /// Nothing can be decided before the buffer is that long.
    want: usize,
    /// Where the unit being built starts; all before is handed out.
    start: usize,
    /// Up to where the unit being built goes; equal to `start` if it is empty.
    covered: usize,
    draft: Draft,
    state: State,
    credit: usize,
    view: u64,
    tables: Tables,
    tokens: Tokens,
    encoder: Encoder,
    proof: Vec<u8>,
    /// The last view bytes that were handed out; kept in the deep gear only.
    tail: Vec<u8>,
    /// So many of the last view bytes, the draft's with them, are a stream's plain bytes up to `run_end`.
    run: usize,
    run_end: u64,
    known: Known,
    /// What encoding may still take, see [`Settings::time`].
    time: u64,
    /// What looking for encoders may still take, see [`Settings::search`].
    search: u64,
    cut_off: bool,
}

enum State {
    /// Looking for a signature from here on.
    Scan(usize),
    /// Within a member's DEFLATE stream.
    Stream(Stream),
    /// Within one whose blocks are held.
    Deep(Box<Deep>),
}

/// What a step comes to: more of them, or a wait until the buffer is that long.
enum Step {
    Go,
    Wait(usize),
}

impl Expander {
    pub fn new(settings: Settings) -> Self {
        Self {
            time: settings.time,
            search: settings.search,
            settings,
            joiner: Joiner::default(),
            buffer: Vec::new(),
            want: QUANTUM,
            start: 0,
            covered: 0,
            draft: Draft::default(),
            state: State::Scan(0),
            credit: CREDIT,
            view: 0,
            tables: Tables::default(),
            tokens: Tokens::default(),
            encoder: Encoder::default(),
            proof: Vec::new(),
            tail: Vec::new(),
            run: 0,
            run_end: 0,
            known: Known::default(),
            cut_off: false,
        }
    }

    /// With encoders to try first, such as those of objects like this one.
    #[must_use]
    pub fn knowing(self, known: Known) -> Self {
        Self { known, ..self }
    }

    /// The encoders that the deep gear knows by now.
    #[must_use]
    pub const fn known(&self) -> &Known {
        &self.known
    }

    /// Takes the object's next bytes; appends what they complete to `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut Expansion) {
        for piece in bytes.chunks(QUANTUM) {
            self.joiner.take(piece, false, &mut self.buffer);
            if self.buffer.len() >= self.want {
                self.advance(false, out);
            }
        }
    }

    /// Takes the object's end; appends what is left to `out`. Nothing is pushed afterwards.
    pub fn finish(&mut self, out: &mut Expansion) {
        self.joiner.take(&[], true, &mut self.buffer);
        self.advance(true, out);
        let all_read = State::Scan(self.buffer.len());
        if let State::Deep(mut deep) = std::mem::replace(&mut self.state, all_read) {
            self.give_out(&mut deep, true, out);
        }
        let end = self.buffer.len();
        self.settle(end, out);
        if !self.draft.is_empty() {
            self.cover(end, out);
            self.close(out);
        }
        // Without a member before it a short end needs no program, and a short object none at all.
        self.plain(end, out);
        self.rebase();
    }

    /// Whether the object, which is finished, ended within a member.
    #[must_use]
    pub const fn is_cut_off(&self) -> bool {
        self.cut_off
    }

    fn advance(&mut self, ended: bool, out: &mut Expansion) {
        loop {
            let step = match std::mem::replace(&mut self.state, State::Scan(0)) {
                State::Scan(at) => self.scan(at, ended, out),
                State::Stream(stream) => self.block(stream, ended, out),
                State::Deep(deep) => self.deep_block(deep, ended, out),
            };
            if let Step::Wait(want) = step {
                self.want = want.max(self.buffer.len() + 1);
                break;
            }
        }
        self.rebase();
    }

    /// Drops the bytes that were handed out.
    fn rebase(&mut self) {
        let gone = std::mem::take(&mut self.start);
        self.buffer.drain(..gone);
        self.joiner.rebase(gone);
        self.covered -= gone;
        self.want = self.want.saturating_sub(gone);
        self.draft.rebase(gone);
        match &mut self.state {
            State::Scan(at) => *at -= gone,
            State::Stream(stream) => {
                stream.signature = stream.signature.saturating_sub(gone);
                stream.bit -= gone * 8;
            }
            State::Deep(deep) => deep.rebase(gone),
        }
    }
}
