//! The query of a request: its signature, and the parameters that stand for headers.

use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{StatusCode, Uri};

use crate::s3::request::error_page::ErrorPage;

/// Parameters that are the signature itself.
const V4: [&str; 6] =
    ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"];
const V2: [&str; 3] = ["AWSAccessKeyId", "Expires", "Signature"];

/// Decoded pairs in the order they were sent, and as they were sent.
pub struct Query {
    pairs: Vec<(String, String)>,
    raw: Vec<String>,
}

impl Query {
    /// As s3s reads it: `+` is a blank.
    pub fn parse(query: &str) -> Self {
        let raw: Vec<String> = query.split('&').filter(|pair| !pair.is_empty()).map(str::to_owned).collect();
        Query { pairs: form_urlencoded::parse(query.as_bytes()).into_owned().collect(), raw }
    }

    pub fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// Pairs with whether they were sent with `=`.
    pub fn raw(&self) -> impl Iterator<Item = (&(String, String), bool)> {
        self.pairs.iter().zip(self.raw.iter().map(|raw| raw.contains('=')))
    }

    /// The value of a parameter that is there once.
    pub fn unique(&self, name: &str) -> Option<&str> {
        let mut values = self.pairs.iter().filter(|(found, _)| found == name).map(|(_, value)| value.as_str());
        values.next().filter(|_| values.next().is_none())
    }

    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(found, _)| found == name)
    }

    /// Any part of a signature of version 4, whole or not.
    pub fn has_v4(&self) -> bool {
        ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"].iter().any(|name| self.has(name))
    }

    /// Any part of a signature of version 2, whole or not.
    pub fn has_v2(&self) -> bool {
        self.has("AWSAccessKeyId") || self.has("Signature")
    }

    /// Makes headers of the `x-amz-*` parameters, which so pass whatever headers pass.
    ///
    /// # Errors
    /// A header of the same name that says otherwise, or a value that no header can have.
    pub fn move_to_headers(&mut self, headers: &mut HeaderMap) -> Result<(), ErrorPage> {
        let is_v2 = self.has_v2() && !self.has_v4();
        let mut from_query = HeaderMap::new();
        for (name, value) in self.pairs.iter().filter(|(name, _)| stands_for_header(name, is_v2)) {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid(name))?;
            let value = HeaderValue::from_bytes(value.trim_matches([' ', '\t']).as_bytes())
                .map_err(|_| invalid(name.as_str()))?;
            from_query.append(name, value);
        }
        for name in from_query.keys() {
            let sent: Vec<&HeaderValue> = headers.get_all(name).iter().collect();
            if !sent.is_empty() && sent != from_query.get_all(name).iter().collect::<Vec<_>>() {
                return Err(invalid(name.as_str()));
            }
        }
        for name in from_query.keys() {
            headers.remove(name);
        }
        headers.extend(from_query);
        let kept: Vec<bool> = self.pairs.iter().map(|(name, _)| !stands_for_header(name, is_v2)).collect();
        let mut keeps = kept.iter();
        self.pairs.retain(|_| keeps.next().copied().unwrap_or(true));
        let mut keeps = kept.iter();
        self.raw.retain(|_| keeps.next().copied().unwrap_or(true));
        Ok(())
    }

    /// The URI with what is left, and no signature.
    pub fn without_signature(&self, uri: &Uri) -> Uri {
        let kept: Vec<&str> = self
            .pairs
            .iter()
            .zip(&self.raw)
            .filter(|((name, _), _)| !V4.contains(&name.as_str()) && !V2.contains(&name.as_str()))
            .map(|(_, raw)| raw.as_str())
            .collect();
        let target = if kept.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), kept.join("&")) };
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = target.parse().ok();
        Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
    }
}

fn stands_for_header(name: &str, is_v2: bool) -> bool {
    let amz = name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-amz-"));
    let of_v2 = is_v2 && ["content-md5", CONTENT_TYPE.as_str()].iter().any(|found| name.eq_ignore_ascii_case(found));
    (amz && !V4.contains(&name)) || of_v2
}

fn invalid(name: &str) -> ErrorPage {
    let message = format!("The query string parameter {name} is not valid, or a header of that name says otherwise.");
    ErrorPage::new(StatusCode::BAD_REQUEST, "InvalidArgument", message).field("ArgumentName", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(query: &str, headers: &[(&'static str, &'static str)]) -> Result<(Vec<(String, String)>, String), String> {
        let mut map: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let mut query = Query::parse(query);
        query.move_to_headers(&mut map).map_err(|page| page.code().to_owned())?;
        let found = map.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        Ok((found.collect(), query.without_signature(&Uri::from_static("/b/k?all")).to_string()))
    }

    #[test]
    fn parameters_become_headers_and_the_signature_goes() {
        let query = "X-Amz-Signature=0&X-Amz-Meta-A=b%20c&versionId=1&x-amz-acl=private&X-Amz-Expires=1&tagging";
        let (headers, uri) = moved(query, &[]).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(headers, [pair("x-amz-meta-a", "b c"), pair("x-amz-acl", "private")]);
        assert_eq!(uri, "/b/k?versionId=1&tagging");
        assert_eq!(moved("X-Amz-Date=1", &[]).unwrap().1, "/b/k");
    }

    #[test]
    fn a_header_may_say_the_same_and_nothing_else() {
        assert_eq!(moved("x-amz-acl=private", &[("x-amz-acl", "private")]).unwrap().0.len(), 1);
        assert_eq!(moved("x-amz-acl=private", &[("x-amz-acl", "public-read")]), Err("InvalidArgument".to_owned()));
        assert_eq!(moved("x-amz-meta-a=%00", &[]), Err("InvalidArgument".to_owned()));
        assert_eq!(moved("x-amz-meta-%20=1", &[]), Err("InvalidArgument".to_owned()));
    }
}
