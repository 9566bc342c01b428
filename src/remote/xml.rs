//! XML of answers. Elements that are not asked for are passed over.
//!
//! Total: any text gives what is in it or the reason why not.

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;

/// An error's body.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ErrorBody {
    pub code: String,
    pub message: String,
    /// Where the request belongs: a region, or a server.
    pub region: Option<String>,
    pub endpoint: Option<String>,
}

/// The error that a body is; none if it is something else.
pub fn error_of(xml: &str) -> Option<ErrorBody> {
    let (mut body, mut coded) = (ErrorBody::default(), false);
    let read = elements(xml, |path, text| {
        match path {
            ["Error", "Code"] => (body.code, coded) = (text.to_owned(), true),
            ["Error", "Message"] => text.clone_into(&mut body.message),
            ["Error", "Region"] => body.region = Some(text.to_owned()),
            ["Error", "Endpoint"] => body.endpoint = Some(text.to_owned()),
            _ => {}
        }
        Ok(())
    });
    read.ok()?;
    coded.then_some(body)
}

/// Calls `ended` with the path and the text of every element as it ends.
///
/// # Errors
/// What is not well-formed, and those of `ended`.
pub fn elements(xml: &str, mut ended: impl FnMut(&[&str], &str) -> Result<(), String>) -> Result<(), String> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Eof if path.is_empty() => return Ok(()),
            Event::Eof => return Err("it ends early".to_owned()),
            Event::Start(start) => {
                path.push(start.local_name().as_ref().to_owned());
                text.clear();
            }
            Event::End(_) => {
                let names: Vec<&str> = path.iter().map(String::as_str).collect();
                ended(&names, &text)?;
                path.pop();
                text.clear();
            }
            Event::Text(piece) => text.push_str(&piece),
            Event::CData(piece) => text.push_str(&piece),
            Event::GeneralRef(name) => {
                if let Some(character) = name.resolve_char_ref().map_err(|error| error.to_string())? {
                    text.push(character);
                } else {
                    text.push_str(resolve_xml_entity(&name).ok_or_else(|| format!("&{}; is unknown", &*name))?);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_a_code_and_a_message_and_may_say_where() {
        let body = "<Error><Code>NoSuchBucket</Code><Message>none &amp; such</Message></Error>";
        let expected = ErrorBody { code: "NoSuchBucket".into(), message: "none & such".into(), ..ErrorBody::default() };
        assert_eq!(error_of(body), Some(expected));
        let body =
            "<Error><Code>PermanentRedirect</Code><Endpoint>s3.example.org</Endpoint><Region>r-1</Region></Error>";
        let found = error_of(body).unwrap();
        assert_eq!((found.region.as_deref(), found.endpoint.as_deref()), (Some("r-1"), Some("s3.example.org")));
        assert_eq!(error_of("<html/>"), None);
    }
}
