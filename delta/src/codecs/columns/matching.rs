//! Which numbers of the window stand for which of the references.
//!
//! Keys take the place of bytes in the search of the approximate match: they stay from version to version, or nearly
//! all do.

use bytes::Bytes;

use super::Layout;
use crate::copies::Copy;
use crate::copies::anchors::Anchors;
use crate::copies::matching::{Search, copies};

/// Copies are long and anchors need not be close; more of them to try for each would cost time and find nothing longer.
const SEARCH: Search = Search { step: 4, tries: 2 };
/// Copies of fewer numbers are left out: keys have few values, and are equal by chance.
const MIN_COPY: usize = 64;

/// Finds copies. Its memory grows with the windows it meets.
#[derive(Default)]
pub(crate) struct Matcher {
    anchors: Anchors,
    keys: Vec<u8>,
    source: Vec<u8>,
    found: Vec<Copy>,
    copies: Vec<Copy>,
}

/// The numbers of one reference: the first one's place among all keys, and in the references' bytes.
struct Part {
    key: usize,
    from: usize,
}

impl Matcher {
    /// The copies of a window of this layout, in order: place and length in numbers, place in the source in bytes.
    pub(crate) fn copies(&mut self, window: &[u8], layout: Layout, references: &[Bytes]) -> &[Copy] {
        self.copies.clear();
        let parts = self.gather(layout, references);
        if parts.is_empty() {
            return &self.copies;
        }
        self.keys.clear();
        layout.keys(window, &mut self.keys);
        self.anchors.build(&self.source, SEARCH.step, SEARCH.tries > 1);
        copies(&self.keys, &self.source, &self.anchors, SEARCH, &mut self.found);
        for (number, part) in parts.iter().enumerate() {
            let end = parts.get(number + 1).map_or(self.source.len(), |next| next.key);
            let within = self.found.iter().filter_map(|copy| {
                let first = copy.from.max(part.key);
                let len = (copy.from + copy.len).min(end).checked_sub(first)?;
                let from = part.from + (first - part.key) * layout.width.bytes();
                (len >= MIN_COPY).then_some(Copy { at: copy.at + (first - copy.from), from, len })
            });
            self.copies.extend(within);
        }
        self.copies.sort_unstable_by_key(|copy| copy.at);
        &self.copies
    }

    /// The keys of all references that are numbers of this width.
    fn gather(&mut self, layout: Layout, references: &[Bytes]) -> Vec<Part> {
        self.source.clear();
        let mut parts = Vec::new();
        let mut from = 0;
        for reference in references {
            if let Some(there) = Layout::of(reference).filter(|there| there.width == layout.width) {
                parts.push(Part { key: self.source.len(), from: from + there.phase });
                Layout { shift: layout.shift, ..there }.keys(reference, &mut self.source);
            }
            from += reference.len();
        }
        parts
    }
}
