//! `serve`: the server process.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::LogFormat;
use super::address::{Address, ListenError, listen};
use super::credentials::{self, CredentialsError, Found};
use super::open::{Opened, cache_bytes, open};
use super::output;
use crate::object::Objects;
use crate::s3::{ServerSettings, serve as serve_s3};
use crate::store::bugs::Bugs;
use crate::store::{Background, Joiner, Optimizer, Settings, Store, StoreError, Verifier};

/// Shortest pause between two background collections.
const COLLECT_PAUSE: Duration = Duration::from_secs(60);

/// Shortest pause between two looks for something to optimize.
const OPTIMIZE_PAUSE: Duration = Duration::from_secs(30);

pub const AFTER_HELP: &str = "\
Root credentials come from DELTASTORE_ROOT_USER and DELTASTORE_ROOT_PASSWORD. If neither is set, on a loopback address,
they are generated, kept in the data folder and printed once; on any other address the server refuses to start. A name is a
loopback address if all of its addresses are.
RUST_LOG sets the log level. SIGTERM and SIGINT finish requests under way, then close the store.

Exit codes: 0 stopped by a signal; 1 could not start or run; 2 wrong arguments.";

#[derive(clap::Args)]
pub struct ServeArguments {
    /// The data folder
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Where to listen: on an address, on all addresses of a name, or on all of the machine, :PORT; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:9000", value_name = "[HOST]:PORT")]
    address: Address,
    /// How log lines look
    #[arg(long, value_enum, default_value = "text")]
    pub(super) log_format: LogFormat,
    /// Store windows whole: no references, no expansion, no optimizer, plain compression only
    #[arg(long)]
    no_deltas: bool,
    /// Leave objects as a PUT stored them; `deltastore optimize` stores them smaller when the server is stopped
    #[arg(long)]
    no_optimizer: bool,
}

/// Why the server did not start or run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Runs the server until a signal.
pub fn serve(arguments: &ServeArguments) -> Result<ExitCode, ServeError> {
    let addresses = arguments.address.resolve()?;
    let environment = credentials::from_environment(addresses.iter().map(|address| address.ip()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Signals count from here on, so that one during recovery ends the process cleanly after it.
    let (mut terminate, mut interrupt) = {
        let _context = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    let listeners = runtime.block_on(listen(&addresses))?;
    let endpoint = match listeners.first() {
        Some(listener) => arguments.address.endpoint(listener.local_addr()?),
        None => String::new(),
    };
    let Opened { folder, engine, clock } = open(&arguments.dir, true)?;
    let found = credentials::find(environment, &arguments.dir)?;
    let mut settings = Settings { disk_cache_bytes: cache_bytes(&folder), ..Settings::default() };
    settings.effort.deltas = !arguments.no_deltas;
    settings.expand = settings.expand.filter(|_| !arguments.no_deltas);
    let store = Store::open(folder, engine, clock, settings, Bugs::default())?;
    let verifier = Verifier::start(&store)?;
    let collector = Background::start(&store, COLLECT_PAUSE)?;
    let joiner = if arguments.no_deltas { None } else { Some(Joiner::start(&store)?) };
    let optimizer = if arguments.no_deltas || arguments.no_optimizer {
        None
    } else {
        Some(Optimizer::start(&store, OPTIMIZE_PAUSE)?)
    };
    // A server whose standard output nobody reads serves all the same.
    if let Err(error) = output::print(&greeting(arguments, &endpoint, &found)) {
        tracing::warn!(%error, "the greeting could not be printed");
    }
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let objects = Objects::new(store);
    let result = runtime.block_on(serve_s3(listeners, objects, found.credentials, ServerSettings::default(), shutdown));
    drop((joiner, optimizer, collector, verifier));
    // Requests that were cut off may still hold the store; with the runtime gone the last handle closes it.
    drop(runtime);
    result?;
    tracing::info!("closed");
    Ok(ExitCode::SUCCESS)
}

/// What a person at the terminal needs first.
fn greeting(arguments: &ServeArguments, host: &str, found: &Found) -> String {
    let endpoint = format!("http://{host}");
    let user = &found.credentials.access_key;
    let mut lines = vec![format!("Deltastore serves S3 at {endpoint} from {}", arguments.dir.display())];
    let secret = match (&found.file, found.generated) {
        (Some(file), true) => {
            let secret = &found.credentials.secret_key;
            lines.push(format!("Generated credentials, kept in {file} and printed only this once:"));
            lines.push(format!("  access key {user}"));
            lines.push(format!("  secret key {secret}"));
            secret.clone()
        }
        (Some(file), false) => {
            lines.push(format!("Credentials are in {file}; the access key is {user}"));
            format!("\"$(sed -n 2p '{file}')\"")
        }
        (None, _) => {
            lines.push(format!("Credentials are those of the environment; the access key is {user}"));
            "\"$DELTASTORE_ROOT_PASSWORD\"".to_owned()
        }
    };
    lines.push("Try it:".to_owned());
    lines
        .push(format!("  export AWS_ACCESS_KEY_ID={user} AWS_SECRET_ACCESS_KEY={secret} AWS_DEFAULT_REGION=us-east-1"));
    for command in ["mb s3://demo", "cp FILE s3://demo/releases/", "ls s3://demo/releases/"] {
        lines.push(format!("  aws --endpoint-url {endpoint} s3 {command}"));
    }
    lines.join("\n") + "\n"
}
