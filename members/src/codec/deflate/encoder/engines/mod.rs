//! The engines, one folder for each program, and the table of all families.
//!
//! Invariant: what an engine yields for a setting never changes. Failures: an engine that does not make a stream's bits
//! costs density, never bytes.
//!
//! # How to add an encoder family
//!
//! 1. Add a folder here with an [`Engine`]. Shared parts are in `matchers`, `output` and `segments`.
//! 2. Add a variant of [`Family`] with the next number, a row of [`FAMILIES`] at that number, and the number to
//!    `FORMAT.md`, op 4.
//! 3. Rank its candidates behind those of other families, unless only its own streams look so. The first encoder that
//!    fits is named, and versions of an object resemble each other only if they name the same one.
//! 4. Prove it: streams of the original program in `tests/encoder.rs`, archives in `tests/archivers`. The lines of
//!    `tests/round_trips/golden.txt` stay as they are.
//!
//! `zlib/` is the shortest example with its own settings, `klauspost/` the one with a matcher, blocks and releases of
//! its own.

mod chromium;
mod go;
mod gzip;
mod klauspost;
mod libdeflate;
mod miniz;
mod ng;
mod pigz;
mod zlib;

use super::engine::{Candidates, Engine};
use super::fingerprint::Fingerprint;
use super::params::{Family, Params};
use klauspost::Version;

/// A family: its name for people, and its engine.
struct Row {
    family: Family,
    name: &'static str,
    engine: &'static dyn Engine,
}

/// All families, each at its number.
static FAMILIES: [Row; 13] = [
    Row { family: Family::Zlib, name: "zlib", engine: &zlib::Zlib },
    Row { family: Family::Chromium, name: "zlib (Chromium)", engine: &chromium::Chromium },
    Row { family: Family::Gzip, name: "gzip", engine: &gzip::Gzip { rsyncable: false } },
    Row { family: Family::Ng, name: "zlib-ng", engine: &ng::Ng { earlier: false } },
    Row { family: Family::NgEarlier, name: "zlib-ng (earlier)", engine: &ng::Ng { earlier: true } },
    Row { family: Family::Pigz, name: "pigz", engine: &pigz::Pigz },
    Row { family: Family::Go, name: "Go", engine: &go::Go },
    Row { family: Family::Libdeflate, name: "libdeflate", engine: &libdeflate::Libdeflate },
    Row { family: Family::Klauspost, name: "klauspost", engine: &klauspost::Klauspost(Version::Current) },
    Row {
        family: Family::KlauspostEarlier,
        name: "klauspost (before 1.20)",
        engine: &klauspost::Klauspost(Version::Earlier),
    },
    Row {
        family: Family::KlauspostEarliest,
        name: "klauspost (before 1.18.2)",
        engine: &klauspost::Klauspost(Version::Earliest),
    },
    Row { family: Family::Miniz, name: "miniz", engine: &miniz::Miniz },
    Row { family: Family::GzipRsyncable, name: "gzip --rsyncable", engine: &gzip::Gzip { rsyncable: true } },
];

/// The family with a stored number.
pub(super) fn family(number: u8) -> Option<Family> {
    FAMILIES.get(usize::from(number)).map(|row| row.family)
}

/// All settings that can have made the blocks, in the order in which they are tried.
pub(super) fn candidates(seen: &Fingerprint) -> impl Iterator<Item = Params> + use<> {
    let mut candidates = Candidates::new(Family::Zlib);
    for row in &FAMILIES {
        candidates.begin(row.family);
        row.engine.detect(seen, &mut candidates);
    }
    candidates.in_order().filter(Params::is_valid)
}

impl Family {
    pub(super) fn engine(self) -> &'static dyn Engine {
        FAMILIES[self as usize].engine
    }

    pub(super) fn name(self) -> &'static str {
        FAMILIES[self as usize].name
    }
}

impl Params {
    /// Whether an encoder with these settings exists here.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.is_in_range() && self.family.engine().is_valid(self)
    }

    /// About how long encoding a plain byte takes, in picoseconds of a core: a rule of thumb, the same on every
    /// machine, that says where re-creating is slow. From reads of real archives; content of the same settings differs
    /// by a factor of two.
    #[must_use]
    pub fn cost(&self) -> u64 {
        if self.is_without_chains() { 5_000 } else { self.family.engine().cost(self) }
    }

    /// Whether the encoder can be told to flush. One that cannot leaves empty stored blocks all the same, by rules of
    /// its own.
    #[must_use]
    pub fn takes_flushes(&self) -> bool {
        self.family.engine().limits(self).takes_flushes
    }

    /// Whether the encoder makes whole streams only, of at most 2 MiB of plain bytes: none of its blocks stands alone.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.family.engine().limits(self).whole
    }

    /// Plain bytes before a stream position that a restart there wants.
    #[must_use]
    pub fn history(&self, position: u64) -> usize {
        self.family.engine().history(self, position)
    }

    /// Where a multiple of so many plain bytes ends, a restart is exact and needs little; 0 for nowhere.
    #[must_use]
    pub fn piece(&self) -> u32 {
        self.family.engine().limits(self).piece
    }

    /// Plain bytes that must follow the last block asked for, unless the stream ends. With klauspost's family a block
    /// is taken to end where exactly so many are left: what it would have gone on with need not be known.
    #[must_use]
    pub fn lookahead(&self) -> usize {
        self.family.engine().limits(self).lookahead
    }

    /// Whether the matcher keeps every position in its chains, so that a restart needs no more than a window of
    /// history.
    #[must_use]
    pub fn is_lazy(&self) -> bool {
        self.family.engine().limits(self).lazy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_lie_at_their_numbers() {
        for (number, row) in FAMILIES.iter().enumerate() {
            assert_eq!(row.family as usize, number, "{}", row.name);
        }
    }
}
