//! S3's error document.

use std::borrow::Cow;

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use s3s::{Body, HttpResponse, S3Error};

use super::context::RequestContext;
use super::sentences;
use crate::s3::quirks::references::escape_into;

const END: &str = "</Error>";

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

/// Completes an error document: S3's sentence where it has a fixed one, and what the request names. Gives the code.
/// Other bodies stay as they are.
pub fn complete(body: Body, context: &RequestContext, host_id: &HeaderValue) -> (Body, Option<String>) {
    let Some(bytes) = body.bytes() else { return (body, None) };
    let Ok(text) = std::str::from_utf8(&bytes) else { return (body, None) };
    let Some(open) = text.strip_suffix(END) else { return (body, None) };
    let code = found(open, "Code").map(str::to_owned);
    let mut whole = String::with_capacity(text.len() + 256 + context.path().len());
    match code.as_deref().and_then(sentences::of).zip(open.split_once("<Code>")) {
        Some((sentence, (start, rest))) => {
            whole.push_str(start);
            element(&mut whole, "Code", code.as_deref().unwrap_or_default());
            element(&mut whole, "Message", sentence);
            let after = rest.split_once("</Message>").or_else(|| rest.split_once("</Code>"));
            whole.push_str(after.map_or("", |(_, after)| after));
        }
        None => whole.push_str(open),
    }
    for (name, value) in sentences::fields(code.as_deref().unwrap_or_default(), context) {
        if found(open, name).is_none() {
            element(&mut whole, name, &value);
        }
    }
    element(&mut whole, "Resource", context.path());
    element(&mut whole, "RequestId", &context.id().to_string());
    element(&mut whole, "HostId", host_id.to_str().unwrap_or_default());
    whole.push_str(END);
    (Body::from(whole), code)
}

/// The text of a document's element.
fn found<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    rest.split_once('<').map(|(text, _)| text)
}

fn element(out: &mut String, name: &str, text: &str) {
    out.push_str(&format!("<{name}>"));
    escape_into(out, text);
    out.push_str(&format!("</{name}>"));
}

#[cfg(test)]
mod tests {
    use hyper::{Method, Uri};

    use super::*;
    use crate::s3::request::context::Resource;
    use crate::s3::request::ids::RequestIds;

    fn completed(body: Body, path: &'static str) -> (String, Option<String>) {
        let ids = RequestIds::new();
        let context = RequestContext::new(ids.next(), Method::GET, Uri::from_static(path));
        context.resolve(String::new(), Some(Resource { bucket: "b".to_owned(), key: "k&\r".to_owned() }));
        let (body, code) = complete(body, &context, &ids.host_id());
        (String::from_utf8(body.bytes().unwrap().to_vec()).unwrap(), code)
    }

    #[test]
    fn a_page_names_its_code_resource_and_id() {
        let page = ErrorPage::new(StatusCode::BAD_REQUEST, "InvalidToken", "no").field("Field", "<x>");
        let (text, code) = completed(page.answer().into_body(), "/b/k&x?secret=1");
        assert_eq!(code.as_deref(), Some("InvalidToken"));
        let start = "<Error><Code>InvalidToken</Code><Message>no</Message><Field>&lt;x&gt;</Field>\
                     <Resource>/b/k&amp;x</Resource><RequestId>";
        assert!(text.contains(start), "{text}");
        assert!(text.ends_with("</HostId></Error>"));
        assert!(!text.contains("secret"));
    }

    #[test]
    fn known_codes_get_their_sentence_and_fields() {
        for body in [
            "<Error><Code>NoSuchKey</Code><Message>own</Message><A>1</A></Error>",
            "<Error><Code>NoSuchKey</Code><A>1</A></Error>",
        ] {
            let (text, _) = completed(Body::from(body.to_owned()), "/b/k");
            let start = "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><A>1</A>\
                         <Key>k&amp;&#13;</Key><Resource>/b/k</Resource>";
            assert!(text.starts_with(start), "{text}");
        }
        let body = Body::from("<Error><Code>NoSuchUpload</Code><Message>own</Message></Error>".to_owned());
        let (text, _) = completed(body, "/b/k?uploadId=a%26b&x");
        assert!(text.contains("<UploadId>a&amp;b</UploadId>"), "{text}");
    }

    #[test]
    fn other_bodies_are_left_alone() {
        assert_eq!(completed(Body::from("plain".to_owned()), "/"), ("plain".to_owned(), None));
    }
}
