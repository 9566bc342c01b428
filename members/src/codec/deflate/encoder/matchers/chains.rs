//! zlib's `head` and `prev`, for the matchers that put only some positions in.

use std::cell::Cell;

use super::window::Table;

/// Hash chains of relative positions, zero for none.
pub(crate) struct Chains {
    pub(crate) head: Box<[u16; 65536]>,
    pub(crate) prev: Box<[u16; 32768]>,
}

thread_local! {
    /// What an encoder that has ended leaves: an archive has thousands of small streams, and fresh memory costs more
    /// than their encoding.
    static SPARE: Cell<Option<Chains>> = const { Cell::new(None) };
}

impl Table for Chains {
    fn lend<T>(work: impl FnOnce(&mut Self) -> T) -> T {
        let mut chains = match SPARE.take() {
            Some(mut chains) => {
                chains.head.fill(0);
                chains.prev.fill(0);
                chains
            }
            None => Self {
                head: vec![0; 65536].into_boxed_slice().try_into().expect("the length is the array's"),
                prev: vec![0; 32768].into_boxed_slice().try_into().expect("the length is the array's"),
            },
        };
        let done = work(&mut chains);
        SPARE.set(Some(chains));
        done
    }

    fn slide(&mut self, mask: usize) {
        let by = mask as u16 + 1;
        for slot in self.head.iter_mut() {
            *slot = slot.saturating_sub(by);
        }
        for slot in &mut self.prev[..=mask] {
            *slot = slot.saturating_sub(by);
        }
    }
}

impl Chains {
    /// Puts relative position `rel` at the head of chain `hash` and returns the head before it.
    #[inline(always)]
    pub(crate) fn insert(&mut self, hash: u16, rel: u16, mask: usize) -> u16 {
        let slot = &mut self.head[usize::from(hash)];
        let before = *slot;
        *slot = rel;
        self.prev[usize::from(rel) & mask & 32767] = before;
        before
    }
}
