//! Huffman codes exactly as zlib's family builds them.
//!
//! RFC 1951 leaves the code lengths to the encoder. This family (zlib's `trees.c`, which GNU gzip, Info-ZIP and zlib-ng
//! share) joins the two least frequent nodes of a binary heap, the shallower one first among equals, and repairs codes
//! that become too long by moving leaves. Which of several optimal codes comes out depends on the heap's order, so the
//! heap is kept exactly as there.

/// Room for a tree over the literal and length symbols: leaves, inner nodes and the heap's unused index zero.
const NODES: usize = 2 * 286 + 1;
/// The longest code of any tree.
const MAX_BITS: usize = 15;

/// What distinguishes the three trees of a block.
#[derive(Clone, Copy)]
pub(crate) struct Shape<'a> {
    /// Number of symbols.
    pub(crate) elems: usize,
    /// Extra bits by symbol, from `extra_base` on.
    pub(crate) extra: &'a [u8],
    /// First symbol with extra bits.
    pub(crate) extra_base: usize,
    /// Longest code allowed.
    pub(crate) max_length: usize,
    /// Code lengths of the fixed code, where there is one.
    pub(crate) fixed: Option<&'a [u8]>,
}

/// A finished code.
pub(crate) struct Code {
    /// Code lengths by symbol.
    pub(crate) len: [u8; 288],
    /// Codes by symbol, the first bit lowest.
    pub(crate) code: [u16; 288],
    /// The highest symbol that has a code.
    pub(crate) max_code: usize,
    /// Bits that the counted symbols take with this code, extra bits included.
    pub(crate) bits: u64,
    /// The same with the fixed code, zero where there is none.
    pub(crate) fixed_bits: u64,
}

impl Code {
    /// The code for symbol counts `freq` whose lengths `lengths` finds, given the longest there may be; not zlib's, for
    /// which there is [`build`].
    pub(crate) fn of(freq: &[u16], shape: &Shape, lengths: impl FnOnce(&[u16], usize, &mut [u8; 288])) -> Self {
        let max_code = freq.iter().rposition(|&f| f != 0).unwrap_or(0);
        let mut made = Self { len: [0; 288], code: [0; 288], max_code, bits: 0, fixed_bits: 0 };
        lengths(freq, shape.max_length, &mut made.len);
        for (n, &f) in freq.iter().enumerate().filter(|&(_, &f)| f != 0) {
            let extra = n.checked_sub(shape.extra_base).map_or(0, |n| u64::from(shape.extra[n]));
            made.bits += u64::from(f) * (u64::from(made.len[n]) + extra);
            made.fixed_bits += u64::from(f) * (shape.fixed.map_or(0, |fixed| u64::from(fixed[n])) + extra);
        }
        made.code = codes(&made.len, max_code);
        made
    }
}

struct Builder {
    freq: [u16; NODES],
    depth: [u8; NODES],
    heap: [u16; NODES + 1],
    heap_len: usize,
}

impl Builder {
    fn before(&self, a: u16, b: u16) -> bool {
        let (fa, fb) = (self.freq[usize::from(a)], self.freq[usize::from(b)]);
        fa < fb || (fa == fb && self.depth[usize::from(a)] <= self.depth[usize::from(b)])
    }

    fn sift_down(&mut self, mut at: usize) {
        let moved = self.heap[at];
        let mut son = at * 2;
        while son <= self.heap_len {
            if son < self.heap_len && self.before(self.heap[son + 1], self.heap[son]) {
                son += 1;
            }
            if self.before(moved, self.heap[son]) {
                break;
            }
            self.heap[at] = self.heap[son];
            at = son;
            son *= 2;
        }
        self.heap[at] = moved;
    }
}

