//! The command line.

mod address;
mod credentials;
mod descriptors;
mod duration;
mod estimate;
mod exit;
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
use clap::{Parser, Subcommand};
use exit::EXIT_CODES;
use logging::LogFormat;

/// An S3 server that stores releases, packages, dumps and images in a few percent of their size.
#[derive(Parser)]
#[command(name = "deltastore", version, about, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve S3 from a data folder; creates the folder if it does not exist
    #[command(after_help = serve::AFTER_HELP)]
    Serve(serve::ServeArguments),
    /// Rebuild the index from the segments; the server must be stopped
    #[command(after_help = EXIT_CODES)]
    RebuildIndex(Folder),
    /// Read and verify everything and report damage; the server must be stopped
    #[command(after_help = EXIT_CODES)]
    Fsck {
        #[command(flatten)]
        folder: Folder,
        /// Print JSON, one document per line: each problem, each unreadable object, then a summary
        #[arg(long)]
        json: bool,
    },
    /// Repair damage from parity and name the uploads that would repair the rest; the server must be stopped
    #[command(after_help = EXIT_CODES)]
    Repair {
        #[command(flatten)]
        folder: Folder,
        /// Report what would be done; change nothing
        #[arg(long)]
        dry_run: bool,
        /// Give up segments whose files are lost permanently, and the objects that need them
        #[arg(long)]
        forget_missing_segments: bool,
    },
    /// Delete unreferenced data and reclaim disk space; the server must be stopped
    #[command(after_help = EXIT_CODES)]
    Gc(Folder),
    /// Rewrite all objects in fewer bytes; the server must be stopped
    ///
    /// Expands compressed members, chooses better references and uses higher compression levels. Each object is read
    /// back and compared before its old form is released; `gc` then reclaims the space. May be interrupted at any
    /// time.
    #[command(after_help = EXIT_CODES)]
    Optimize {
        #[command(flatten)]
        folder: Folder,
        /// Restrict the run to this bucket
        #[arg(long)]
        bucket: Option<String>,
        /// Policy to use instead of each bucket's own (default of a bucket: balanced)
        #[arg(long, value_name = "off|fast|balanced|max")]
        policy: Option<Policy>,
        /// Count the objects that would be rewritten; change nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Show objects, stored bytes and savings by bucket and deltaspace; the server must be stopped
    #[command(after_help = EXIT_CODES)]
    Stats {
        #[command(flatten)]
        folder: Folder,
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Estimate the space a folder or S3 bucket would take (reads everything, writes nothing)
    Estimate(estimate::EstimateArguments),
    /// Show how one object is stored: windows, codecs, references, encoders; the server is stopped or named by
    /// --endpoint
    Inspect(inspect::InspectArguments),
}

#[derive(clap::Args)]
struct Folder {
    /// The data folder
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

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
