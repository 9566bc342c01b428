//! `inspect`: how one object is stored, in a folder or at a running server.

mod folder;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::error::ErrorKind;

use super::exit::{DAMAGE, EXIT_CODES};
use super::remote::{RemoteError, client};
use super::target::{S3Target, object};
use super::{logging, output};
use crate::object::Inspected;
use crate::remote::ClientError;
use crate::store::StoreError;

const USAGE: &str = "deltastore inspect [OPTIONS] <DIR> <s3://BUCKET/KEY>
       deltastore inspect [OPTIONS] --endpoint <http[s]://HOST[:PORT]> <s3://BUCKET/KEY>";

const AFTER_HELP: &str = "\
With --endpoint the running server is queried with the root credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
SSL_CERT_FILE names a PEM file of certificate authorities to trust instead of the system's.";

#[derive(clap::Args)]
#[command(override_usage = USAGE, after_help = format!("{AFTER_HELP}\n\n{EXIT_CODES}"))]
pub struct InspectArguments {
    /// The data folder of a stopped server, and the object; with --endpoint only the object
    #[arg(value_name = "DIR|s3://BUCKET/KEY", num_args = 1..=2, required = true)]
    names: Vec<String>,
    /// Endpoint of the running server
    #[arg(long, value_name = "http[s]://HOST[:PORT]")]
    endpoint: Option<String>,
    /// Version to inspect instead of the newest
    #[arg(long, value_name = "ID")]
    version_id: Option<String>,
    /// Print JSON, including all windows
    #[arg(long)]
    json: bool,
    /// List all windows instead of the first 40
    #[arg(long)]
    all: bool,
}

/// Errors of `inspect`.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl InspectError {
    fn is_damage(&self) -> bool {
        match self {
            Self::Store(error) => error.is_damage(),
            Self::Client(error) => error.is_damage(),
            Self::Remote(_) | Self::Io(_) => false,
        }
    }
}

/// Location of the object.
enum Place<'a> {
    Folder(PathBuf),
    Server(&'a str),
}

/// Runs the command.
pub fn inspect(arguments: &InspectArguments) -> Result<ExitCode, InspectError> {
    let (place, target) = place(arguments).unwrap_or_else(|(kind, message)| {
        let mut command = InspectArguments::augment_args(clap::Command::new("inspect"));
        command.error(kind, &message).exit()
    });
    let version = arguments.version_id.as_deref();
    let found = match place {
        Place::Folder(dir) => folder::inspect(&dir, &target, version).map_err(InspectError::from),
        Place::Server(endpoint) => ask(endpoint, &target, version),
    };
    let found = match found {
        Err(error) if error.is_damage() => {
            logging::complain(&error.to_string());
            return Ok(ExitCode::from(DAMAGE));
        }
        other => other?,
    };
    let text = if arguments.json { output::json(&found)? } else { table::table(&found, arguments.all) };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The location and object that the arguments name, or the error.
fn place(arguments: &InspectArguments) -> Result<(Place<'_>, S3Target), (ErrorKind, String)> {
    let (place, name) = match (&arguments.names[..], &arguments.endpoint) {
        ([name], Some(endpoint)) => (Place::Server(endpoint), name),
        ([dir, name], None) => (Place::Folder(dir.into()), name),
        ([name], None) if name.starts_with("s3://") => {
            return Err((ErrorKind::MissingRequiredArgument, "missing location: give DIR or --endpoint".into()));
        }
        (_, None) => return Err((ErrorKind::MissingRequiredArgument, "missing object: give <s3://BUCKET/KEY>".into())),
        (_, Some(_)) => return Err((ErrorKind::ArgumentConflict, "DIR cannot be used with --endpoint".into())),
    };
    Ok((place, object(name).map_err(|error| (ErrorKind::ValueValidation, error))?))
}

fn ask(endpoint: &str, target: &S3Target, version: Option<&str>) -> Result<Inspected, InspectError> {
    let client = client(endpoint)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let query: Vec<_> = version.map(|id| ("version-id", id)).into_iter().collect();
    Ok(runtime.block_on(client.get_admin("/_deltastore/inspect", (&target.bucket, &target.key), &query))?)
}
