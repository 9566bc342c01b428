//! Error documents get what all of them have: S3's sentence, and what the request names.

use hyper::header::HeaderValue;
use s3s::Body;

use super::context::RequestContext;
use super::error_page::{END, element};
use super::sentences;

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

#[cfg(test)]
mod tests {
    use hyper::{Method, StatusCode, Uri};

    use super::*;
    use crate::s3::request::context::BucketAndKey;
    use crate::s3::request::error_page::ErrorPage;
    use crate::s3::request::ids::RequestIds;

    fn completed(body: Body, path: &'static str) -> (String, Option<String>) {
        let ids = RequestIds::new();
        let context = RequestContext::new(ids.next(), Method::GET, Uri::from_static(path));
        context.name(Some(BucketAndKey { bucket: "b".to_owned(), key: "k&\r".to_owned() }));
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
