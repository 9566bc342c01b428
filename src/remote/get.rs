//! Reading: an object's bytes, and what a Deltastore's administration answers.

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use http::StatusCode;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::http::{MAX_TEXT, SILENCE_TIMEOUT};
use super::percent::encode_except;
use super::{Client, ClientError};

/// Longest time an administrator's question takes, during which nothing comes.
const ADMIN_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(15 * 60);
/// Most bytes of an administrator's answer that are taken; the server bounds it.
const MAX_ADMIN_ANSWER: usize = 128 << 20;

impl Client {
    /// An object's bytes; none if it is gone, or archived and so not to be read (Glacier). They are taken or dropped
    /// before the next request.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<Option<BoxStream<'static, Result<Bytes, ClientError>>>, ClientError> {
        let answer = self.get_target(&object_path("", bucket, key), &[], SILENCE_TIMEOUT).await?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return self.text(answer, MAX_TEXT).await.map(|_| None),
            _ => {
                let refused = self.refused(answer).await;
                return if refused.is_archived() { Ok(None) } else { Err(refused) };
            }
        }
        let (body, authority) = (answer.into_body(), self.authority());
        let frames = futures::stream::unfold((body, authority), |(mut body, authority)| async move {
            loop {
                let frame = match timeout(SILENCE_TIMEOUT, body.frame()).await {
                    Err(_) => Some(Err(ClientError::Silent { authority: authority.clone() })),
                    Ok(None) => None,
                    Ok(Some(Err(source))) => Some(Err(ClientError::Http { authority: authority.clone(), source })),
                    Ok(Some(Ok(frame))) => match frame.into_data() {
                        Ok(bytes) => Some(Ok(bytes)),
                        Err(_) => continue,
                    },
                };
                return frame.map(|frame| (frame, (body, authority)));
            }
        });
        Ok(Some(frames.boxed()))
    }

    /// What a Deltastore tells of an object under `prefix`, a path of its administration.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get_admin<T: DeserializeOwned>(
        &self,
        prefix: &str,
        (bucket, key): (&str, &str),
        query: &[(&str, &str)],
    ) -> Result<T, ClientError> {
        let answer = self.get_target(&object_path(prefix, bucket, key), query, ADMIN_TIMEOUT).await?;
        if answer.status() != StatusCode::OK {
            return Err(self.refused(answer).await);
        }
        let text = self.text(answer, MAX_ADMIN_ANSWER).await?;
        serde_json::from_str(&text)
            .map_err(|error| ClientError::Answer { authority: self.authority(), reason: error.to_string() })
    }
}

/// `PREFIX/BUCKET/KEY`, encoded.
fn object_path(prefix: &str, bucket: &str, key: &str) -> String {
    format!("{prefix}/{}/{}", encode_except(bucket, b"/"), encode_except(key, b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_encoded_but_for_their_slashes() {
        assert_eq!(object_path("/x", "b", "a b/\u{fc}+/~"), "/x/b/a%20b/%C3%BC%2B/~");
    }
}
