//! The columns codec: windows that are numbers, each byte of them in a column with its like.
//!
//! Meant for the weights of models, samples and other arrays of binary numbers. From one version to the next every
//! number moves a little: no stretch of bytes stays equal, so there is nothing to copy, but the exponents stay, by
//! which windows are found and aligned, and the differences are small. The bytes are specified in `format/SPEC.md`
//! ("Columns").
//!
//! Must: decoding allocates no more than a few times `raw_len` and never panics; encoding the same bytes gives the same
//! bytes.

mod differences;
mod layout;
mod matching;
mod stream;
#[cfg(test)]
mod tests;
mod width;

use bytes::Bytes;
use zstd::zstd_safe::DCtx;

use crate::copies::control;
pub(crate) use layout::Layout;
use matching::Matcher;
use stream::Streams;
use width::with_width;

/// A window and what it has in common with its references, ready to be written. Its memory grows with the windows it
/// meets, to about 40 MiB.
#[derive(Default)]
pub(crate) struct Columnist {
    matcher: Matcher,
    control: Vec<u8>,
}

impl Columnist {
    /// The encoded window, or nothing if that would be longer than `limit`, or the library refuses. `source` is the
    /// references, concatenated; without any only the columns remain.
    pub(crate) fn write(
        &mut self,
        window: &[u8],
        layout: Layout,
        references: &[Bytes],
        source: &[u8],
        limit: usize,
    ) -> Option<Vec<u8>> {
        let copies = self.matcher.copies(window, layout, references);
        control::write(copies, layout.width.bytes(), &mut self.control);
        let (head, numbers, tail) = layout.split(window);
        let (differences, literals) =
            with_width!(layout.width, W => differences::take::<W>(numbers, layout.shift, source, copies));
        let edges = [head, tail].concat();
        let streams = Streams { control: &self.control[..], edges: &edges, differences, literals };
        stream::write(layout, &streams, limit)
    }
}

/// Undoes it: exactly `raw_len` bytes. Allocates no more than four times that.
pub(crate) fn decode(zstd: &mut DCtx<'_>, encoded: &[u8], source: &[u8], raw_len: usize) -> Result<Vec<u8>, String> {
    let (layout, Streams { control, edges, differences, literals }) = stream::read(zstd, encoded, raw_len)?;
    let steps = control::read(&control, layout.width.bytes())?;
    let (head, tail) = edges.split_at(layout.phase);
    let mut plain = Vec::with_capacity(raw_len);
    plain.extend_from_slice(head);
    with_width!(layout.width, W => differences::put::<W>(steps, layout.shift, source, &differences, &literals, &mut plain))?;
    plain.extend_from_slice(tail);
    Ok(plain)
}
