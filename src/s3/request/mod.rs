//! A request and what is around it: its id, limits, body, context, error document, health, and one line in the log.

pub mod complete;
pub mod context;
pub mod error_page;
pub mod fault;
pub mod gate;
pub mod health;
pub mod ids;
pub mod incoming;
pub mod reply;
mod sentences;
pub mod target;
