//! What follows the first bytes of a container.

use crate::program::Codec;

/// What follows a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamStart {
    /// No member.
    No,
    /// That many bytes from the signature on are needed to tell.
    More(usize),
    /// A stream of that codec may start that many bytes behind the signature's first.
    At(Codec, usize),
}
