//! Compressed members inside files: expanding them and re-creating them bit for bit. Bytes in, bytes out; no I/O.
//!
//! [`Expander`] turns an object's bytes into its *stored view*: the DEFLATE streams of zip, gzip, zlib and PNG members,
//! wherever they lie, are replaced by byte-oriented tokens that delta well, and everything else is copied. A stream may
//! lie in several of PNG's chunks, or of a dump's (pg_dump's custom format), one behind the other. The view comes with
//! units that tile the object; [`recreate`] turns a unit's program and its part of the view back into exactly the
//! object's bytes.
//!
//! Every unit with a program was re-created and compared before it is handed out, so a wrong guess costs density, never
//! bytes. `FORMAT.md` is the normative description of programs and tokens.
#![deny(clippy::unwrap_used)]

mod chunks;
mod deep;
pub mod deflate;
mod describe;
pub mod encoder;
mod expand;
mod known;
mod program;
mod puff;
mod recreate;
mod signature;
mod unit;

pub use describe::{Step, describe};
pub use expand::{Expander, Settings};
pub use known::Known;
pub use recreate::{RecreateError, recreate};
pub use unit::{Expansion, Unit};
