//! Where `gzip --rsyncable` ends blocks (`rsync_roll` in gzip's `deflate.c`, compared with 1.12): with the first symbol
//! that ends behind a position at which the last 4096 bytes add up to a multiple of 4096. So an insertion changes no
//! block far behind it.

/// Bytes that are added up, and what their sum is to be a multiple of.
const SPAN: usize = 4096;

/// The next such position.
pub(crate) struct Rsync(usize);

impl Rsync {
    /// Blocks end for other reasons only.
    pub(crate) const fn off() -> Self {
        Self(usize::MAX)
    }

    /// The first such position from `from` on in `buf`, which begins `origin` bytes into the stream.
    pub(crate) fn on(buf: &[u8], origin: u64, from: usize) -> Self {
        // Nothing is looked at before a whole span is there.
        let from = from.max(usize::try_from((SPAN as u64).saturating_sub(origin)).unwrap_or(usize::MAX));
        let byte = |at: usize| buf.get(at).copied().map_or(0, u32::from);
        let mut sum: u32 = (from.saturating_sub(SPAN)..from).map(byte).sum();
        for at in from..buf.len() {
            sum = sum.wrapping_add(byte(at)).wrapping_sub(at.checked_sub(SPAN).map_or(0, byte));
            if sum.is_multiple_of(SPAN as u32) {
                return Self(at);
            }
        }
        Self::off()
    }

    /// Whether the block ends before `at`, where a symbol has just ended.
    #[inline(always)]
    pub(crate) fn is_due(&self, at: usize) -> bool {
        at > self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_of_the_last_bytes_decides() {
        let mut buf = vec![0; 20_000];
        buf[9000] = 96;
        for at in [9100, 9200, 9300, 9400, 9500, 9600, 9700, 9800] {
            buf[at] = 250;
        }
        buf[9900..9908].fill(250);
        // All zeros, then nothing until 2096 + 2000 = 4096, for one byte.
        assert_eq!(Rsync::on(&buf, 0, 0).0, 4096);
        assert_eq!(Rsync::on(&buf, 100, 0).0, 3996);
        assert_eq!(Rsync::on(&buf, 1 << 40, 7).0, 7);
        assert_eq!(Rsync::on(&buf, 0, 9000).0, 9907);
        assert_eq!(Rsync::on(&buf, 0, 9908).0, 9908);
        assert!(Rsync::on(&buf, 0, 9000).is_due(9908) && !Rsync::on(&buf, 0, 9000).is_due(9907));
        assert!(!Rsync::off().is_due(usize::MAX));
    }
}
