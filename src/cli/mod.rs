//! The command line.

mod address;
mod credentials;
mod descriptors;
mod duration;
mod estimate;
mod inspect;
mod logging;
mod look;
mod maintain;
mod open;
mod output;
mod plain_text;
mod progress;
mod remote;
mod repair;
mod report;
mod serve;
mod target;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::store::{OptimizeOptions, Policy};
use clap::{Parser, Subcommand, ValueEnum};

/// An S3 server that stores releases, packages, dumps and images in a few percent of their size.
#[derive(Parser)]
#[command(name = "deltastore", version, about, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 all is well; 1 the command failed; 2 wrong arguments; 3 damage was found.";

#[derive(Subcommand)]
enum Command {
    /// Serve S3 from a data folder, which is made if it is not there
    #[command(after_help = serve::AFTER_HELP)]
    Serve(serve::ServeArguments),
    /// Make the index anew from the segments alone; the server must be stopped
    #[command(after_help = EXIT_CODES)]
    RebuildIndex(Folder),
    /// Read and verify everything and name what is damaged; the server must be stopped
    #[command(after_help = EXIT_CODES)]
    Fsck {
        #[command(flatten)]
        folder: Folder,
        /// Print JSON, a document a line: each problem, each object that cannot be read, then a summary
        #[arg(long)]
        json: bool,
    },
    /// Mend what can be mended from the folder itself and say which uploads would mend the rest; the server must be
    /// stopped
    #[command(after_help = EXIT_CODES)]
    Repair {
        #[command(flatten)]
        folder: Folder,
        /// Say what would be done, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Give up segments whose files are lost for good, and with them the objects that need them
        #[arg(long)]
        forget_missing_segments: bool,
    },
    /// Drop what nothing refers to and give its disk space back; the server must be stopped
    #[command(after_help = EXIT_CODES)]
    Gc(Folder),
    /// Store everything anew, smaller; the server must be stopped
    ///
    /// Expands compressed members, chooses better references and compresses harder. Objects are read back and compared
    /// before their old form is given up; `gc` then frees its space. May be interrupted at any time.
    #[command(after_help = EXIT_CODES)]
    Optimize {
        #[command(flatten)]
        folder: Folder,
        /// Only this bucket
        #[arg(long)]
        bucket: Option<String>,
        /// In place of each bucket's own policy, which is balanced unless it was set
        #[arg(long, value_name = "off|fast|balanced|max")]
        policy: Option<Policy>,
        /// Count what would be stored anew, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Say what is stored in how many bytes, and what saved how much; the server must be stopped
    #[command(after_help = EXIT_CODES)]
    Stats {
        #[command(flatten)]
        folder: Folder,
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Say what a folder or a bucket of any S3 server would take stored here; reads it all and writes nothing
    Estimate(estimate::EstimateArguments),
    /// Say how one object is stored: windows, codecs, references, what re-creates its members; the server is asked or
    /// stopped
    Inspect(inspect::InspectArguments),
}

#[derive(clap::Args)]
struct Folder {
    /// The data folder
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// Found damage, told apart from a command that could not run.
const DAMAGE: u8 = 3;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // RocksDB makes files by itself.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let format = match &arguments.command {
        Command::Serve(serve) => serve.log_format,
        _ => LogFormat::Text,
    };
    let _flush = logging::start(format, matches!(arguments.command, Command::Serve(_)));
    let result = match arguments.command {
        Command::Serve(arguments) => serve::serve(&arguments).map_err(|error| error.to_string()),
        Command::RebuildIndex(folder) => maintain::rebuild_index(&folder.dir).map_err(|error| error.to_string()),
        Command::Fsck { folder, json } => maintain::fsck(&folder.dir, json).map_err(|error| error.to_string()),
        Command::Repair { folder, dry_run, forget_missing_segments } => {
            repair::repair(&folder.dir, dry_run, forget_missing_segments).map_err(|error| error.to_string())
        }
        Command::Gc(folder) => maintain::gc(&folder.dir).map_err(|error| error.to_string()),
        Command::Optimize { folder, bucket, policy, dry_run } => {
            let options = OptimizeOptions { bucket, policy, dry_run, ..OptimizeOptions::default() };
            maintain::optimize(&folder.dir, options).map_err(|error| error.to_string())
        }
        Command::Estimate(arguments) => estimate::estimate(&arguments).map_err(|error| error.to_string()),
        Command::Inspect(arguments) => inspect::inspect(&arguments).map_err(|error| error.to_string()),
        Command::Stats { folder, json } => maintain::stats(&folder.dir, json).map_err(|error| error.to_string()),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            logging::complain(&error);
            ExitCode::FAILURE
        }
    }
}
