//! Bytes flipped in every kind of file and record: never a wrong byte is served, the damage is named, what does not
//! need the damaged bytes stays readable, a rebuild restores what the segments still hold, and garbage collection drops
//! nothing that damage hides. The same for files that are lost, cut or another's.

mod closed;
#[path = "../support/compressed.rs"]
mod compressed;
mod header;
mod index;
mod map;
mod open;
mod parity;
mod segments;
mod world;
mod writes;
