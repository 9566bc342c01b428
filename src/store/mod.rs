//! The store: content and commits, from bytes to segments and back. Synchronous; knows nothing of S3 or tokio.
//!
//! `docs/internals/write-path.md` tells how a PUT becomes bytes on disk, `docs/internals/rules.md` lists the
//! invariants; each is restated where it is kept.

mod apply;
mod blob;
pub mod bugs;
mod collect;
mod content;
mod damage;
mod documents;
mod encoders;
mod error;
mod fetch;
mod folder;
mod fsck;
mod handle;
mod handoffs;
mod health;
mod ingest;
mod inspect;
mod job_host;
mod jobs;
mod log;
mod open;
mod optimize;
mod optimizer_state;
mod parity;
mod pins;
mod policy;
mod pool;
mod problem;
mod reading;
mod recipe;
mod recovery;
mod segments;
mod settings;
mod soundness;
mod stats;
mod stop;
mod transaction;
mod verifier;

pub use blob::{AppendedBlob, Blob, Space};
pub use collect::{CollectOptions, CollectReport, Collector};
pub use content::Content;
pub use damage::Damage;
pub use documents::{DocumentError, Expected};
pub use error::StoreError;
pub use fetch::slice_of;
pub use folder::Folder;
pub use fsck::{FsckReport, Owner, Stretch, Unreadable};
pub use handle::Store;
pub use handoffs::Handoffs;
pub use health::Health;
pub use ingest::{
    Assembly, Chunk, Chunked, Done, EncodeOptions, Encoding, ObjectSketches, Pipeline, Placings, Prepared, State,
};
pub use inspect::{CodecSum, Inspection, Recreation, Survey, Use, WindowUse};
pub use jobs::{Activity, Held, Job, JobError, JobHandle, JobStatus, Jobs, Next, Outcome, Priority, Run, StopOnDrop};
pub use optimize::{MultipartRewriter, OptimizeOptions, OptimizeProgress, OptimizeReport, Optimizer, Step};
pub use parity::{MendReport, ParityPass, Scrub};
pub use policy::Policy;
pub use pool::{Pool, Worker};
pub use problem::Problem;
pub use reading::ReadPins;
pub use recipe::Walk;
pub use recovery::{Progress, Rebuilt};
pub use settings::Settings;
pub use soundness::DamageCounts;
pub(crate) use stats::directory;
pub use stats::{SpaceStats, Stats, Totals};
pub use transaction::{CommitError, Touch, Transaction};
pub use verifier::Verifier;

/// The tables, as the object layer reads them.
pub use crate::index::{After, Index, IndexError, ListEntry, ListQuery, UploadRow, VersionRow};
