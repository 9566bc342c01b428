//! Exit codes of the commands.

/// What `--help` says of them.
pub const EXIT_CODES: &str = "Exit codes: 0 all is well; 1 the command failed; 2 wrong arguments; 3 damage was found.";

/// Damage was found; distinct from a command that failed.
pub const DAMAGE: u8 = 3;
