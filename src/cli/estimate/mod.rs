//! `estimate`: the space that a folder or S3 bucket would take. Nothing is written.
//!
//! The code that serves PUTs stores the objects in a store whose disk and index are in memory, and `stats` counts them.
//! Data that does not fit the memory is extrapolated; see [`sample`].

mod engine;
mod report;
mod sample;
mod source;

use std::process::ExitCode;

use serde::Serialize;

use super::remote::RemoteError;
use super::{EXIT_CODES, output, progress};
use crate::object::ObjectError;
use crate::remote::ClientError;
use crate::store::{Policy, StoreError, Totals};
use engine::Engine;
use sample::Group;
use source::Source;

const AFTER_HELP: &str = "\
Credentials come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, the region from AWS_REGION or
AWS_DEFAULT_REGION (default: us-east-1). SSL_CERT_FILE names a PEM file of certificate authorities to trust instead of
the system's. Objects are stored prefix by prefix in order of their last change, since later versions are stored as
deltas of earlier ones.";

#[derive(clap::Args)]
#[command(after_help = format!("{AFTER_HELP}\n\n{EXIT_CODES}"))]
pub struct EstimateArguments {
    /// A folder (symbolic links are not followed) or a bucket with an optional prefix
    #[arg(value_name = "PATH|s3://BUCKET[/PREFIX]")]
    source: String,
    /// Endpoint of the S3 server. Default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, or AWS in the region
    #[arg(long, value_name = "http[s]://HOST[:PORT]")]
    endpoint: Option<String>,
    /// Also estimate the space after `optimize` with this policy
    #[arg(long, value_name = "fast|balanced|max")]
    policy: Option<Policy>,
    /// Memory for the stored data, in MiB, besides about 300 MiB of working memory; data that does not fit is sampled
    #[arg(long, value_name = "MIB", default_value = "1024", value_parser = clap::value_parser!(u64).range(16..=1 << 24))]
    memory: u64,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// List all prefixes instead of the 40 largest
    #[arg(long)]
    all: bool,
}

