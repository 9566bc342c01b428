//! From an object's bytes to its stored view, in one pass: members are looked for, and codecs expand their streams.
//!
//! Invariants: units tile the object; each with a program was re-created and compared before it is handed out; what
//! comes out depends on the object's bytes, the settings and the encoders known beforehand alone, not on how they
//! arrive in pieces; memory is bounded by the settings. Failures: there are none. What cannot be represented, or does
//! not come back bit for bit, is copied.

mod scan;

use crate::codec::Decoders;
use crate::codec::decoder::Progress;
use crate::codec::deflate::recent_encoders::RecentEncoders;
use crate::program::Codec;
use crate::recreate::{Scratch, recreate_into};
use crate::settings::Settings;
use crate::unit::Expansion;
use crate::unit::builder::{Builder, QUANTUM};

/// Turns an object's bytes into view bytes and units; one per object.
pub struct Expander {
    builder: Builder,
    decoders: Decoders,
    state: Phase,
    /// Nothing can be decided before the buffer is that long.
    want: usize,
}

enum Phase {
    /// Looking for a signature from here on.
    Scan(usize),
    /// Within a member's stream.
    Stream(Codec),
}

impl Expander {
    pub fn new(settings: Settings) -> Self {
        let mut scratch = Scratch::default();
        let recreate = move |program: &[u8], view: &[u8], len: usize, out: &mut Vec<u8>| {
            recreate_into(program, view, len, &mut scratch, out).is_ok()
        };
        Self {
            builder: Builder::new(settings, Box::new(recreate)),
            decoders: Decoders::default(),
            state: Phase::Scan(0),
            want: QUANTUM,
        }
    }

    /// With encoders to try first, such as those of objects like this one.
    #[must_use]
    pub fn with_recent(mut self, recent: RecentEncoders) -> Self {
        self.decoders.deflate.recent = recent;
        self
    }

    /// The encoders that streams turned out to have.
    #[must_use]
    pub const fn recent(&self) -> &RecentEncoders {
        &self.decoders.deflate.recent
    }

    /// Takes the object's next bytes; appends what they complete to `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut Expansion) {
        for piece in bytes.chunks(QUANTUM) {
            self.builder.joiner.take(piece, false, &mut self.builder.buffer);
            if self.builder.buffer.len() >= self.want {
                self.advance(false, out);
            }
        }
    }

    /// Takes the object's end; appends what is left to `out`. Nothing is pushed afterwards.
    pub fn finish(&mut self, out: &mut Expansion) {
        self.builder.joiner.take(&[], true, &mut self.builder.buffer);
        self.advance(true, out);
        let end = self.builder.buffer.len();
        if let Phase::Stream(codec) = std::mem::replace(&mut self.state, Phase::Scan(end)) {
            self.decoders.of(codec).finish(&mut self.builder, out);
        }
        self.builder.finish(out);
        self.rebase();
    }

    /// Whether the object, which is finished, ended within a member.
    #[must_use]
    pub const fn is_cut_off(&self) -> bool {
        self.builder.cut_off
    }

    fn advance(&mut self, ended: bool, out: &mut Expansion) {
        loop {
            let step = match self.state {
                Phase::Scan(at) => self.scan(at, ended, out),
                Phase::Stream(codec) => self.decoders.of(codec).step(&mut self.builder, ended, out),
            };
            match step {
                Progress::Go => {}
                Progress::Over(at) => self.state = Phase::Scan(at),
                Progress::Wait(want) => {
                    self.want = want.max(self.builder.buffer.len() + 1);
                    break;
                }
            }
        }
        self.rebase();
    }

    /// Drops the bytes that were handed out.
    fn rebase(&mut self) {
        let gone = self.builder.rebase();
        self.want = self.want.saturating_sub(gone);
        match &mut self.state {
            Phase::Scan(at) => *at -= gone,
            Phase::Stream(codec) => self.decoders.of(*codec).rebase(gone),
        }
    }
}
