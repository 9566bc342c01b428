//! What an encoder carries from one block into the next.

/// What the encoder carries from one block into the next beside the bytes before it. Zero unless a lazy matcher had to
/// end a block while a match was waiting, or in few other cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct State(pub(crate) u64);

impl State {
    /// The stored form; zero for most blocks of most encoders.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// Reads the stored form. Any number is a state; a wrong one costs exactness only.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) fn pack(len: usize, dist: usize, fresh: usize) -> Self {
        Self(1 << 34 | (fresh as u64 & 511) << 25 | (len as u64 & 511) << 16 | (dist as u64 & 0xffff))
    }

    pub(crate) fn unpack(self) -> Option<(usize, usize, usize)> {
        let field = |shift: u32, mask: u64| (self.0 >> shift & mask) as usize;
        (self.0 >> 34 == 1).then(|| (field(16, 511), field(0, 0xffff), field(25, 511)))
    }

    /// Lazy matchers: the cursor's position has been searched, a match of `len` bytes (2: none) from `dist` back waits
    /// for the next.
    pub(crate) fn waiting(len: usize, dist: usize) -> Self {
        Self::pack(len, if len >= 3 { dist } else { 0 }, 0)
    }

    pub(crate) fn pending(self) -> Option<(usize, usize)> {
        let (len, dist, _) = self.unpack()?;
        Some(if (3..=258).contains(&len) && dist > 0 { (len, dist) } else { (2, 0) })
    }

    /// zlib-ng's middle levels: the match at the cursor is found already; its positions from `fresh` on are not in the
    /// chains.
    pub(crate) fn with_next(len: usize, dist: usize, fresh: usize) -> Self {
        match len {
            0 => Self(0),
            1 => Self::pack(1, 0, fresh),
            _ => Self::pack(len, dist, fresh),
        }
    }

    /// pigz: the padding after a piece is still to come.
    pub(crate) fn padding_due() -> Self {
        Self(1 << 35)
    }

    /// gzip's `--rsyncable`: what is carried over, and the padding of the block before is still to come.
    pub(crate) const fn with_padding_due(self) -> Self {
        Self(self.0 | 1 << 35)
    }

    /// Whether padding is due, and the rest.
    pub(crate) const fn split_padding(self) -> (bool, Self) {
        if self.0 >> 35 == 1 { (true, Self(self.0 ^ 1 << 35)) } else { (false, self) }
    }

    /// miniz's level 1: so many bytes are left of what it has taken in.
    pub(crate) fn in_chunk(left: usize) -> Self {
        Self(left as u64)
    }

    pub(crate) fn left_of_chunk(self) -> usize {
        (self.0 & 4095) as usize
    }

    /// zlib-ng's middle levels: the cursor's position is in its chain, but what was found there is forgotten.
    pub(crate) fn forgotten() -> Self {
        Self::pack(0, 0, 0)
    }

    pub(crate) fn next(self) -> Option<(usize, usize, usize)> {
        let (len, dist, fresh) = self.unpack()?;
        Some(match len {
            0 => (0, 0, 0),
            4..=258 if dist > 0 => (len, dist, fresh),
            _ => (1, 0, 0),
        })
    }
}
