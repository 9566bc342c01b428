//! Damaged copies of archives.

use crate::support::Dice;

/// A copy that is cut off, or changed in one to four places; `other` is something to splice in.
pub fn damaged(archive: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut copy = archive.to_vec();
    if dice.below(3) == 0 {
        copy.truncate(dice.below(copy.len() + 1));
        return copy;
    }
    for _ in 0..1 + dice.below(4) {
        if copy.is_empty() {
            break;
        }
        let at = dice.below(copy.len());
        let stretch = at..(at + 1 + dice.below(2000)).min(copy.len());
        match dice.below(7) {
            0 => copy[at] ^= 1 << dice.below(8),
            1 => copy[at] = dice.below(256) as u8,
            2 => drop(copy.drain(stretch)),
            3 => {
                let len = 1 + dice.below(40);
                drop(copy.splice(at..at, dice.noise(len)));
            }
            4 => copy[stretch].fill(0),
            5 => swap(&mut copy, at, dice),
            _ => {
                let from = dice.below(other.len());
                let piece = other[from..(from + 1 + dice.below(20_000)).min(other.len())].to_vec();
                drop(copy.splice(at..at, piece));
            }
        }
    }
    copy
}

/// Exchanges two stretches that do not overlap.
fn swap(copy: &mut [u8], at: usize, dice: &mut Dice) {
    let (first, second) = copy.split_at_mut(at);
    let most = first.len().min(second.len());
    let len = (1 + dice.below(4096)).min(most);
    if len > 0 {
        let (one, two) = (dice.below(first.len() - len + 1), dice.below(second.len() - len + 1));
        first[one..one + len].swap_with_slice(&mut second[two..two + len]);
    }
}
