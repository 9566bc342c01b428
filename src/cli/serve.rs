//! `serve`: the server process.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};
use tokio::signal::unix::{SignalKind, signal};

use super::address::{Address, ListenError, listen};
use super::credentials::{self, CredentialsError, Found};
use super::descriptors::{Descriptors, MIN_DESCRIPTORS};
use super::duration::{Limit, parse_limit};
use super::logging::LogFormat;
use super::open::{Opened, cache_bytes, open};
use super::output;
use crate::object::{Objects, UploadExpiry, policy_of};
use crate::s3::{ServerSettings, serve as serve_s3};
use crate::store::bugs::Bugs;
use crate::store::{
    Collector, JobError, JobHandle, MultipartRewriter, Optimizer, ParityPass, Scrub, Settings, Store, StoreError,
    Verifier,
};

/// Minimum pause between two background collections.
const COLLECT_PAUSE: Duration = Duration::from_secs(60);

/// Minimum pause between two searches for objects to optimize.
const OPTIMIZE_PAUSE: Duration = Duration::from_secs(30);

/// Time that background work has to stop, counted from the signal.
const STOP_TIME: Duration = Duration::from_secs(1);

pub const AFTER_HELP: &str = "\
Root credentials come from DELTASTORE_ROOT_USER and DELTASTORE_ROOT_PASSWORD. If neither is set, on a loopback address,
they are generated, stored in the data folder and printed once; on any other address the server refuses to start. A name
counts as a loopback address if all its addresses are.

RUST_LOG sets the log level. On SIGTERM or SIGINT the server stops background work, lets requests finish for
--drain-timeout and closes the store.

The soft limit of open files is raised to the hard limit at start. A hard limit below about 3,000 reduces the number of
connections.

Exit codes: 0 stopped by a signal; 1 could not start or run; 2 wrong arguments.";

#[derive(clap::Args)]
pub struct ServeArguments {
    /// The data folder
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Listen address: IP:PORT, NAME:PORT (all its addresses) or :PORT (all interfaces). Port 0 picks a free port
    #[arg(long, default_value = "127.0.0.1:9000", value_name = "[HOST]:PORT")]
    address: Address,
    /// Format of log lines
    #[arg(long, value_enum, default_value = "text")]
    pub(super) log_format: LogFormat,
    /// Turn delta compression off: no references, no expansion, no optimizer; zstd only
    #[arg(long)]
    no_deltas: bool,
    /// Do not rewrite objects in the background; `deltastore optimize` does so while the server is stopped
    #[arg(long)]
    no_optimizer: bool,
    /// Accept presigned GET, HEAD and PUT requests of signature version 2
    #[arg(long)]
    allow_sigv2_presigned: bool,
    /// Maximum number of open connections. Default: derived from the limit of open files, at most 2048
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: Option<u32>,
    /// Maximum number of open connections from one address. Default: half of --max-connections
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_connections_per_address: Option<u32>,
    /// Period in which a client must transfer at least 1 KiB/s on average, in seconds; slower clients are disconnected
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = clap::value_parser!(u32).range(1..))]
    slow_client_timeout: u32,
    /// Time for running requests to finish after SIGTERM or SIGINT, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "5")]
    drain_timeout: u32,
    /// Age at which multipart uploads expire, counted from their newest part: 7d, 12h, 30m or never
    #[arg(long, default_value = "7d", value_name = "AGE", value_parser = parse_limit)]
    upload_expiry: Limit,
}

