//! What is to be added to the copies: runs of differences that are not 0, and how far apart they lie.
//!
//! Places count the bytes of all copies one after another. Most differences are 0, so that runs are shorter, quicker to
//! compress and to apply than all differences in a row; zstd makes about a twelfth less of them too (native code, level
//! 19).

use crate::copies::Copy;
use crate::copies::matching::equal;
use crate::copies::numbers::{self, Column};

/// Patches as streams.
#[derive(Default)]
pub(super) struct Patches {
    /// Bytes before each run and its length: two columns.
    pub(super) places: Vec<u8>,
    /// The differences.
    pub(super) values: Vec<u8>,
    lens: Vec<u8>,
}

impl Patches {
    /// The patches that turn the copies' bytes in `source` into those in `window`. A run ends with its copy.
    pub(super) fn collect(&mut self, copies: &[Copy], window: &[u8], source: &[u8]) {
        self.places.clear();
        self.lens.clear();
        self.values.clear();
        let mut gap = 0;
        for copy in copies {
            let mut new = &window[copy.at..copy.at + copy.len];
            let mut old = &source[copy.from..copy.from + copy.len];
            loop {
                let same = equal(new, old);
                gap += same;
                (new, old) = (&new[same..], &old[same..]);
                let run = new.iter().zip(old).take_while(|(new, old)| new != old).count();
                if run == 0 {
                    break;
                }
                self.values.extend(new[..run].iter().zip(old).map(|(new, old)| new.wrapping_sub(*old)));
                numbers::push(gap as u32, &mut self.places);
                numbers::push(run as u32, &mut self.lens);
                (new, old, gap) = (&new[run..], &old[run..], 0);
            }
        }
        self.places.extend_from_slice(&self.lens);
    }
}

/// Applies patches to one copy after another.
pub(super) struct Patcher<'a> {
    left: usize,
    gaps: Column<'a>,
    lens: Column<'a>,
    values: &'a [u8],
    /// Bytes from the next copy's start to the next run.
    gap: usize,
}

impl<'a> Patcher<'a> {
    pub(super) fn new(places: &'a [u8], values: &'a [u8]) -> Result<Self, String> {
        let (left, [gaps, lens]) = numbers::columns(places)?;
        let mut patcher = Self { left, gaps, lens, values, gap: 0 };
        patcher.advance()?;
        Ok(patcher)
    }

    /// Patches the bytes of the next copy.
    pub(super) fn apply(&mut self, mut copy: &mut [u8]) -> Result<(), String> {
        while self.left > 0 && self.gap < copy.len() {
            let len = self.lens.next()? as usize;
            let run =
                copy.get_mut(self.gap..).and_then(|rest| rest.get_mut(..len)).ok_or("a patch over a copy's end")?;
            let (values, rest) = self.values.split_at_checked(len).ok_or("more patches than there are values")?;
            self.values = rest;
            run.iter_mut().zip(values).for_each(|(byte, value)| *byte = byte.wrapping_add(*value));
            copy = &mut copy[self.gap + len..];
            self.left -= 1;
            self.advance()?;
        }
        self.gap = self.gap.saturating_sub(copy.len());
        Ok(())
    }

    /// Everything must have been used.
    pub(super) fn finish(self) -> Result<(), String> {
        if self.left == 0 && self.values.is_empty() { Ok(()) } else { Err("patches that no copy uses".to_owned()) }
    }

    fn advance(&mut self) -> Result<(), String> {
        self.gap = if self.left > 0 { self.gaps.next()? as usize } else { 0 };
        Ok(())
    }
}