/// Builds the code for symbol counts `freq`.
pub(crate) fn build(freq: &[u16], shape: &Shape) -> Code {
    let mut b = Builder { freq: [0; NODES], depth: [0; NODES], heap: [0; NODES + 1], heap_len: 0 };
    b.freq[..shape.elems].copy_from_slice(&freq[..shape.elems]);
    let mut max_code = None;
    for n in 0..shape.elems {
        if b.freq[n] != 0 {
            b.heap_len += 1;
            b.heap[b.heap_len] = n as u16;
            max_code = Some(n);
        }
    }
    // The format asks for at least one distance code, and decoders for two codes: unused symbols 0 and 1 fill up, and
    // take no part in the sums.
    let mut spare = [usize::MAX; 2];
    while b.heap_len < 2 {
        let node = match max_code {
            None => 0,
            Some(code) if code < 2 => code + 1,
            Some(_) => 0,
        };
        if max_code.is_none_or(|code| code < 2) {
            max_code = Some(node);
        }
        b.heap_len += 1;
        b.heap[b.heap_len] = node as u16;
        b.freq[node] = 1;
        spare[b.heap_len - 1] = node;
    }
    let max_code = max_code.unwrap_or(0);
    for n in (1..=b.heap_len / 2).rev() {
        b.sift_down(n);
    }

    // The upper end of the heap's array receives the nodes from the most frequent to the least.
    let mut parent = [0u16; NODES];
    let mut node = shape.elems;
    let mut heap_max = NODES;
    loop {
        let first = b.heap[1];
        b.heap[1] = b.heap[b.heap_len];
        b.heap_len -= 1;
        b.sift_down(1);
        let second = b.heap[1];
        b.heap[heap_max - 1] = first;
        b.heap[heap_max - 2] = second;
        heap_max -= 2;
        let (f, s) = (usize::from(first), usize::from(second));
        b.freq[node] = b.freq[f].wrapping_add(b.freq[s]);
        b.depth[node] = b.depth[f].max(b.depth[s]).wrapping_add(1);
        parent[f] = node as u16;
        parent[s] = node as u16;
        b.heap[1] = node as u16;
        node += 1;
        b.sift_down(1);
        if b.heap_len < 2 {
            break;
        }
    }
    heap_max -= 1;
    b.heap[heap_max] = b.heap[1];

    let mut depth = [0u8; NODES];
    let mut count = [0u16; MAX_BITS + 1];
    let mut overflow = 0i32;
    for &n in &b.heap[heap_max + 1..NODES] {
        let n = usize::from(n);
        let mut bits = usize::from(depth[usize::from(parent[n])]) + 1;
        if bits > shape.max_length {
            bits = shape.max_length;
            overflow += 1;
        }
        depth[n] = bits as u8;
        if n <= max_code {
            count[bits] += 1;
        }
    }
    if overflow > 0 {
        shorten(&mut depth, &mut count, overflow, shape.max_length, &b.heap[heap_max + 1..NODES], max_code);
    }

    let mut made = Code { len: [0; 288], code: [0; 288], max_code, bits: 0, fixed_bits: 0 };
    for n in 0..=max_code {
        if b.freq[n] != 0 {
            made.len[n] = depth[n];
            let times = u64::from(if spare.contains(&n) { 0 } else { b.freq[n] });
            let extra = if n >= shape.extra_base { u64::from(shape.extra[n - shape.extra_base]) } else { 0 };
            // A spare symbol takes one bit off what its length adds: its true cost here is its length less one.
            if spare.contains(&n) {
                made.bits = made.bits.wrapping_add(u64::from(depth[n])).wrapping_sub(1);
            }
            made.bits = made.bits.wrapping_add(times * (u64::from(depth[n]) + extra));
            made.fixed_bits += times * (shape.fixed.map_or(0, |fixed| u64::from(fixed[n])) + extra);
        }
    }
    made.code = codes(&made.len, max_code);
    made
}

/// Brings codes that are too long down to `max`, lengthening others: a leaf moves down for every two overflowing ones,
/// then lengths are dealt out again, longest to the least frequent.
fn shorten(
    depth: &mut [u8; NODES],
    count: &mut [u16; MAX_BITS + 1],
    mut overflow: i32,
    max: usize,
    order: &[u16],
    max_code: usize,
) {
    while overflow > 0 {
        let mut bits = max - 1;
        while count[bits] == 0 {
            bits -= 1;
        }
        count[bits] -= 1;
        count[bits + 1] += 2;
        count[max] -= 1;
        overflow -= 2;
    }
    let mut leaves = order.iter().rev().map(|&n| usize::from(n)).filter(|&n| n <= max_code);
    for bits in (1..=max).rev() {
        for leaf in leaves.by_ref().take(usize::from(count[bits])) {
            depth[leaf] = bits as u8;
        }
    }
}

/// The canonical code of RFC 1951, section 3.2.2, with the bits of each code reversed for writing.
pub(crate) fn codes(len: &[u8; 288], max_code: usize) -> [u16; 288] {
    let mut count = [0u16; MAX_BITS + 1];
    for &l in &len[..=max_code] {
        count[usize::from(l)] += 1;
    }
    count[0] = 0;
    let mut next = [0u16; MAX_BITS + 1];
    let mut code = 0u16;
    for bits in 1..=MAX_BITS {
        code = code.wrapping_add(count[bits - 1]).wrapping_shl(1);
        next[bits] = code;
    }
    let mut made = [0; 288];
    for n in 0..=max_code {
        let bits = len[n];
        if bits > 0 {
            let slot = &mut next[usize::from(bits)];
            made[n] = slot.reverse_bits() >> (16 - u32::from(bits));
            *slot = slot.wrapping_add(1);
        }
    }
    made
}
