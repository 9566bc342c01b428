//! Why bytes are not a valid encoding.

/// One variant a way an encoding can be wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("{what}: {needed} bytes needed, {left} left")]
    Truncated { what: &'static str, needed: u64, left: u64 },
    #[error("{what}: wrong magic {found:#010x}")]
    Magic { what: &'static str, found: u32 },
    #[error("{what}: version {found}, newest known is {known}")]
    Version { what: &'static str, found: u32, known: u32 },
    #[error("{what}: checksum {found:#010x}, expected {expected:#010x}")]
    Checksum { what: &'static str, expected: u32, found: u32 },
    #[error("{what}: {value} is not a known value")]
    Unknown { what: &'static str, value: u64 },
    #[error("{what}: {value} over the limit of {limit}")]
    Limit { what: &'static str, value: u64, limit: u64 },
    #[error("{what}: empty, at least one needed")]
    Empty { what: &'static str },
    #[error("{what}: not valid UTF-8")]
    Utf8 { what: &'static str },
    #[error("{what}: reserved bytes are not zero")]
    Reserved { what: &'static str },
    #[error("{what}: {left} bytes left over")]
    Trailing { what: &'static str, left: u64 },
    #[error("{what}: inconsistent with {with}")]
    Inconsistent { what: &'static str, with: &'static str },
}
