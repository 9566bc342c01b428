//! What an administrator asks of a running server, under `/_deltastore/`, which no bucket can be called. Signed and
//! authorized like S3 requests. A new question is a file beside this one and a row in `table.rs`.
//!
//! - `POST /_deltastore/optimize[?bucket=NAME][&policy=P][&dry-run=true]` rewrites everything, smaller, to its end.
//!   The answer is a JSON object a line, several a second while it goes on, and a last one when it has ended; a client
//!   that goes away ends it too. There is one such run at a time.
//! - `GET /_deltastore/inspect/BUCKET/KEY[?version-id=ID]`: how one object is stored, as `deltastore inspect --json`
//!   prints it.
//! - `GET /_deltastore/damage`: damaged windows and nodes that this server has met, and how many were healed.
//! - `GET /_deltastore/jobs`: background work; `POST /_deltastore/jobs/NAME/run`, `pause` and `resume` control it.
//! - `GET /_deltastore/policy?bucket=NAME` and `PUT …&policy=P`: what the optimizer does with a bucket, `off`, `fast`,
//!   `balanced` or `max`.

mod damage;
mod inspect;
mod jobs;
mod optimize;
mod policy;
mod query;
mod state;
mod table;

pub use self::optimize::ended as optimization_ended;
pub use self::state::{Admin, PREFIX};
pub use self::table::Asked;
