//! What an answer should be and is not.

use crate::case::{Status, Step};
use crate::server::Answer;
use crate::variables::Variables;

/// Everything that differs.
///
/// # Errors
/// An expectation that cannot be read.
pub fn problems(step: &Step, answer: &Answer, variables: &Variables) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut expect = |what: String, is: bool| {
        if !is {
            found.push(format!("expected {what}"));
        }
    };
    match &step.status {
        None => expect("success".to_owned(), (200..300).contains(&answer.status)),
        Some(Status::Number(status)) => expect(format!("status {status}"), answer.status == *status),
        Some(Status::Text(text)) => {
            let status = variables.text(text)?;
            expect(format!("status {status}"), answer.status.to_string() == status);
        }
    }
    if let Some(code) = &step.error {
        let code = variables.text(code)?;
        expect(format!("error {code}"), answer.element("Code").as_deref() == Some(&code));
        let id = answer.header("x-amz-request-id");
        expect("the request's id in header and document".to_owned(), answer.element("RequestId").as_deref() == id);
    }
    if let Some(message) = &step.message {
        let message = variables.text(message)?;
        expect(format!("message {message:?}"), answer.element("Message").as_deref() == Some(&message));
    }
    for line in &step.answer_headers {
        let line = variables.text(line)?;
        let (name, value) = line.split_once(':').ok_or_else(|| format!("{line:?} is not NAME: VALUE"))?;
        let values: Vec<&str> =
            answer.headers.iter().filter(|(name_, _)| name_ == name).map(|(_, v)| v.as_str()).collect();
        expect(format!("header {line}"), values == [value.trim()]);
    }
    for name in &step.answer_present {
        expect(format!("a header {name}"), answer.header(name).is_some());
    }
    for name in &step.answer_absent {
        expect(format!("no header {name}"), answer.header(name).is_none());
    }
    if let Some(body) = &step.answer_is {
        let body = variables.bytes(body)?;
        expect(format!("the body {:?}", String::from_utf8_lossy(&body)), answer.body == body);
    }
    for text in &step.answer_has {
        let bytes = variables.bytes(text)?;
        expect(format!("{text:?} in the body"), contains(&answer.body, &bytes));
    }
    for text in &step.answer_lacks {
        let bytes = variables.bytes(text)?;
        expect(format!("no {text:?} in the body"), !contains(&answer.body, &bytes));
    }
    for (name, value) in &step.elements {
        let value = variables.text(value)?;
        expect(format!("<{name}>{value}</{name}>"), answer.element(name).as_deref() == Some(&value));
    }
    for name in &step.elements_absent {
        expect(format!("no element {name}"), !contains(&answer.body, format!("<{name}").as_bytes()));
    }
    Ok(found)
}

fn contains(body: &[u8], text: &[u8]) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text)
}
