//! The object layer over a whole store.

mod archives;
mod buckets;
mod closing;
mod conditions;
mod copies;
mod expiry;
mod full_disk;
#[cfg(feature = "planted-bugs")]
mod handoffs;
mod integrity;
mod jobs;
mod listings;
mod objects;
mod store;
mod support;
mod uploads;
