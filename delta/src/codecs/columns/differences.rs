//! Numbers as columns of bytes: differences to those they stand for, and the others as they are.
//!
//! Differences are sorted by the key of the number they are taken to: an optimizer's step is as large for a small
//! weight as for a large one, so that floats of one exponent move by as many units, and those of another by twice or
//! half as many. Sorted, each stretch of a column has one spread, and zstd's tables, made anew every 128 KiB, fit it:
//! weights of bfloat16 0.205 instead of 0.253 of their size, of 32 bits 0.583 instead of 0.610 (`docs/benchmarks.md`,
//! "Checkpoints").

use super::width::{difference, key, load, moved, store};
use crate::copies::Copy;
use crate::copies::control::Step;

/// The bytes of numbers by their place, the lowest first.
pub(crate) type Columns = Vec<Vec<u8>>;

/// Where the differences to numbers of each key go.
struct Slots {
    slots: [u32; 256],
    /// Where keys lie.
    shift: u32,
}

impl Slots {
    /// The slots for differences to these numbers.
    fn of<'a, const W: usize>(olds: impl Iterator<Item = &'a [u8; W]>, shift: u32) -> Self {
        let mut slots = [0; 256];
        olds.for_each(|old| slots[usize::from(key::<W>(load(old), shift))] += 1);
        let mut sum = 0;
        for slot in &mut slots {
            (*slot, sum) = (sum, sum + *slot);
        }
        Self { slots, shift }
    }

    /// The next slot for a difference to `old`.
    #[inline(always)]
    fn next<const W: usize>(&mut self, old: u64) -> usize {
        let slot = &mut self.slots[usize::from(key::<W>(old, self.shift))];
        *slot += 1;
        *slot as usize - 1
    }
}

/// Takes the window's numbers apart: the columns of the copies' differences, and those of the numbers between. The
/// copies must lie within both.
pub(crate) fn take<const W: usize>(numbers: &[u8], shift: u32, source: &[u8], copies: &[Copy]) -> (Columns, Columns) {
    let numbers = numbers.as_chunks::<W>().0;
    let olds = |copy: &Copy| source[copy.from..copy.from + copy.len * W].as_chunks::<W>().0;
    let copied = copies.iter().map(|copy| copy.len).sum();
    let mut differences = vec![vec![0; copied]; W];
    let mut literals = vec![Vec::with_capacity(numbers.len() - copied); W];
    let mut slots = Slots::of(copies.iter().flat_map(olds), shift);
    let mut done = 0;
    for copy in copies {
        spread(&numbers[done..copy.at], &mut literals);
        done = copy.at + copy.len;
        for (new, old) in numbers[copy.at..done].iter().zip(olds(copy)) {
            let old = load(old);
            let slot = slots.next::<W>(old);
            let bytes: [u8; W] = store(difference::<W>(load(new), old));
            differences.iter_mut().zip(bytes).for_each(|(column, byte)| column[slot] = byte);
        }
    }
    spread(&numbers[done..], &mut literals);
    (differences, literals)
}

fn spread<const W: usize>(numbers: &[[u8; W]], columns: &mut Columns) {
    for (place, column) in columns.iter_mut().enumerate() {
        column.extend(numbers.iter().map(|number| number[place]));
    }
}

/// Puts them together again behind `plain`. Each column of `differences` is as long as all copies, each of `literals`
/// is as long as it is.
///
/// # Errors
/// Copies from outside the source, and copies or literals that are not as many as the columns have.
pub(crate) fn put<const W: usize>(
    steps: impl Iterator<Item = Result<Step, String>> + Clone,
    shift: u32,
    source: &[u8],
    differences: &Columns,
    literals: &Columns,
    plain: &mut Vec<u8>,
) -> Result<(), String> {
    let olds = |step: &Step| {
        let len = step.len.checked_mul(W)?;
        Some(source.get(step.from..)?.get(..len)?.as_chunks::<W>().0)
    };
    let outside = || "a copy from outside the source".to_owned();
    // All are looked at before any is used: behind this there are as many differences as the copies ask for.
    let (mut copied, mut between) = (0usize, 0usize);
    for step in steps.clone() {
        let step = step?;
        olds(&step).ok_or_else(outside)?;
        copied = copied.saturating_add(step.len);
        between = between.saturating_add(step.literals);
    }
    let [copies_there, literals_there] = [differences, literals].map(|columns| columns.first().map_or(0, Vec::len));
    if copied != copies_there || between > literals_there {
        return Err(format!(
            "copies of {copied} numbers and {between} between, for {copies_there} and {literals_there}"
        ));
    }
    let mut slots = Slots::of(steps.clone().flatten().filter_map(|step| olds(&step)).flatten(), shift);
    let mut done = 0;
    for step in steps.flatten() {
        gather::<W>(literals, done..done + step.literals, plain);
        done += step.literals;
        for old in olds(&step).ok_or_else(outside)? {
            let old = load(old);
            let slot = slots.next::<W>(old);
            let bytes: [u8; W] = std::array::from_fn(|place| differences[place][slot]);
            plain.extend_from_slice(&store::<W>(moved(old, load(&bytes))));
        }
    }
    gather::<W>(literals, done..literals_there, plain);
    Ok(())
}

fn gather<const W: usize>(columns: &Columns, numbers: std::ops::Range<usize>, plain: &mut Vec<u8>) {
    let start = plain.len();
    plain.resize(start + numbers.len() * W, 0);
    for (place, column) in columns.iter().enumerate() {
        let bytes = plain[start..].iter_mut().skip(place).step_by(W);
        bytes.zip(&column[numbers.clone()]).for_each(|(byte, &new)| *byte = new);
    }
}
