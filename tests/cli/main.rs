//! The program as an operator meets it: exit codes, messages, signals, crashes, and the commands on a stopped folder.

#[path = "../support/sigv4.rs"]
#[expect(dead_code, reason = "what other tests need of the signer")]
mod sigv4;

mod arguments;
mod crashes;
mod estimate;
mod folders;
mod formats;
mod https;
mod inspect;
mod log;
mod lost;
mod maintenance;
mod process;
mod shutdown;
mod terminator;
