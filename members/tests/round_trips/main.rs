//! Objects made of compressed members, sound, damaged and adversarial, through expanding and re-creating.

mod damage;
mod exact;
mod png;
mod support;
