//! SHA-256 (FIPS 180-4) of messages that several threads hold, two at a time on a core.
//!
//! One message is a chain: each round waits for the one before, and a processor's SHA instructions take four cycles to
//! answer but can begin every two or three. Two messages in turn fill the gaps: a quarter less time a byte. So a thread
//! that wants a digest while another computes one alone, or while as many compute as there are cores, waits and has its
//! message carried along.
//!
//! Invariants
//! - Digests are those of the crate `sha2`, which also computes them where the processor has no such instructions.
//! - Who waits is carried by a thread that runs and waits for nobody.
//! - A thread returns as soon as its own message is done; what it carried is handed back to its owner, who goes on.

mod message;
mod shared;
#[cfg(target_arch = "x86_64")]
mod x86;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use shared::Shared;

/// Messages shorter than this are not worth a look at what others do, in bytes.
const SHORT: usize = 64 << 10;

/// The SHA-256 of a message. May wait, for other threads that compute digests alone.
#[must_use]
pub fn digest(message: &Bytes) -> [u8; 32] {
    match Shared::of_process().filter(|_| message.len() >= SHORT) {
        Some(shared) => shared.digest(message),
        None => Sha256::digest(message).into(),
    }
}
