//! Objects made of compressed members, sound, damaged and adversarial, through expanding and re-creating.

mod boundaries;
mod damage;
mod dump;
mod effort;
mod exact;
mod golden;
mod png;
mod support;
