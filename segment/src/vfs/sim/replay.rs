//! The journal of a simulated disk, and what of it is durable.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::content::Content;

pub(super) type Inode = u64;
pub(super) type Names = BTreeMap<PathBuf, Node>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Dir,
    File(Inode),
}

/// What a sync call did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SyncResult {
    Done,
    /// Answered success and did nothing.
    Ignored,
    /// Answered an error.
    Failed,
}

/// One mutating call.
#[derive(Clone)]
pub(super) enum Op {
    /// A name now leads to `node`.
    Link {
        path: PathBuf,
        node: Node,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
        node: Node,
    },
    Remove {
        path: PathBuf,
    },
    SyncDir {
        dir: PathBuf,
        sync: SyncResult,
    },
    Write {
        inode: Inode,
        offset: u64,
        data: Arc<[u8]>,
    },
    SetLen {
        inode: Inode,
        len: u64,
    },
    SyncData {
        inode: Inode,
        sync: SyncResult,
    },
    /// The medium itself changed: durable at once.
    Corrupt {
        inode: Inode,
        offset: u64,
        xor: u8,
    },
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Link { path, node } => write!(f, "create {} ({node:?})", path.display()),
            Op::Rename { from, to, .. } => {
                write!(f, "rename {} to {}", from.display(), to.display())
            }
            Op::Remove { path } => write!(f, "remove {}", path.display()),
            Op::SyncDir { dir, sync } => write!(f, "sync_dir {} ({sync:?})", dir.display()),
            Op::Write { inode, offset, data } => write!(f, "write inode {inode} {offset}+{}", data.len()),
            Op::SetLen { inode, len } => write!(f, "set_len inode {inode} {len}"),
            Op::SyncData { inode, sync } => write!(f, "sync_data inode {inode} ({sync:?})"),
            Op::Corrupt { inode, offset, xor } => {
                write!(f, "corrupt inode {inode} {offset} by {xor:#04x}")
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Pending,
    Durable,
    /// A sync failed on it: it never becomes durable, yet may be there.
    Lost,
}

#[derive(Clone)]
pub(super) enum Change {
    Write { offset: u64, data: Arc<[u8]> },
    SetLen(u64),
    Xor { offset: u64, bits: u8 },
}

impl Change {
    pub fn apply(&self, content: &mut Content) {
        match self {
            Change::Write { offset, data } => content.write_at(data, *offset),
            Change::SetLen(len) => content.set_len(*len),
            Change::Xor { offset, bits } => content.xor(*offset, *bits),
        }
    }
}

/// A change to a file's content, with the journal position of its call.
#[derive(Clone)]
pub(super) struct Effect {
    pub sequence: usize,
    pub change: Change,
    pub state: State,
}

#[derive(Clone, Default)]
pub(super) struct FileState {
    /// What is durable and lies under everything in `effects`.
    pub base: Content,
    /// In the order of their calls.
    pub effects: Vec<Effect>,
}

impl FileState {
    fn mark_pending(&mut self, state: State) {
        for effect in &mut self.effects {
            if effect.state == State::Pending {
                effect.state = state;
            }
        }
    }

    /// Moves the durable changes with nothing doubtful under them into the base.
    fn fold(&mut self) {
        let settled = self.effects.iter().take_while(|effect| effect.state == State::Durable).count();
        for effect in self.effects.drain(..settled) {
            effect.change.apply(&mut self.base);
        }
    }
}

/// A change of names that happens as a whole or not at all; durable after a sync of `dir`.
#[derive(Clone)]
pub(super) struct NameEffect {
    pub dir: PathBuf,
    pub changes: Vec<(PathBuf, Option<Node>)>,
}

/// What is durable and what is in doubt after some part of the journal. Clones share the data.
#[derive(Clone, Default)]
pub(super) struct Durability {
    pub names: Arc<Names>,
    pub pending_names: Vec<NameEffect>,
    pub files: BTreeMap<Inode, Arc<FileState>>,
}

impl Durability {
    pub fn apply(&mut self, sequence: usize, op: &Op) {
        match op {
            Op::Link { path, node } => {
                if let Node::File(inode) = node {
                    self.files.insert(*inode, Arc::default());
                }
                self.rename(path, vec![(path.clone(), Some(*node))]);
            }
            Op::Rename { from, to, node } => self.rename(to, vec![(from.clone(), None), (to.clone(), Some(*node))]),
            Op::Remove { path } => self.rename(path, vec![(path.clone(), None)]),
            Op::SyncDir { dir, sync: SyncResult::Done } => self.sync_dir(dir),
            Op::SyncDir { .. } | Op::SyncData { sync: SyncResult::Ignored, .. } => {}
            Op::SyncData { inode, sync } => {
                let file = self.file(*inode);
                file.mark_pending(if *sync == SyncResult::Done { State::Durable } else { State::Lost });
                file.fold();
            }
            Op::Write { inode, offset, data } => {
                let change = Change::Write { offset: *offset, data: data.clone() };
                self.push(*inode, Effect { sequence, change, state: State::Pending });
            }
            Op::SetLen { inode, len } => {
                self.push(*inode, Effect { sequence, change: Change::SetLen(*len), state: State::Pending });
            }
            Op::Corrupt { inode, offset, xor } => {
                let change = Change::Xor { offset: *offset, bits: *xor };
                self.push(*inode, Effect { sequence, change, state: State::Durable });
                self.file(*inode).fold();
            }
        }
    }

    fn file(&mut self, inode: Inode) -> &mut FileState {
        Arc::make_mut(self.files.entry(inode).or_default())
    }

    fn push(&mut self, inode: Inode, effect: Effect) {
        self.file(inode).effects.push(effect);
    }

    fn rename(&mut self, target: &Path, changes: Vec<(PathBuf, Option<Node>)>) {
        let dir = target.parent().unwrap_or(Path::new("")).to_path_buf();
        self.pending_names.push(NameEffect { dir, changes });
    }

    fn sync_dir(&mut self, dir: &Path) {
        let names = Arc::make_mut(&mut self.names);
        self.pending_names.retain(|effect| {
            if effect.dir == dir {
                apply_names(names, &effect.changes);
            }
            effect.dir != dir
        });
    }
}

pub(super) fn apply_names(names: &mut Names, changes: &[(PathBuf, Option<Node>)]) {
    for (path, node) in changes {
        match node {
            Some(node) => names.insert(path.clone(), *node),
            None => names.remove(path),
        };
    }
}
