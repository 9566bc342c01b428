//! The other ends of connections: how many there are, which are slow, and what they hold that others wait for.

pub mod interim;
pub mod pressure;
pub mod slot;
pub mod slots;
mod stall;
