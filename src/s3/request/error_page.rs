//! S3's error document.

use std::borrow::Cow;

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use s3s::{Body, HttpResponse, S3Error};

use crate::s3::quirks::references::escape_into;

/// The end of every error document.
pub(super) const END: &str = "</Error>";

/// An error that is answered without s3s.
#[derive(Clone, Debug)]
pub struct ErrorPage {
    status: StatusCode,
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    fields: Vec<(&'static str, String)>,
    headers: Vec<(HeaderName, String)>,
}

impl ErrorPage {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        ErrorPage { status, code: code.into(), message: message.into(), fields: Vec::new(), headers: Vec::new() }
    }

    /// With an element of the document.
    pub fn field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// With a header of the answer.
    pub fn header(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub fn answer(&self) -> HttpResponse {
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error>");
        element(&mut text, "Code", &self.code);
        element(&mut text, "Message", &self.message);
        for (name, value) in &self.fields {
            element(&mut text, name, value);
        }
        text.push_str(END);
        let mut answer = HttpResponse::new(Body::from(text));
        *answer.status_mut() = self.status;
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                answer.headers_mut().insert(name, value);
            }
        }
        answer
    }

    #[cfg(test)]
    pub fn code(&self) -> &str {
        &self.code
    }
}

impl From<S3Error> for ErrorPage {
    fn from(error: S3Error) -> Self {
        let status = error.status_code().unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let message = error.message().unwrap_or_default().to_owned();
        let mut page = ErrorPage::new(status, "", message);
        page.code = error.code().as_str().to_owned().into();
        page
    }
}

/// An element of a document.
pub(super) fn element(out: &mut String, name: &str, text: &str) {
    out.push_str(&format!("<{name}>"));
    escape_into(out, text);
    out.push_str(&format!("</{name}>"));
}
