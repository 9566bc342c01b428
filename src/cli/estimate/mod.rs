//! `estimate`: the space that a folder or S3 bucket would take. Nothing is written.
//!
//! The code that serves PUTs stores the objects in a store whose disk and index are in memory, and `stats` counts them.
//! Data that does not fit the memory is extrapolated; see [`sample`].

mod engine;
mod error;
mod report;
mod result;
mod sample;
mod source;

use std::process::ExitCode;

use super::exit::EXIT_CODES;
use super::{output, progress};
use crate::object::ObjectError;
use crate::store::Policy;
use engine::Engine;
pub use error::EstimateError;
use result::Estimate;
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
    let estimate = Estimate::new(arguments.source.clone(), &groups, before, after, unreadable, policy);
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
