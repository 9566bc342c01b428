//! What a pass counted and wrote.

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParityReport {
    /// Windows and nodes that many objects depend on, and the bytes of their records.
    pub shared: u64,
    pub shared_bytes: u64,
    /// Of those, given parity, and the record bytes that were written for it.
    pub parity: u64,
    pub parity_bytes: u64,
}
