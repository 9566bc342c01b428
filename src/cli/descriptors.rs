//! The limit of open files and its division.
//!
//! The soft limit, 1,024 on most systems, is raised to the hard limit at start. If that is low too, the index and the
//! segments get their share first and connections the rest: a server without a descriptor for a table of its index
//! could not write.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::s3::{MAX_CONNECTIONS, MAX_REFUSALS};

/// Standard streams, listeners, the runtime, the lock, the active segment, files of the cache, files that the index
/// writes, and a reserve.
const OTHERS: u64 = 96;
/// Maximum open tables of the index, and maximum open segments.
const MAX_INDEX: u64 = 256;
const MAX_SEGMENTS: u64 = 256;
/// Minimum limit: a lower one leaves nothing for connections.
pub const MIN_DESCRIPTORS: u64 = 512;

/// The limit and its division.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// The soft limit at start.
    pub found: u64,
    /// The limit now.
    pub limit: u64,
    /// Tables of the index.
    pub index: i32,
    /// Segments.
    pub segments: usize,
    /// Maximum connections that the descriptors allow.
    pub room: usize,
    /// Default number of connections.
    pub connections: usize,
}

impl Descriptors {
    /// Raises the soft limit to the hard limit and divides it.
    pub fn raise() -> Self {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let found = current.unwrap_or(u64::MAX);
        let wanted = Rlimit { current: maximum, maximum };
        let raised = current != maximum && setrlimit(Resource::Nofile, wanted).is_ok();
        let limit = if raised { maximum.unwrap_or(u64::MAX) } else { found };
        Self::share(found, limit)
    }

    fn share(found: u64, limit: u64) -> Self {
        let (index, segments) = ((limit / 5).min(MAX_INDEX), (limit / 8).min(MAX_SEGMENTS));
        // A replaced connection stays open for a moment: one is allowed for eight others.
        let room = limit.saturating_sub(OTHERS + MAX_REFUSALS as u64 + index + segments) / 9 * 8;
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        Self {
            found,
            limit,
            index: i32::try_from(index).unwrap_or(i32::MAX),
            segments: usize::try_from(segments).unwrap_or(usize::MAX),
            room,
            connections: room.min(MAX_CONNECTIONS),
        }
    }

    /// Whether the limit of open files restricts the number of connections.
    pub fn are_few(&self) -> bool {
        self.connections < MAX_CONNECTIONS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_fit_the_limit_and_grow_with_it() {
        let mut last = Descriptors::share(0, 0);
        for limit in [0, 64, MIN_DESCRIPTORS, 1024, 2048, 4096, 65_536, 1 << 20, u64::MAX] {
            let shared = Descriptors::share(1024, limit);
            let leaving = shared.connections / 8;
            let sum =
                OTHERS as usize + MAX_REFUSALS + shared.index as usize + shared.segments + shared.connections + leaving;
            assert!(sum as u64 <= limit.max(OTHERS + MAX_REFUSALS as u64 + 64), "{limit}: {shared:?}");
            assert!(limit < MIN_DESCRIPTORS || shared.connections > 64, "{limit}: {shared:?}");
            assert!(shared.connections >= last.connections && shared.index >= last.index);
            last = shared;
        }
        assert_eq!((last.index, last.segments, last.connections), (256, 256, MAX_CONNECTIONS));
        assert!(Descriptors::share(1024, 1024).are_few() && !last.are_few());
    }
}
