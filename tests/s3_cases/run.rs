//! One case with its variables: its requests in order, each with its answer.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::case::{Case, Each, Step};
use crate::check;
use crate::send::Sender;
use crate::server::{Answer, Server};
use crate::sigv4::{ACCESS_KEY, Request};
use crate::variables::Variables;

const SHOWN: usize = 1500;

pub struct Run {
    name: String,
    case: Case,
    bucket: String,
    each: BTreeMap<String, String>,
}

impl Run {
    /// The runs of a file's cases: one a case, or one for each value.
    pub fn all(stem: &str, cases: Vec<Case>) -> Vec<Self> {
        let mut runs = Vec::new();
        for case in cases {
            let each: Vec<BTreeMap<String, String>> = match case.each.as_slice() {
                [] => vec![BTreeMap::new()],
                each => each
                    .iter()
                    .map(|each| match each {
                        Each::Text(text) => BTreeMap::from([("each".to_owned(), text.clone())]),
                        Each::Table(table) => table.clone(),
                    })
                    .collect(),
            };
            for each in each {
                let values: Vec<&str> = each.values().map(String::as_str).collect();
                let suffix = if values.is_empty() { String::new() } else { format!(" [{}]", values.join(", ")) };
                let name = format!("{stem}: {}{suffix}", case.name);
                let bucket = format!("{}-{}", stem.replace('_', "-"), runs.len());
                runs.push(Run { name, case: case.clone(), bucket, each });
            }
        }
        runs
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// # Errors
    /// What failed, with the request and its answer.
    pub fn run(&self, server: &Server) -> Result<(), String> {
        catch_unwind(AssertUnwindSafe(|| self.steps(server)))
            .unwrap_or_else(|_| Err("the case panicked; see above".to_owned()))
            .map_err(|failure| format!("{}\n{failure}", self.name))
    }

    fn steps(&self, server: &Server) -> Result<(), String> {
        let mut variables = Variables::default();
        for (name, value) in &self.each {
            variables.set_template(name, value);
        }
        variables.set("bucket", &self.bucket);
        variables.set("host", &server.host);
        variables.set("access_key", ACCESS_KEY);
        if self.case.bucket {
            let made = server.send(&Request::new("PUT", &format!("/{}", self.bucket)));
            if made.status != 200 {
                return Err(format!("  the bucket could not be made: {}", shown(&made)));
            }
        }
        let mut sender = Sender::new(server);
        let steps = self.case.setup.iter().map(|step| ("setup", step));
        for (kind, step) in steps.chain(self.case.request.iter().map(|step| ("request", step))) {
            let line = step.send.as_deref().or(step.raw.as_deref()).unwrap_or_default();
            let line = line.lines().next().unwrap_or_default();
            let place = |failure: String| format!("  {kind} {line}\n    {failure}");
            let answer = sender.send(step, &variables).map_err(place)?;
            let wrong = check::problems(step, &answer, &variables).map_err(place)?;
            if !wrong.is_empty() {
                return Err(place(format!("{}\n    it came: {}", wrong.join("\n    "), shown(&answer))));
            }
            if step.closes && !sender.is_closed() {
                return Err(place("the connection stayed open".to_owned()));
            }
            capture(step, &answer, &mut variables).map_err(place)?;
        }
        Ok(())
    }
}

/// Keeps parts of an answer for later requests.
fn capture(step: &Step, answer: &Answer, variables: &mut Variables) -> Result<(), String> {
    for (name, source) in &step.capture {
        let value = match source.split_once(':') {
            Some(("header", header)) => answer.header(header).map(str::to_owned),
            Some(("element", element)) => answer.element(element),
            _ => return Err(format!("capture {source:?} is neither header:NAME nor element:NAME")),
        };
        let value = value.ok_or_else(|| format!("the answer has no {source} to capture: {}", shown(answer)))?;
        variables.set(name, &value);
    }
    Ok(())
}

fn shown(answer: &Answer) -> String {
    let headers: Vec<String> = answer.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let body: String = answer.text().chars().take(SHOWN).collect();
    format!("{} {{{}}} {body}", answer.status, headers.join(", "))
}