/// Errors of `estimate`.
#[derive(Debug, thiserror::Error)]
pub enum EstimateError {
    #[error("{path}: {source}")]
    Path { path: String, source: std::io::Error },
    #[error("{0} is not a folder")]
    NotAFolder(String),
    #[error("{0} holds no files")]
    Empty(String),
    #[error("{0}")]
    Target(String),
    #[error("no object fits the memory; raise --memory")]
    NoMemory,
    #[error("the optimized form does not fit the memory; raise --memory or omit --policy")]
    NoMemoryToOptimize,
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Object(#[from] ObjectError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The result. Sizes in bytes.
#[derive(Debug, Serialize)]
struct Estimate {
    source: String,
    /// Everything was read: the figures are those of a store, not an extrapolation.
    exact: bool,
    objects: u64,
    bytes: u64,
    read_objects: u64,
    read_bytes: u64,
    /// Files or objects that could not be read or were deleted meanwhile; not part of `objects`.
    unreadable: u64,
    /// Confidence interval of 90 % for the total stored size; none if the sample is too small.
    stored_interval: Option<(u64, u64)>,
    policy: Option<String>,
    total: Totals,
    optimized: Option<Totals>,
    prefixes: Vec<Prefix>,
}

#[derive(Debug, Serialize)]
struct Prefix {
    prefix: String,
    /// Bytes of it that were read; the rest is extrapolated.
    read_bytes: u64,
    #[serde(flatten)]
    totals: Totals,
    optimized: Option<Totals>,
}

/// Runs the command.
pub fn estimate(arguments: &EstimateArguments) -> Result<ExitCode, EstimateError> {
    let policy = arguments.policy.filter(|policy| *policy != Policy::Off);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let source = Source::new(&arguments.source, arguments.endpoint.as_deref())?;
    let bar = progress::bar("listing", 0);
    let listed = runtime.block_on(source.list(&|found| bar.set_message(format!("{found} objects"))))?;
    bar.finish_and_clear();
    let mut groups = sample::groups(listed.items);
    if groups.is_empty() {
        return Err(EstimateError::Empty(arguments.source.clone()));
    }
    let memory = arguments.memory << 20;
    // The optimizer's form comes beside the other.
    let plan = sample::plan(&groups, if policy.is_some() { memory / 2 } else { memory });
    let engine = Engine::new(memory)?;
    let room = if policy.is_some() { memory / 2 } else { memory };
    let unreadable = listed.unreadable + runtime.block_on(read(&source, &engine, &mut groups, &plan, room))?;
    if groups.iter().all(|group| group.taken.is_empty()) {
        return Err(EstimateError::NoMemory);
    }
    let before = sample::extrapolate(&groups, &engine.stats(&groups)?);
    let after = match policy {
        Some(policy) => {
            engine.optimize(policy)?;
            Some(sample::extrapolate(&groups, &engine.stats(&groups)?))
        }
        None => None,
    };
    let estimate = put_together(arguments, &groups, before, after, unreadable, policy);
    let text = if arguments.json { output::json(&estimate)? } else { report::table(&estimate, arguments.all) };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Stores the planned objects while they fit the memory; returns the number of unreadable ones.
async fn read(
    source: &Source,
    engine: &Engine,
    groups: &mut [Group],
    plan: &[(usize, usize)],
    room: u64,
) -> Result<u64, EstimateError> {
    let planned =
        plan.iter().map(|&(number, take)| groups[number].items[..take].iter().map(|item| item.size).sum::<u64>());
    let bar = progress::bar("reading", (planned.sum::<u64>() >> 20).max(1));
    let (mut done, mut unreadable) = (0, 0);
    'all: for &(number, take) in plan {
        let group = &mut groups[number];
        for _ in 0..take {
            let item = &group.items[group.taken.len()];
            if engine.used().saturating_add(item.size) > room {
                // Going on with smaller objects would make them count for more than they are; only what is far too
                // large is passed over.
                if engine.used() > room / 2 {
                    break 'all;
                }
                break;
            }
            bar.set_message(format!("MiB, {}", item.key));
            let size = item.size;
            match source.open(item).await? {
                None => {
                    unreadable += 1;
                    group.remove_next();
                }
                Some(body) => match engine.put(&item.key, body).await {
                    Ok(taken) => group.take_next(taken),
                    Err(EstimateError::Object(ObjectError::IncompleteBody { .. })) => {
                        unreadable += 1;
                        group.remove_next();
                    }
                    Err(error) => return Err(error),
                },
            }
            done += size;
            bar.set_position(done >> 20);
        }
    }
    bar.finish_and_clear();
    Ok(unreadable)
}

fn put_together(
    arguments: &EstimateArguments,
    groups: &[Group],
    before: Vec<Totals>,
    after: Option<Vec<Totals>>,
    unreadable: u64,
    policy: Option<Policy>,
) -> Estimate {
    let sum = |all: &[Totals]| {
        let mut total = Totals::default();
        all.iter().for_each(|totals| total.add(totals));
        total
    };
    let total = sum(&before);
    let exact = groups.iter().all(Group::is_complete);
    let read = |group: &Group| group.taken.iter().map(|taken| taken.size).sum::<u64>();
    Estimate {
        source: arguments.source.clone(),
        exact,
        objects: total.objects,
        bytes: total.logical_bytes,
        read_objects: groups.iter().map(|group| group.taken.len() as u64).sum(),
        read_bytes: groups.iter().map(read).sum(),
        unreadable,
        stored_interval: if exact { None } else { sample::interval(groups, &before) },
        policy: policy.map(|policy| policy.to_string()),
        total,
        optimized: after.as_deref().map(sum),
        prefixes: groups
            .iter()
            .zip(before)
            .enumerate()
            .map(|(number, (group, totals))| Prefix {
                prefix: group.name.clone(),
                read_bytes: read(group),
                totals,
                optimized: after.as_ref().map(|after| after[number]),
            })
            .collect(),
    }
}
