//! S3's error document.

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use s3s::{Body, HttpResponse};

use super::context::RequestContext;
use crate::s3::quirks::references::escape_into;

const START: &str = "<Code>";
const END: &str = "</Error>";

/// An error that is answered without s3s.
#[derive(Clone, Copy, Debug)]
pub struct ErrorPage {
    status: StatusCode,
    code: &'static str,
    /// Plain text that needs no escaping in XML.
    message: &'static str,
}

impl ErrorPage {
    pub fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        ErrorPage { status, code, message }
    }

    pub fn answer(self) -> HttpResponse {
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{}</Code><Message>{}</Message></Error>",
            self.code, self.message
        );
        let mut answer = HttpResponse::new(Body::from(text));
        *answer.status_mut() = self.status;
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        answer
    }

    #[cfg(test)]
    pub fn code(self) -> &'static str {
        self.code
    }
}

/// Adds what the request knows to an error document, and gives its code. Other bodies stay as they are.
pub fn complete(body: Body, context: &RequestContext, host_id: &HeaderValue) -> (Body, Option<String>) {
    let Some(bytes) = body.bytes() else { return (body, None) };
    let Ok(text) = std::str::from_utf8(&bytes) else { return (body, None) };
    let Some(open) = text.strip_suffix(END) else { return (body, None) };
    let code = open
        .find(START)
        .map(|at| &open[at + START.len()..])
        .and_then(|rest| rest.split_once('<'))
        .map(|(code, _)| code.to_owned());
    let host_id = host_id.to_str().unwrap_or_default();
    let mut whole = String::with_capacity(text.len() + 160 + context.path().len());
    whole.push_str(open);
    whole.push_str("<Resource>");
    escape_into(&mut whole, context.path());
    whole.push_str(&format!("</Resource><RequestId>{}</RequestId><HostId>{host_id}</HostId>", context.id()));
    whole.push_str(END);
    (Body::from(whole), code)
}

#[cfg(test)]
mod tests {
    use hyper::{Method, Uri};

    use super::*;
    use crate::s3::request::ids::RequestIds;

    fn completed(body: Body, path: &'static str) -> (String, Option<String>) {
        let ids = RequestIds::new();
        let context = RequestContext::new(ids.next(), Method::GET, Uri::from_static(path));
        let (body, code) = complete(body, &context, &ids.host_id());
        (String::from_utf8(body.bytes().unwrap().to_vec()).unwrap(), code)
    }

    #[test]
    fn a_page_names_its_code_resource_and_id() {
        let page = ErrorPage::new(StatusCode::BAD_REQUEST, "InvalidToken", "no");
        let (text, code) = completed(page.answer().into_body(), "/b/k&x?secret=1");
        assert_eq!(code.as_deref(), Some("InvalidToken"));
        assert!(
            text.contains("<Code>InvalidToken</Code><Message>no</Message><Resource>/b/k&amp;x</Resource><RequestId>")
        );
        assert!(text.ends_with("</HostId></Error>"));
        assert!(!text.contains("secret"));
    }

    #[test]
    fn other_bodies_are_left_alone() {
        assert_eq!(completed(Body::from("plain".to_owned()), "/"), ("plain".to_owned(), None));
    }
}
