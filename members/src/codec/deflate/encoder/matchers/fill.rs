//! How much of its input zlib has taken in at a place of the stream (`fill_window`).

/// Longest match.
pub(crate) const MAX_MATCH: usize = 258;
/// Lookahead below which zlib fetches more input.
pub(crate) const MIN_LOOKAHEAD: usize = MAX_MATCH + 3 + 1;
/// How much of the stream the encoder has been given and has taken in, in stream positions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fill {
    /// Lower edge of the double window.
    pub(crate) base: u64,
    /// End of what is in the window.
    pub(crate) avail: u64,
    /// End of what the caller has passed.
    written: u64,
    window: u64,
    input_chunk: u64,
    total: u64,
}

impl Fill {
    /// The state at stream position `at`, which the encoder reaches by calls of `input_chunk` bytes (0: all at once).
    /// The
    /// stream ends at `total`.
    pub(crate) fn at(at: u64, window: usize, input_chunk: u32, total: u64) -> Self {
        let window = window as u64;
        let mut fill = Self { base: 0, avail: 0, written: 0, window, input_chunk: u64::from(input_chunk), total };
        if input_chunk == 0 {
            fill.written = total;
            let first = 2 * window - MIN_LOOKAHEAD as u64 + 1;
            if at >= first {
                fill.base = ((at - first) / window + 1) * window;
            }
            fill.avail = (fill.base + 2 * window).min(total);
        } else {
            // Edges and input chunks meet again after so many bytes: far into a stream the last such stretches tell.
            let period = window * fill.input_chunk / gcd(window, fill.input_chunk);
            let skipped = at.saturating_sub(8 * window + 2 * period) / period * period;
            fill.total = if total == u64::MAX { total } else { total - skipped };
            let near = at - skipped;
            while fill.avail < near + MIN_LOOKAHEAD as u64 && fill.avail < fill.total {
                fill.fetch(fill.avail.saturating_sub(MIN_LOOKAHEAD as u64 - 1), |_| {});
            }
            for place in [&mut fill.base, &mut fill.avail, &mut fill.written] {
                *place += skipped;
            }
            fill.total = total;
        }
        fill
    }

    /// What happens when the encoder at `at` sees too little lookahead. `read` runs after each portion with the
    /// window's edge. Returns by how much the edge moved.
    pub(crate) fn fetch(&mut self, at: u64, mut read: impl FnMut(u64)) -> u64 {
        let before = self.base;
        let enough = at + MIN_LOOKAHEAD as u64;
        loop {
            loop {
                if at - self.base >= 2 * self.window - MIN_LOOKAHEAD as u64 {
                    self.base += self.window;
                }
                if self.avail == self.written {
                    break;
                }
                self.avail = self.written.min(self.base + 2 * self.window);
                read(self.base);
                if self.avail >= enough || self.avail == self.written {
                    break;
                }
            }
            if self.avail >= enough || self.written >= self.total {
                return self.base - before;
            }
            self.written = self.total.min(self.written + self.input_chunk);
        }
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
