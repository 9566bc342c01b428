//! The library between a process and the C library: built once, controlled through a file that both have mapped or
//! open.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

const CONTROL: &str = "FAULTS_CONTROL";
const JOURNAL: &str = "FAULTS_JOURNAL";
const GRAVES: &str = "FAULTS_GRAVES";

/// Kinds of calls, as `preload.c` numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Op {
    Open,
    Read,
    Write,
    Sync,
    SyncDir,
    Rename,
    Remove,
    Truncate,
    Allocate,
    MakeDir,
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Errno {
    Io = 5,
    Again = 11,
    TooManyFiles = 24,
    NoSpace = 28,
}

/// For ever, until it is cleared.
pub const ALWAYS: u32 = u32::MAX;

/// Byte offsets in `struct control`.
mod field {
    pub const OP: u64 = 0;
    pub const AFTER: u64 = 4;
    pub const TIMES: u64 = 8;
    pub const ERROR: u64 = 12;
    pub const KILL_AT: u64 = 16;
    pub const HITS: u64 = 20;
    pub const CHANGES: u64 = 24;
    pub const CALLS: u64 = 28;
    pub const WORD: u64 = 68;
    pub const LEN: u64 = 100;
}

/// A folder with the library, its control file and its journal.
pub struct Shim {
    folder: TempDir,
    pub control: Control,
}

impl Shim {
    /// Watches paths that contain `word`.
    pub fn new(word: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/index_faults/preload.c");
        let cc = std::env::var("CC").unwrap_or_else(|_| "cc".into());
        let built = Command::new(&cc)
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(folder.path().join("preload.so"))
            .arg(source)
            .args(["-ldl", "-lpthread"])
            .status();
        assert!(built.is_ok_and(|status| status.success()), "{cc} does not build tests/index_faults/preload.c");
        std::fs::create_dir(folder.path().join("graves")).unwrap();
        let path = folder.path().join("control");
        File::create(&path).unwrap().set_len(field::LEN).unwrap();
        let control = Control::open(&path);
        control.watch(word);
        Self { folder, control }
    }

    /// Puts the library between a command and the C library.
    pub fn stand_before<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("LD_PRELOAD", self.folder.path().join("preload.so"))
            .env(CONTROL, self.folder.path().join("control"))
            .env(JOURNAL, self.journal())
            .env(GRAVES, self.graves())
    }

    /// One line for each change.
    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    /// Files that lost their names, under the numbers of their inodes.
    pub fn graves(&self) -> PathBuf {
        self.folder.path().join("graves")
    }
}

/// The file that says what to do.
pub struct Control(File);

impl Control {
    fn open(path: &Path) -> Self {
        Self(File::options().read(true).write(true).open(path).unwrap())
    }

    /// The one of the library that stands before this very process.
    pub fn of_this_process() -> Self {
        let path = std::env::var_os(CONTROL).expect("the library stands before this process");
        Self::open(Path::new(&path))
    }

    pub fn watch(&self, word: &str) {
        let mut bytes = [0; (field::LEN - field::WORD) as usize];
        bytes[..word.len()].copy_from_slice(word.as_bytes());
        self.0.write_all_at(&bytes, field::WORD).unwrap();
    }

    /// Lets `after` calls pass, then fails `times`.
    pub fn fail(&self, op: Op, error: Errno, after: u32, times: u32) {
        self.clear();
        self.set(field::OP, op as u32);
        self.set(field::AFTER, after);
        self.set(field::ERROR, error as u32);
        self.set(field::HITS, 0);
        self.set(field::TIMES, times);
    }

    /// Nothing fails any more.
    pub fn clear(&self) {
        self.set(field::TIMES, 0);
    }

    /// The process dies at its so manieth change.
    pub fn kill_at(&self, change: u32) {
        self.set(field::CHANGES, 0);
        self.set(field::KILL_AT, change);
    }

    pub fn hits(&self) -> u32 {
        self.get(field::HITS)
    }

    pub fn calls(&self, op: Op) -> u32 {
        self.get(field::CALLS + 4 * u64::from(op as u32))
    }

    fn set(&self, at: u64, value: u32) {
        self.0.write_all_at(&value.to_ne_bytes(), at).unwrap();
    }

    fn get(&self, at: u64) -> u32 {
        let mut bytes = [0; 4];
        self.0.read_exact_at(&mut bytes, at).unwrap();
        u32::from_ne_bytes(bytes)
    }
}
