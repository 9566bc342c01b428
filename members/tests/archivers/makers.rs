//! What is packed, and the programs that pack it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::support::Dice;

pub struct Archive {
    /// `Debian`, `npm` and so on.
    pub source: String,
    /// Name and version.
    pub tool: String,
    pub variant: String,
    pub number: u64,
    pub bytes: Vec<u8>,
}

impl Archive {
    pub fn name(&self) -> String {
        format!("{}/{}/{}", self.source, self.tool, self.variant)
    }
}

/// Runs every maker on the same made files and reads what they made, in order of its names.
pub fn make_all(folder: &Path, seed: u64) -> Vec<Archive> {
    if folder.exists() {
        fs::remove_dir_all(folder).expect("the folder of an earlier run is removed");
    }
    let (content, made) = (folder.join("content"), folder.join("made"));
    fs::create_dir_all(&content).expect("a folder for the content");
    fs::create_dir_all(&made).expect("a folder for the archives");
    write_content(&content, &mut Dice::new(seed));
    let running: Vec<_> = makers().into_iter().map(|maker| start(maker, &content, &made, folder)).collect();
    for (name, mut child, log) in running {
        let status = child.wait().expect("the maker's end");
        let said = fs::read(&log).expect("the maker's log");
        assert!(status.success(), "{name} ended with {status}:\n{}", String::from_utf8_lossy(&said));
    }
    let mut archives = Vec::new();
    for source in names(&made) {
        for tool in names(&made.join(&source)) {
            for variant in names(&made.join(&source).join(&tool)) {
                let bytes = fs::read(made.join(&source).join(&tool).join(&variant)).expect("an archive");
                let (source, tool) = (source.clone(), tool.clone());
                archives.push(Archive { source, tool, variant, number: archives.len() as u64, bytes });
            }
        }
    }
    archives
}

/// Text, tables, noise and runs, long enough for several blocks and for a window to slide; nearly nothing, and nothing;
/// a picture; and one file whose stream is longer than a unit.
fn write_content(folder: &Path, dice: &mut Dice) {
    let text = |dice: &mut Dice, len: usize| {
        let mut text = Vec::new();
        while text.len() < len {
            let word = dice.below(600) * dice.below(600) / 600;
            text.extend(format!("word{word:x}{}", if dice.below(12) == 0 { ".\n" } else { " " }).bytes());
        }
        text
    };
    let records = |dice: &mut Dice, count: u32| {
        (0..count)
            .flat_map(|id| [id, dice.below(1 << 18) as u32, 0].map(u32::to_le_bytes))
            .flatten()
            .collect::<Vec<u8>>()
    };
    let runs = |dice: &mut Dice| (0..40).flat_map(|_| vec![dice.below(4) as u8; dice.below(1500)]).collect::<Vec<u8>>();
    let picture = (0..120 * 160 * 3).map(|at| ((at / 480) * (at % 480) / 64 + dice.below(3)) as u8);
    let picture: Vec<u8> = b"P6 160 120 255\n".iter().copied().chain(picture).collect();
    let large: Vec<u8> =
        (0..13).flat_map(|_| [text(dice, 50_000), records(dice, 2500), dice.noise(12_000)].concat()).collect();
    for (name, bytes) in [
        ("words", text(dice, 70_000)),
        ("records", records(dice, 1500)),
        ("noise", dice.noise(6000)),
        ("runs", runs(dice)),
        ("tiny", b"tiny\n".to_vec()),
        ("empty", Vec::new()),
        ("picture.ppm", picture),
        ("large", large),
    ] {
        let path = folder.join(name);
        fs::write(&path, bytes).expect("the content");
        // Archives tell times, and shall be the same in each run.
        let when = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
        let file = File::options().write(true).open(&path).expect("the content");
        file.set_modified(when).expect("the content's time");
    }
}

/// Programs with their arguments before the two folders, and the folder they run in.
fn makers() -> Vec<(&'static str, Command)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/archivers");
    let mut node = Command::new("node");
    node.arg("make.mjs").current_dir(installed("js"));
    // Modules are looked for beside the script.
    let beside_modules = installed("js/node_modules").with_file_name("make.mjs");
    fs::copy(here.join("js/make.mjs"), beside_modules).expect("the script beside its modules");
    let mut python = Command::new(installed("python/bin/python"));
    python.arg(here.join("python.py"));
    let mut debian = Command::new("bash");
    debian.arg(here.join("debian.sh"));
    let mut makers = vec![("debian.sh", debian), ("make.mjs", node), ("python.py", python)];
    for backend in ["miniz_oxide", "zlib", "zlib-ng", "zlib-rs", "others"] {
        makers.push((backend, Command::new(installed(&format!("crates/{backend}")))));
    }
    makers
}

fn installed(what: &str) -> PathBuf {
    let folder = match std::env::var_os("DELTASTORE_ARCHIVERS") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(&std::env::var_os("HOME").expect("HOME is set")).join(".cache/deltastore/archivers"),
    };
    let path = folder.join(what);
    assert!(path.exists(), "{} is missing: run members/tests/archivers/install", path.display());
    path
}

fn start(
    (name, mut command): (&'static str, Command),
    content: &Path,
    made: &Path,
    folder: &Path,
) -> (&'static str, std::process::Child, PathBuf) {
    let log = folder.join(format!("{name}.log"));
    let output = File::create(&log).expect("the maker's log");
    command.args([content, made]).stdin(Stdio::null());
    command.stdout(output.try_clone().expect("a second handle on the log")).stderr(output);
    let child = command
        .spawn()
        .unwrap_or_else(|error| panic!("{name} does not run: {error}: run members/tests/archivers/install"));
    (name, child, log)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a readable folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name of text")).collect();
    names.sort();
    names
}
