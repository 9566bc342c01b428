//! Damage in the log, as recovery names it.

use std::fmt;

use deltastore_format::{Position, SegmentId};

/// Bytes of the log that should hold records and do not.
#[derive(Clone, Debug)]
pub struct Damage {
    pub from: Position,
    /// Offset in the same segment where the next whole record starts; the file's end if there is none.
    pub to: u64,
    pub reason: String,
    /// What lay there is known all the same: nothing is hidden by it.
    pub restored: bool,
}

impl Damage {
    pub(super) fn new(from: Position, to: u64, reason: &dyn fmt::Display) -> Self {
        Self { from, to, reason: reason.to_string(), restored: false }
    }

    /// A whole segment.
    pub(super) fn whole(segment: SegmentId, reason: &dyn fmt::Display) -> Self {
        Self::new(Position { segment, offset: 0 }, u64::MAX, reason)
    }

    /// Notes that these are known, the only records between `from` and `to` if they fill it.
    pub(super) fn restore(&mut self, mut records: impl Iterator<Item = (Position, u64)>) {
        let end = records.try_fold(self.from.offset, |end, (at, len)| (at.offset == end).then_some(end + len));
        self.restored |= end == Some(self.to) && self.to > self.from.offset;
    }

    pub(super) fn is_whole(&self) -> bool {
        self.to == u64::MAX
    }

    /// True when a record that starts there is not whole.
    pub fn covers(&self, position: Position) -> bool {
        self.from == position
            || self.from.segment == position.segment && (self.from.offset..self.to).contains(&position.offset)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to {
            u64::MAX => write!(f, "segment {}: {}", self.from.segment, self.reason)?,
            to => write!(f, "{} to {to}: {}", self.from, self.reason)?,
        }
        if self.restored { f.write_str("; what lay there is known all the same") } else { Ok(()) }
    }
}
