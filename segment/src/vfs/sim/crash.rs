//! Power loss: decides what becomes of everything that was not synced.

use std::sync::Arc;

use super::content::Content;
use super::replay::{Change, Durability, FileState, Inode, Names, Node, State, apply_names};

/// Unit in which a disk writes data whole.
const SECTOR: u64 = 512;

/// What becomes of unsynced effects in a crash. Synced ones are there in every mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashMode {
    /// None of them reached the disk.
    DropAll,
    /// All of them did: the process died, the machine did not.
    KeepAll,
    /// Each is kept, dropped or (writes) torn, independently.
    Random,
    /// All did but the last unsynced write, which is torn.
    TornLast,
    /// As `Random`, and what is kept in a file reached the disk in any order.
    Reordered,
}

impl CrashMode {
    pub const ALL: [CrashMode; 5] =
        [CrashMode::DropAll, CrashMode::KeepAll, CrashMode::Random, CrashMode::TornLast, CrashMode::Reordered];
}

/// A disk after a crash.
pub(super) struct Image {
    pub names: Names,
    pub files: Vec<(Inode, Content)>,
}

/// The disk as the next start finds it.
pub(super) fn resolve(durability: &Durability, seed: u64, mode: CrashMode) -> Image {
    let mut rng = Rng::new(seed);
    let mut dice = Dice { mode, keep_in_8: [1, 4, 7][rng.below(3) as usize], rng, torn: None };
    if mode == CrashMode::TornLast {
        dice.torn = last_write(durability);
    }
    let mut names = Names::clone(&durability.names);
    for effect in &durability.pending_names {
        if dice.fate(None) != Fate::Drop {
            apply_names(&mut names, &effect.changes);
        }
    }
    let names = connected(names);
    let mut files = Vec::new();
    for node in names.values() {
        if let Node::File(inode) = node
            && let Some(file) = durability.files.get(inode)
        {
            files.push((*inode, resolve_file(file, &mut dice)));
        }
    }
    Image { names, files }
}

/// Drops names whose directory did not survive. Directories sort before what is in them.
fn connected(names: Names) -> Names {
    let mut kept = Names::new();
    for (path, node) in names {
        let parent = path.parent().filter(|parent| parent.parent().is_some());
        if parent.is_none_or(|parent| kept.get(parent) == Some(&Node::Dir)) {
            kept.insert(path, node);
        }
    }
    kept
}

fn last_write(durability: &Durability) -> Option<usize> {
    let effects = durability.files.values().flat_map(|file| &file.effects);
    let writes = effects.filter(|e| e.state == State::Pending && matches!(e.change, Change::Write { .. }));
    writes.map(|effect| effect.sequence).max()
}

fn resolve_file(file: &FileState, dice: &mut Dice) -> Content {
    let mut content = file.base.clone();
    let mut order: Vec<usize> = (0..file.effects.len()).collect();
    if dice.mode == CrashMode::Reordered {
        // What came before a sync cannot overwrite what the sync made durable.
        let free = file.effects.iter().rposition(|e| e.state == State::Durable).map_or(0, |last| last + 1);
        dice.rng.shuffle(&mut order[free..]);
    }
    for effect in order.into_iter().map(|index| &file.effects[index]) {
        let fate = match effect.state {
            State::Durable => Fate::Keep,
            State::Lost if dice.mode == CrashMode::TornLast => Fate::Drop,
            State::Lost | State::Pending => dice.fate(Some(effect.sequence)),
        };
        match (&effect.change, fate) {
            (_, Fate::Drop) => {}
            (Change::Write { offset, data }, Fate::Tear) => tear(&mut content, *offset, data, &mut dice.rng),
            (change, _) => change.apply(&mut content),
        }
    }
    content
}

/// Applies part of a write: its first bytes, or any of its sectors, perhaps with the new length already set.
fn tear(content: &mut Content, offset: u64, data: &Arc<[u8]>, rng: &mut Rng) {
    let end = offset + data.len() as u64;
    if rng.below(4) == 0 && content.len() < end {
        content.set_len(end);
    }
    if rng.below(2) == 0 {
        let kept = rng.below(data.len() as u64 + 1) as usize;
        return content.write_at(&data[..kept], offset);
    }
    let mut from = offset;
    while from < end {
        let to = end.min((from / SECTOR + 1) * SECTOR);
        if rng.below(2) == 0 {
            content.write_at(&data[(from - offset) as usize..(to - offset) as usize], from);
        }
        from = to;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Keep,
    Drop,
    Tear,
}

struct Dice {
    mode: CrashMode,
    /// Share of effects kept whole in this image, so that nearly empty and nearly full ones both occur.
    keep_in_8: u64,
    rng: Rng,
    /// Journal position of the write to tear.
    torn: Option<usize>,
}

impl Dice {
    fn fate(&mut self, sequence: Option<usize>) -> Fate {
        match self.mode {
            CrashMode::DropAll => Fate::Drop,
            CrashMode::KeepAll => Fate::Keep,
            CrashMode::TornLast if sequence.is_some() && sequence == self.torn => Fate::Tear,
            CrashMode::TornLast => Fate::Keep,
            CrashMode::Random | CrashMode::Reordered if self.rng.below(8) < self.keep_in_8 => Fate::Keep,
            // A change of names or length has no half: see the callers.
            CrashMode::Random | CrashMode::Reordered if sequence.is_some() && self.rng.below(2) == 0 => Fate::Tear,
            CrashMode::Random | CrashMode::Reordered => Fate::Drop,
        }
    }
}

/// SplitMix64: the same images for the same seed, for ever.
pub(super) struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Rng(seed)
    }

    /// A number in `0..limit`; `limit` is at least 1 and small, so the bias does not matter.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    fn shuffle(&mut self, items: &mut [usize]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}
