//! Bytes of a simulated file, in shared pages: a clone copies no data, a write copies the pages it touches.

use std::sync::Arc;

const PAGE: usize = 4096;

/// Invariant: page bytes past `len` are zero, and `pages` covers exactly `len`.
#[derive(Clone, Default)]
pub(super) struct Content {
    len: u64,
    /// `None` is a hole.
    pages: Vec<Option<Arc<[u8; PAGE]>>>,
}

impl Content {
    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn read_at(&self, buf: &mut [u8], offset: u64) -> usize {
        let wanted = self.len.saturating_sub(offset).min(buf.len() as u64) as usize;
        for (at, from, to) in pieces(offset, wanted) {
            let out = &mut buf[at..at + (to.1 - to.0)];
            match &self.pages[from] {
                Some(page) => out.copy_from_slice(&page[to.0..to.1]),
                None => out.fill(0),
            }
        }
        wanted
    }

    pub fn write_at(&mut self, data: &[u8], offset: u64) {
        if data.is_empty() {
            return;
        }
        self.grow(offset + data.len() as u64);
        for (at, page, range) in pieces(offset, data.len()) {
            let page = self.pages[page].get_or_insert_with(|| Arc::new([0; PAGE]));
            Arc::make_mut(page)[range.0..range.1].copy_from_slice(&data[at..at + (range.1 - range.0)]);
        }
    }

    pub fn set_len(&mut self, len: u64) {
        if len >= self.len {
            return self.grow(len);
        }
        self.len = len;
        self.pages.truncate(page_count(len));
        let used = (len % PAGE as u64) as usize;
        if used > 0
            && let Some(Some(page)) = self.pages.last_mut()
        {
            Arc::make_mut(page)[used..].fill(0);
        }
    }

    /// Flips bits of one byte; nothing past the end.
    pub fn xor(&mut self, offset: u64, bits: u8) {
        let mut byte = [0];
        if self.read_at(&mut byte, offset) == 1 {
            self.write_at(&[byte[0] ^ bits], offset);
        }
    }

    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len as usize];
        self.read_at(&mut bytes, 0);
        bytes
    }

    fn grow(&mut self, len: u64) {
        if len > self.len {
            self.len = len;
            self.pages.resize(page_count(len), None);
        }
    }
}

fn page_count(len: u64) -> usize {
    len.div_ceil(PAGE as u64) as usize
}

/// Cuts a range of a file at page borders: (offset in the range, page, (from, to) in the page).
fn pieces(offset: u64, len: usize) -> impl Iterator<Item = (usize, usize, (usize, usize))> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at == len {
            return None;
        }
        let position = offset + at as u64;
        let from = (position % PAGE as u64) as usize;
        let to = PAGE.min(from + len - at);
        let piece = (at, (position / PAGE as u64) as usize, (from, to));
        at += to - from;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::sim::crash::Rng;

    #[test]
    fn behaves_like_a_vector() {
        let mut rng = Rng::new(7);
        let mut content = Content::default();
        let mut model: Vec<u8> = Vec::new();
        for round in 0..2000 {
            let offset = rng.below(20_000) as usize;
            match rng.below(4) {
                0 => {
                    content.set_len(offset as u64);
                    model.resize(offset, 0);
                }
                1 => {
                    content.xor(offset as u64, 0x5a);
                    if let Some(byte) = model.get_mut(offset) {
                        *byte ^= 0x5a;
                    }
                }
                _ => {
                    let data = vec![round as u8; rng.below(9000) as usize];
                    content.write_at(&data, offset as u64);
                    if !data.is_empty() {
                        model.resize(model.len().max(offset + data.len()), 0);
                        model[offset..offset + data.len()].copy_from_slice(&data);
                    }
                }
            }
            assert_eq!(content.len(), model.len() as u64);
            assert!(content.to_vec() == model, "round {round}");
        }
    }

    #[test]
    fn clones_do_not_share_writes() {
        let mut first = Content::default();
        first.write_at(b"hello", 0);
        let mut second = first.clone();
        second.write_at(b"j", 0);
        assert_eq!(first.to_vec(), b"hello");
        assert_eq!(second.to_vec(), b"jello");
    }
}
