//! Exact re-encoders: from the plain bytes of a DEFLATE stream (RFC 1951), the compressed bits that its encoder wrote.
//!
//! DEFLATE leaves much to the encoder: which matches to take, where blocks end, which Huffman codes. Most real streams
//! come from a few programs, and these are deterministic, so naming the program and its settings ([`Params`], eight
//! bytes) re-creates a stream. The engines here follow the algorithms of zlib, Chromium's fork, GNU gzip, pigz,
//! zlib-ng, miniz, Go's standard library and klauspost's and pgzip's for Go; each file names its source. libdeflate is
//! itself called. [`find`] tries which one made a stream, [`matching`] tells how far one reproduces it.
//!
//! Invariants:
//! - The same input gives the same output on every machine and in every version of this program: stored data depends on
//!   it. A change that alters any output needs a new [`Params`] value.
//! - Encoding can begin at any block boundary, given the history before it, the position in the stream and a [`State`].
//! - No input makes it panic or take memory beyond a small multiple of it.
//!
//! Nothing here proves that a stream comes out right: callers compare the bits before they rely on it. A mismatch costs
//! density only.

pub(crate) mod detect;
mod encode;
mod engine;
pub(crate) mod engines;
mod fingerprint;
pub(crate) mod matchers;
pub(crate) mod matching;
mod names;
pub(crate) mod output;
pub(crate) mod params;
mod segments;
pub(crate) mod state;
pub(crate) mod stored;
pub(crate) mod types;

pub use detect::{find, find_among};
pub use encode::encode;
pub use matching::{Prefix, matching};
pub use params::{Family, Params, Strategy};
pub use state::State;
pub use stored::{PARAMS_LEN, ParamsError};
pub use types::{Block, FAR_LOOKAHEAD, HISTORY, Input, LOOKAHEAD, Start, WARM_UP};
