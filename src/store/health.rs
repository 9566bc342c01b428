//! Whether a store can serve, and what is known of damage.

use super::handle::Store;
use super::soundness::DamageCounts;

/// Whether a store can serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    Ready,
    /// Reads and deletes work; writes that add data wait for space.
    Full,
    /// Reads work; writes wait for the index, or are refused for now.
    Stalled {
        reason: String,
    },
    /// Only reads work, until restart.
    ReadOnly {
        reason: String,
    },
    /// Everything works but what needs lost or damaged bytes: so many damaged places were found when it was opened, so
    /// many segments are lost, and the index is to be rebuilt at the next start.
    Degraded {
        damage: usize,
        lost: usize,
        index: bool,
    },
}

impl Store {
    /// Whether it can serve.
    pub fn health(&self) -> Health {
        let status = self.status();
        if let Some(reason) = status.read_only() {
            return Health::ReadOnly { reason };
        }
        match status.stalled() {
            Some(reason) => Health::Stalled { reason },
            None if status.full() => Health::Full,
            None => {
                let (damage, lost) = (self.damage().len(), self.segments().lost().len());
                let index = self.index().engine().is_damaged();
                match damage > 0 || lost > 0 || index {
                    true => Health::Degraded { damage, lost, index },
                    false => Health::Ready,
                }
            }
        }
    }

    /// Looks at the disk's free space, and so ends the time in which writes are refused; true while the disk is full.
    pub(crate) fn look_for_space(&self) -> bool {
        self.status().look_for_space(self.vfs(), self.dir(), self.settings().reserve_bytes)
    }

    /// What is known of damage by now.
    pub fn damage_counts(&self) -> DamageCounts {
        DamageCounts { log_ranges: self.damage().len() as u64, ..self.blobs().damage_counts() }
    }
}
