//! Listing a bucket: ListObjectsV2.
//!
//! Total: any text gives a page or the reason why not.

use http::StatusCode;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::http::{MAX_TEXT, SILENCE_TIMEOUT};
use super::percent::{decode_form, encode_except};
use super::xml::elements;
use super::{Client, ClientError};

impl Client {
    /// The page of a listing that begins after `token`; the first for none.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn list(&self, bucket: &str, prefix: &str, token: Option<&str>) -> Result<Page, ClientError> {
        let mut query = vec![("encoding-type", "url"), ("list-type", "2"), ("prefix", prefix)];
        query.extend(token.map(|token| ("continuation-token", token)));
        let path = format!("/{}", encode_except(bucket, b"/"));
        let answer = self.get_target(&path, &query, SILENCE_TIMEOUT).await?;
        if answer.status() != StatusCode::OK {
            return Err(self.refused(answer).await);
        }
        let text = self.text(answer, MAX_TEXT).await?;
        Page::parse(&text).map_err(|reason| ClientError::Answer { authority: self.authority(), reason })
    }
}

/// One object of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    pub key: String,
    /// In bytes.
    pub size: u64,
    /// Milliseconds since the Unix epoch.
    pub modified_ms: u64,
}

/// A page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    pub objects: Vec<Listed>,
    /// Where the next page begins; none on the last.
    pub next: Option<String>,
}

impl Page {
    /// # Errors
    /// What is not as the API has it.
    pub fn parse(xml: &str) -> Result<Self, String> {
        let mut page = Self::default();
        let (mut truncated, mut encoded, mut next) = (false, false, None);
        let mut root = false;
        let mut object = Listed::default();
        elements(xml, |path, text| {
            root |= path[0] == "ListBucketResult";
            match path {
                ["ListBucketResult", "IsTruncated"] => truncated = text == "true",
                ["ListBucketResult", "EncodingType"] => encoded = text == "url",
                ["ListBucketResult", "NextContinuationToken"] => next = Some(text.to_owned()),
                ["ListBucketResult", "Contents"] => page.objects.push(std::mem::take(&mut object)),
                ["ListBucketResult", "Contents", "Key"] => object.key = text.to_owned(),
                ["ListBucketResult", "Contents", "Size"] => {
                    object.size = text.parse().map_err(|_| format!("{text:?} is no size"))?;
                }
                ["ListBucketResult", "Contents", "LastModified"] => {
                    let date = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| format!("{text:?} is no date"))?;
                    object.modified_ms = u64::try_from(date.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
                }
                _ => {}
            }
            Ok(())
        })?;
        if !root {
            return Err("it has no ListBucketResult".to_owned());
        }
        if encoded {
            for object in &mut page.objects {
                object.key = decode_form(&object.key).ok_or_else(|| format!("{:?} is no encoded key", object.key))?;
            }
        }
        if truncated {
            page.next = Some(next.ok_or("it goes on, but does not tell where")?);
        }
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix/><IsTruncated>true</IsTruncated>
<EncodingType>url</EncodingType><Contents><Key>a%2Fb+c%26&amp;</Key><LastModified>2026-01-02T03:04:05.678Z</LastModified>
<Owner><ID>Key</ID></Owner><Size>12</Size></Contents><Contents><Key>d</Key><LastModified>1970-01-01T00:00:00Z</LastModified>
<Size>0</Size></Contents><NextContinuationToken>t&lt;&#x31;</NextContinuationToken></ListBucketResult>"#;

    #[test]
    fn pages_are_read() {
        let page = Page::parse(PAGE).unwrap();
        assert_eq!(page.next.as_deref(), Some("t<1"));
        let first = Listed { key: "a/b c&&".into(), size: 12, modified_ms: 1_767_323_045_678 };
        assert_eq!(page.objects, [first, Listed { key: "d".into(), size: 0, modified_ms: 0 }]);
        assert_eq!(Page::parse("<ListBucketResult/>"), Ok(Page::default()));
    }

    #[test]
    fn anything_else_is_refused_and_nothing_panics() {
        for wrong in ["", "text", "<html/>", "<ListBucketResult>", "<a></b>"] {
            assert!(Page::parse(wrong).is_err(), "{wrong}");
        }
        for cut in 0..PAGE.len() {
            let _ = Page::parse(&PAGE[..cut]);
            let _ = Page::parse(&PAGE[cut..]);
            let _ = super::super::xml::error_of(&PAGE[..cut]);
        }
    }
}
