//! Archives of the files in one folder, made with encoders of crates.io, into another: MADE/SOURCE/TOOL/VARIANT.

#[cfg(not(feature = "others"))]
mod backend;
#[cfg(feature = "others")]
mod others;

use std::fs;
use std::io;
use std::path::PathBuf;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const NAMES: [&str; 6] = ["words", "records", "noise", "runs", "tiny", "empty"];

fn main() -> Result {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [content, made] = arguments.as_slice() else { return Err("usage: archivers CONTENT MADE".into()) };
    let mut files = Vec::new();
    for name in NAMES {
        files.push((name, fs::read(content.join(name))?));
    }
    let large = fs::read(content.join("large"))?;
    let shelf = Shelf { files, large, made: made.join("crates") };
    #[cfg(feature = "others")]
    return others::make(&shelf, &fs::read(content.join("picture.ppm"))?);
    #[cfg(not(feature = "others"))]
    backend::make(&shelf)
}

struct Shelf {
    files: Vec<(&'static str, Vec<u8>)>,
    large: Vec<u8>,
    made: PathBuf,
}

impl Shelf {
    /// `package`: whose version stands in the tool's name.
    fn save(&self, tool: &str, package: &str, variant: &str, bytes: &[u8]) -> io::Result<()> {
        let lock = include_str!("../Cargo.lock");
        let version = lock.rsplit(&format!("name = \"{package}\"\nversion = \"")).next();
        let version = version.and_then(|rest| rest.split('"').next()).unwrap_or("?");
        let folder = self.made.join(format!("{tool} {version}"));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(variant), bytes)
    }

    /// One member for each file, one after another.
    fn members(&self, mut compress: impl FnMut(&[u8]) -> Result<Vec<u8>>) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        for (_, bytes) in &self.files {
            all.extend(compress(bytes)?);
        }
        Ok(all)
    }

    fn words(&self) -> &[u8] {
        &self.files[0].1
    }
}
