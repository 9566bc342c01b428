//! Characters of answers that XML 1.0 has no place for, or that would come back changed: keys may hold any.
//!
//! s3s answers 500 where a text holds a control character. S3 writes character references. So [`text`] puts the code of
//! such a character between two marks that s3s passes on, and [`finish`] makes references of them in the finished
//! document.

use bytes::Bytes;

/// A noncharacter, which no text means; one that a key does hold is written as a reference, too.
const MARK: char = '\u{fdd0}';

/// A text as a field of an answer holds it.
pub fn text(text: &str) -> String {
    let mut marked = String::with_capacity(text.len());
    for char in text.chars() {
        if needs_reference(char) {
            marked.push_str(&format!("{MARK}{:x}{MARK}", u32::from(char)));
        } else {
            marked.push(char);
        }
    }
    marked
}

/// The finished document.
pub fn finish(document: Bytes) -> Bytes {
    let Some(text) = std::str::from_utf8(&document).ok().filter(|text| text.contains(MARK)) else { return document };
    let mut finished = String::with_capacity(text.len());
    for (at, piece) in text.split(MARK).enumerate() {
        if at % 2 == 0 {
            finished.push_str(piece);
        } else {
            push_reference(&mut finished, piece);
        }
    }
    Bytes::from(finished)
}

/// Writes a text into a document.
pub fn escape_into(out: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            char if needs_reference(char) => push_reference(out, &format!("{:x}", u32::from(char))),
            char => out.push(char),
        }
    }
}

fn needs_reference(char: char) -> bool {
    let fits = matches!(char, '\t' | '\n' | '\u{20}'..='\u{fffd}' | '\u{10000}'..);
    !fits || char == MARK
}

/// A carriage return is written as S3's documentation has it.
fn push_reference(out: &mut String, hex: &str) {
    match hex {
        "d" => out.push_str("&#13;"),
        hex => out.push_str(&format!("&#x{hex};")),
    }
}

#[cfg(test)]
mod tests {
    use s3s::dto::{Bucket, ListBucketsInput, ListBucketsOutput};
    use s3s::service::S3ServiceBuilder;
    use s3s::{S3, S3Request, S3Response, S3Result};

    use super::*;

    struct Named(&'static str);

    #[async_trait::async_trait]
    impl S3 for Named {
        async fn list_buckets(&self, _: S3Request<ListBucketsInput>) -> S3Result<S3Response<ListBucketsOutput>> {
            let bucket = Bucket { name: Some(self.0.to_owned()), ..Bucket::default() };
            Ok(S3Response::new(ListBucketsOutput { buckets: Some(vec![bucket]), ..ListBucketsOutput::default() }))
        }
    }

    #[tokio::test]
    async fn s3s_cannot_write_them_still() {
        let status = async |name| {
            let service = S3ServiceBuilder::new(Named(name)).build();
            service.call(s3s::HttpRequest::new(s3s::Body::empty())).await.unwrap().status().as_u16()
        };
        assert_eq!((status("a").await, status("a\u{1}").await), (200, 500));
    }

    #[test]
    fn characters_become_references() {
        for (plain, written) in [
            ("a b\t\n\u{7f}ü😀", "a b\t\n\u{7f}ü😀"),
            ("Icon\r", "Icon&#13;"),
            ("\0a\u{1}\u{1f}b", "&#x0;a&#x1;&#x1f;b"),
            ("\u{fffe}\u{ffff}", "&#xfffe;&#xffff;"),
            ("\u{fdd0}1\u{fdd0}", "&#xfdd0;1&#xfdd0;"),
        ] {
            assert_eq!(finish(Bytes::from(text(plain))), written, "{plain:?}");
            let mut out = String::new();
            escape_into(&mut out, plain);
            assert_eq!(out, written);
        }
    }
}
