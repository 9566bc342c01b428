//! Assertions of what must always hold, for builds that test.
//!
//! With the feature `invariants` a violation is a panic; without it nothing of the condition is left.
//! `docs/internals/invariants.md` lists them all.

/// Panics with a message when the condition does not hold, in builds with the feature `invariants`.
macro_rules! invariant {
    ($holds:expr, $($message:tt)+) => {
        if cfg!(feature = "invariants") {
            assert!($holds, "invariant: {}", format_args!($($message)+));
        }
    };
}
pub(crate) use invariant;
