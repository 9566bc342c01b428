//! Identity and access: who sends a request, and what they may do. Pure: no HTTP, no store, nothing of ours.
//!
//! A [`Principal`] is found by the access key that signs a request ([`AccessKeys`]). It asks for an [`Action`] on a
//! [`Resource`], and [`authorize`] is the only place that decides.
//!
//! Invariants:
//! - What nothing allows is denied.
//! - A secret is never printed.

mod action;
mod authorize;
mod credentials;
mod principal;
mod resource;

pub use action::Action;
pub use authorize::{Denied, authorize};
pub use credentials::{AccessKeys, Credentials};
pub use principal::Principal;
pub use resource::Resource;