/// Errors of `serve`.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("the limit of open files is {limit}; the server needs at least {}", MIN_DESCRIPTORS)]
    Descriptors { limit: u64 },
    #[error(transparent)]
    Job(#[from] JobError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Runs the server until a signal.
pub fn serve(arguments: &ServeArguments) -> Result<ExitCode, ServeError> {
    let addresses = arguments.address.resolve()?;
    let environment = credentials::from_environment(addresses.iter().map(|address| address.ip()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Signals are handled from here on, so that one during recovery ends the process cleanly after it.
    let (mut terminate, mut interrupt) = {
        let _context = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    let listeners = runtime.block_on(listen(&addresses))?;
    let endpoint = match listeners.first() {
        Some(listener) => arguments.address.endpoint(listener.local_addr()?),
        None => String::new(),
    };
    let descriptors = Descriptors::raise();
    if descriptors.limit < MIN_DESCRIPTORS {
        return Err(ServeError::Descriptors { limit: descriptors.limit });
    }
    let Opened { folder, engine, clock } = open(&arguments.dir, true, descriptors.index)?;
    let found = credentials::find(environment, &arguments.dir)?;
    let (disk_cache_bytes, open_segments) = (cache_bytes(&folder), descriptors.segments);
    let mut settings = Settings { disk_cache_bytes, open_segments, policy_of, ..Settings::default() };
    settings.effort.deltas = !arguments.no_deltas;
    settings.expand = settings.expand.filter(|_| !arguments.no_deltas);
    let store = Store::open(folder, engine, clock, settings, Bugs::default())?;
    let server = server_settings(arguments, &descriptors);
    let objects = Objects::new(store.clone());
    let jobs = start_jobs(arguments, &store, &objects)?;
    // The server runs even if nobody reads its standard output.
    if let Err(error) = output::print(&greeting(arguments, &endpoint, &found)) {
        tracing::warn!(%error, "cannot print the greeting");
    }
    let (sender, told) = bounded(1);
    let stopping = store.clone();
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        // Background work stops while requests drain.
        stopping.stop_background();
        let _ = sender.send(Instant::now());
    };
    let result = runtime.block_on(serve_s3(listeners, objects, found.credentials, server, shutdown));
    store.stop_background();
    let stopping_for = told.try_recv().map_or(Duration::ZERO, |told| told.elapsed());
    drop_within(STOP_TIME.saturating_sub(stopping_for), jobs);
    // Disconnected requests and work that cannot be interrupted may still hold the store.
    store.close();
    runtime.shutdown_timeout(STOP_TIME / 2);
    drop_within(STOP_TIME / 2, store);
    result?;
    tracing::info!("closed");
    Ok(ExitCode::SUCCESS)
}

/// All background jobs of a server.
fn start_jobs(arguments: &ServeArguments, store: &Store, objects: &Objects) -> Result<Vec<JobHandle>, JobError> {
    let mut jobs = vec![store.start_job(Verifier)?, store.start_job(Collector::new(COLLECT_PAUSE))?];
    if !arguments.no_deltas {
        jobs.push(store.start_job(MultipartRewriter)?);
    }
    if !arguments.no_deltas && !arguments.no_optimizer {
        jobs.push(store.start_job(Optimizer::new(OPTIMIZE_PAUSE))?);
        jobs.push(store.start_job(ParityPass::new(OPTIMIZE_PAUSE))?);
        jobs.push(store.start_job(Scrub)?);
    }
    if let Limit::After(age) = arguments.upload_expiry {
        jobs.push(store.start_job(UploadExpiry::new(objects, age))?);
    }
    Ok(jobs)
}

/// Limits of the server. The default number of connections follows from the limit of open files.
fn server_settings(arguments: &ServeArguments, descriptors: &Descriptors) -> ServerSettings {
    let count = |number: Option<u32>| number.and_then(|number| usize::try_from(number).ok());
    let wanted = count(arguments.max_connections).unwrap_or(descriptors.connections);
    let max_connections = wanted.min(descriptors.room);
    let per_address = count(arguments.max_connections_per_address).unwrap_or(max_connections.div_ceil(2));
    let Descriptors { found, limit, index, segments, .. } = *descriptors;
    tracing::info!(
        found,
        limit,
        index,
        segments,
        connections = max_connections,
        connections_per_address = per_address,
        "open files"
    );
    if max_connections < wanted || descriptors.are_few() && arguments.max_connections.is_none() {
        tracing::warn!(
            limit,
            connections = max_connections,
            "the limit of open files allows few connections; raise it (ulimit -n, LimitNOFILE)"
        );
    }
    ServerSettings {
        max_connections,
        max_connections_per_peer: per_address,
        v2_presigned: arguments.allow_sigv2_presigned,
        stall_timeout: Duration::from_secs(arguments.slow_client_timeout.into()),
        drain_timeout: Duration::from_secs(arguments.drain_timeout.into()),
        ..ServerSettings::default()
    }
}

/// Drops handles that join their threads, and abandons threads that take too long.
fn drop_within(patience: Duration, threads: impl Send + 'static) {
    let (sender, ended) = bounded::<()>(0);
    let dropping = move || {
        drop(threads);
        drop(sender);
    };
    // Where the system refuses a thread, the threads are joined here.
    drop(std::thread::Builder::new().name("stop".into()).spawn(dropping));
    if ended.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
        tracing::warn!("background work did not stop in time and is abandoned; nothing of it was committed");
    }
}

/// The lines that are printed at start.
fn greeting(arguments: &ServeArguments, host: &str, found: &Found) -> String {
    let endpoint = format!("http://{host}");
    let user = &found.credentials.access_key;
    let mut lines = vec![format!("Deltastore serves S3 at {endpoint} from {}", arguments.dir.display())];
    let secret = match (&found.file, found.generated) {
        (Some(file), true) => {
            let secret = &found.credentials.secret_key;
            lines.push(format!("Generated credentials, stored in {file} and printed only once:"));
            lines.push(format!("  access key {user}"));
            lines.push(format!("  secret key {secret}"));
            secret.clone()
        }
        (Some(file), false) => {
            lines.push(format!("Credentials are in {file}; the access key is {user}"));
            format!("\"$(sed -n 2p '{file}')\"")
        }
        (None, _) => {
            lines.push(format!("Credentials are from the environment; the access key is {user}"));
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
