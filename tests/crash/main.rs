//! The store on a simulated disk: random lives against a model, power loss at every call, and planted bugs that both must catch.

#[cfg(feature = "planted-bugs")]
mod bugs;
mod disk;
mod model;
mod plan;
mod power;
mod scenarios;
mod state;
mod world;
