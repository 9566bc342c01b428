//! Compressed members inside files: expanding them and re-creating them bit for bit. Bytes in, bytes out; no I/O.
//!
//! [`Expander`] turns an object's bytes into its *stored view*. The compressed streams of zip, gzip, zlib and PNG
//! members, wherever they lie, are replaced by tokens or by plain bytes, both of which delta well. Everything else is
//! copied. A stream may lie in several chunks of a PNG or of a dump (pg_dump's custom format). Units tile the object:
//! [`recreate`] turns a unit's program and its part of the view back into exactly the object's bytes.
//!
//! From the top down: `expand` looks for members; `container` knows where they start; `codec` decodes their streams;
//! `unit` covers the object with units; `recreate` and `describe` read programs, whose ops are in `program`.
//!
//! Invariant: every unit with a program was re-created and compared before it is handed out, so a wrong guess costs
//! density, never bytes. `FORMAT.md` is the normative description of programs and tokens.
#![deny(clippy::unwrap_used)]

mod codec;
mod container;
mod describe;
mod error;
mod expand;
mod program;
mod recreate;
mod settings;
mod unit;
mod varint;

pub use codec::deflate;
pub use codec::deflate::recent_encoders::RecentEncoders;
pub use describe::{Step, describe};
pub use error::RecreateError;
pub use expand::Expander;
pub use recreate::recreate;
pub use settings::Settings;
pub use unit::{Expansion, Unit};
