//! What an operation of S3 is to the server: the row that it has in the table (`ops/table.rs`).

use std::collections::BTreeSet;
use std::fmt;

use deltastore_iam::Action;

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Service,
    Bucket,
    Object,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Service => "service",
            Kind::Bucket => "bucket",
            Kind::Object => "key",
        })
    }
}

/// Does the row need the header `x-amz-copy-source`?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopySource {
    Any,
    Without,
    With,
}

/// What an operation makes of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestBody {
    /// It has none.
    None,
    /// If there is one, it is a document, which is checked and read whole.
    Document,
    /// An object's bytes, which pass through.
    Object,
}

/// The actions that a principal must be allowed for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    action: Action,
    /// In place of it where a version is named.
    of_version: Option<Action>,
    /// On the object that a copy reads, without and with a version.
    source: Option<[Action; 2]>,
    /// The action is asked for on each object that the document names, not on the bucket.
    each: bool,
}

impl Needs {
    pub const fn action(name: &'static str) -> Self {
        Needs { action: Action::new(name), of_version: None, source: None, each: false }
    }

    pub const fn or_of_version(mut self, name: &'static str) -> Self {
        self.of_version = Some(Action::new(name));
        self
    }

    pub const fn of_source(mut self, name: &'static str, of_version: &'static str) -> Self {
        self.source = Some([Action::new(name), Action::new(of_version)]);
        self
    }

    pub const fn on_each(mut self) -> Self {
        self.each = true;
        self
    }

    /// The action on what the path names, or on each object that the document names.
    pub fn target(&self, names_version: bool) -> Action {
        self.of_version.filter(|_| names_version).unwrap_or(self.action)
    }

    /// The action on what a copy reads; none for all that are no copies.
    pub fn source(&self, names_version: bool) -> Option<Action> {
        self.source.map(|actions| actions[usize::from(names_version)])
    }

    /// Is each object of a document asked for?
    pub fn is_on_each(&self) -> bool {
        self.each
    }
}

/// An operation that is there.
#[derive(Debug)]
pub struct Served {
    pub needs: Needs,
    pub body: RequestBody,
}

/// One row: when an operation is meant, by which name it is logged and refused, and what it takes.
#[derive(Debug)]
pub struct Row {
    pub method: &'static str,
    pub kind: Kind,
    /// Query names that select the operation; all must be there.
    pub query: &'static [&'static str],
    /// Selecting names that it takes besides.
    pub optional: &'static [&'static str],
    pub copy_source: CopySource,
    pub name: &'static str,
    /// None: S3 has the operation, and this server has not.
    pub served: Option<Served>,
}

impl Row {
    /// Is it selected by these names of a query?
    pub fn takes(&self, names: &BTreeSet<&str>) -> bool {
        self.query.iter().all(|name| names.contains(name))
            && names.iter().all(|name| self.query.contains(name) || self.optional.contains(name))
    }

    /// Does it read another object than it writes?
    pub fn is_copy(&self) -> bool {
        self.served.as_ref().is_some_and(|served| served.needs.source.is_some())
    }

    pub fn body(&self) -> RequestBody {
        self.served.as_ref().map_or(RequestBody::None, |served| served.body)
    }
}

/// Query names by which S3 selects an operation or what it acts on. All others are options, or none of S3's.
pub const SELECTING: &[&str] = &[
    "abac",
    "accelerate",
    "acl",
    "analytics",
    "annotation",
    "append",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "events",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metadataAnnotationTable",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "partNumber",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "session",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// Selecting names that name a version, an upload or a part; all others are sub-resources.
pub const NAMING: &[&str] = &["partNumber", "uploadId", "versionId"];

pub fn is_selecting(name: &str) -> bool {
    SELECTING.contains(&name)
}
