//! The store on a simulated disk: random lives against a model, power loss at every call, and planted bugs that both
//! must catch.

#[cfg(feature = "planted-bugs")]
mod bugs;
mod census;
#[path = "../support/compressed.rs"]
mod compressed;
mod damage;
mod disk;
mod documents;
mod full_disk;
mod model;
mod optimizing;
mod parity;
mod plan;
mod power;
mod recovering;
mod rotating;
mod scenarios;
mod stalled;
mod starts;
mod state;
mod threads;
mod world;
mod zip;
