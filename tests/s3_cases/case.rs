//! The format of a case file. Its reference is `README.md`; unknown fields are errors.

use std::collections::BTreeMap;

use deltastore::s3::ServerSettings;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    #[serde(default)]
    pub server: ServerOptions,
    #[serde(default)]
    pub case: Vec<Case>,
}

/// Settings of the server that a file's cases run on. Files with the same ones share a server.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerOptions {
    pub region: Option<String>,
    #[serde(default)]
    pub domains: Vec<String>,
    #[serde(default)]
    pub v2_presigned: bool,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    /// Runs the case once for each; a text is the variable `each`, a table is several variables.
    #[serde(default)]
    pub each: Vec<Each>,
    /// Is the bucket there before the first request?
    #[serde(default = "yes")]
    pub bucket: bool,
    /// Requests that prepare; without `status` they must succeed.
    #[serde(default)]
    pub setup: Vec<Step>,
    pub request: Vec<Step>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum Each {
    Text(String),
    Table(BTreeMap<String, String>),
}

/// One request and what is expected of its answer.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    pub send: Option<String>,
    pub raw: Option<String>,
    pub sign: Signing,
    pub expires: Option<i64>,
    pub headers: Vec<String>,
    pub unsigned: Vec<String>,
    pub body: String,
    pub payload: Option<String>,
    pub length: Option<usize>,
    pub date: Date,
    pub region: Option<String>,
    pub service: Option<String>,
    pub skew: i64,
    pub unsigned_host: bool,
    pub signed_chunks: Option<Vec<String>>,
    pub signed_trailers: Vec<String>,
    pub after_chunks: String,
    pub replace: Vec<(String, String)>,
    pub half_close: bool,
    pub same_connection: bool,
    pub wait_for_continue: bool,
    pub continues: bool,

    pub status: Option<Status>,
    pub error: Option<String>,
    pub message: Option<String>,
    pub answer_headers: Vec<String>,
    pub answer_present: Vec<String>,
    pub answer_absent: Vec<String>,
    pub answer_is: Option<String>,
    pub answer_has: Vec<String>,
    pub answer_lacks: Vec<String>,
    pub elements: BTreeMap<String, String>,
    pub elements_absent: Vec<String>,
    pub closes: bool,
    pub capture: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signing {
    #[default]
    Header,
    Query,
    None,
    HeaderV2,
    QueryV2,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Date {
    #[default]
    Amz,
    Http,
    Iso,
    None,
}

/// A number, or text with a variable in it.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum Status {
    Number(u16),
    Text(String),
}

impl CaseFile {
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: CaseFile = toml::from_str(text).map_err(|error| error.to_string())?;
        for case in &file.case {
            for step in case.setup.iter().chain(&case.request) {
                if step.send.is_some() == step.raw.is_some() {
                    return Err(format!("{}: a request has either `send` or `raw`", case.name));
                }
            }
            if case.request.is_empty() || case.request.iter().any(|step| step.status.is_none()) {
                return Err(format!("{}: every request names the `status` it expects", case.name));
            }
        }
        Ok(file)
    }
}

impl ServerOptions {
    pub fn settings(&self) -> ServerSettings {
        ServerSettings {
            region: self.region.clone(),
            domains: self.domains.clone(),
            v2_presigned: self.v2_presigned,
            ..ServerSettings::default()
        }
    }
}

fn yes() -> bool {
    true
}
