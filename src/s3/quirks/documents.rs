//! XML documents of requests.
//!
//! s3s leaves CDATA out of a text, refuses references to characters beyond U+FFFF and to control characters, takes
//! names with a namespace prefix for other names, passes over text between elements, and does not strip blanks around
//! numbers. So a document is read here and written again in a plain form: elements without prefixes, text with the
//! references that s3s needs, nothing else.
//!
//! Refused: a document type, an entity that XML does not define, an encoding other than UTF-8, text beside elements,
//! nesting that no document of S3 has. Comments and processing instructions are no part of a text.

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// Documents of S3 nest less than ten deep.
const MAX_DEPTH: usize = 32;
/// Elements whose text is taken with the blanks around it.
const VERBATIM: [&str; 3] = ["Key", "Prefix", "Value"];

/// The document is not well-formed, or no document of S3.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

#[derive(Default)]
struct Element {
    name: String,
    text: String,
    has_children: bool,
}

/// The document in a form that s3s reads right.
///
/// # Errors
/// See the module.
pub fn plain(document: &[u8]) -> Result<String, Malformed> {
    let text = std::str::from_utf8(document).map_err(|_| Malformed)?;
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    reader.config_mut().expand_empty_elements = true;
    let mut writer = Writer { out: String::with_capacity(text.len()), open: Vec::new(), ended: false };
    loop {
        match reader.read_event().map_err(|_| Malformed)? {
            Event::Start(start) => writer.start(&start)?,
            Event::End(_) => writer.end()?,
            Event::Text(piece) => writer.text(&line_ends(&piece))?,
            Event::CData(piece) => writer.text(&line_ends(&piece))?,
            Event::GeneralRef(reference) => writer.text(resolve(&reference)?.encode_utf8(&mut [0; 4]))?,
            Event::Decl(declaration) => match declaration.encoding() {
                None => {}
                Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("us-ascii") => {}
                Some(_) => return Err(Malformed),
            },
            Event::DocType(_) => return Err(Malformed),
            Event::Comment(_) | Event::PI(_) => {}
            Event::Eof if writer.ended => return Ok(writer.out),
            Event::Eof => return Err(Malformed),
            Event::Empty(_) => return Err(Malformed),
        }
    }
}

struct Writer {
    out: String,
    open: Vec<Element>,
    /// The root has ended.
    ended: bool,
}

impl Writer {
    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), Malformed> {
        if self.ended || self.open.len() == MAX_DEPTH {
            return Err(Malformed);
        }
        if let Some(parent) = self.open.last_mut() {
            parent.has_children = true;
        }
        let name = start.local_name().as_ref().to_owned();
        self.out.push('<');
        self.out.push_str(&name);
        self.out.push_str(start.attributes_raw());
        self.out.push('>');
        self.open.push(Element { name, ..Element::default() });
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Malformed> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(Malformed),
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Malformed> {
        let element = self.open.pop().ok_or(Malformed)?;
        if element.has_children && !element.text.trim().is_empty() {
            return Err(Malformed);
        }
        if !element.has_children {
            let verbatim = VERBATIM.contains(&element.name.as_str());
            escape_into(&mut self.out, if verbatim { &element.text } else { element.text.trim() });
        }
        self.out.push_str("</");
        self.out.push_str(&element.name);
        self.out.push('>');
        self.ended = self.open.is_empty();
        Ok(())
    }
}

/// The character that a reference stands for, also one that XML 1.0 has no place for: such keys exist.
fn resolve(reference: &BytesRef<'_>) -> Result<char, Malformed> {
    let name: &str = reference;
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        let digits = number.bytes().all(|byte| byte.is_ascii_alphanumeric());
        return code.ok().filter(|_| digits).and_then(char::from_u32).ok_or(Malformed);
    }
    resolve_xml_entity(name).and_then(|text| text.chars().next()).ok_or(Malformed)
}

/// As XML has line ends read: only a reference gives a carriage return.
fn line_ends(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn escape_into(out: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use s3s::dto::Delete;
    use s3s::xml::{Deserialize, Deserializer};

    use super::*;

    /// The keys that s3s reads of a document.
    fn keys(document: &str) -> Option<Vec<String>> {
        let mut deserializer = Deserializer::new(document.as_bytes());
        let delete = Delete::deserialize(&mut deserializer).ok()?;
        Some(delete.objects.into_iter().map(|object| object.key).collect())
    }

    fn delete(inner: &str) -> String {
        format!("<Delete><Object><Key>{inner}</Key></Object></Delete>")
    }

    /// What s3s misreads, and the key that is meant.
    const MISREAD: [(&str, &str); 5] = [
        ("report<![CDATA[-2]]>", "report-2"),
        ("a<![CDATA[<&]]>b", "a<&b"),
        ("&#x1F600;", "\u{1f600}"),
        ("a&#1;b", "a\u{1}b"),
        ("a\r\nb", "a\nb"),
    ];

    #[test]
    fn s3s_misreads_them_still() {
        for (inner, key) in MISREAD {
            assert_ne!(keys(&delete(inner)), Some(vec![key.to_owned()]), "{inner}: drop it from this quirk");
        }
        let prefixed = "<s3:Delete xmlns:s3=\"x\"><s3:Object><s3:Key>a</s3:Key></s3:Object></s3:Delete>";
        assert_eq!(keys(prefixed), None);
        assert!(keys("<Delete>a<Object><Key>a</Key></Object></Delete>").is_some());
    }

    #[test]
    fn texts_are_what_they_stand_for() {
        let more = [
            ("Icon&#13;", "Icon\r"),
            ("Icon&#xD;\r", "Icon\r\n"),
            ("a<!-- & <b> -->b<?pi c?>c", "abc"),
            ("&lt;&amp;&gt;&quot;&apos;", "<&>\"'"),
            (" a ", " a "),
            ("<![CDATA[]]>a<![CDATA[&amp;]]>", "a&amp;"),
            ("a&#0;", "a\0"),
            ("&#xFFFF;", "\u{ffff}"),
        ];
        for (inner, key) in MISREAD.into_iter().chain(more) {
            let plain = plain(delete(inner).as_bytes()).unwrap();
            assert_eq!(keys(&plain), Some(vec![key.to_owned()]), "{inner}: {plain}");
        }
    }

    #[test]
    fn elements_lose_prefixes_and_numbers_their_blanks() {
        let document = "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- c -->\n<s:Delete xmlns:s=\"x\">\n \
                        <s:Object>\n  <s:Key>a</s:Key>\n </s:Object>\n <s:Quiet>\n true\n </s:Quiet>\n</s:Delete>\n\
                        <?pi?>\n";
        let plain = plain(document.as_bytes()).unwrap();
        assert_eq!(plain, "<Delete xmlns:s=\"x\"><Object><Key>a</Key></Object><Quiet>true</Quiet></Delete>");
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(40), "</a>".repeat(40));
        for document in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a/>text",
            "<a>&unknown;</a>",
            "<a>&#xD800;</a>",
            "<a>&#+1;</a>",
            "<a>&#;</a>",
            "<a>& </a>",
            "<a>text<b/></a>",
            "<a><b/>text</a>",
            "<a><b/><![CDATA[text]]></a>",
            "<!DOCTYPE a><a/>",
            "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>",
            deep.as_str(),
        ] {
            assert_eq!(plain(document.as_bytes()), Err(Malformed), "{document}");
        }
        assert_eq!(plain(b"<a>\xff</a>"), Err(Malformed));
    }
}
