//! Servers that commands talk to, with the credentials of the environment.

use crate::s3::{Client, ClientError, Credentials};

/// Why a server cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    #[error("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to the credentials of the bucket's server")]
    NoCredentials,
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// A client of the server at `endpoint`, with the environment's credentials and region.
///
/// # Errors
/// See [`RemoteError`].
pub fn client(endpoint: &str) -> Result<Client, RemoteError> {
    let from = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let (Some(access_key), Some(secret_key)) = (from("AWS_ACCESS_KEY_ID"), from("AWS_SECRET_ACCESS_KEY")) else {
        return Err(RemoteError::NoCredentials);
    };
    let region = from("AWS_REGION").unwrap_or_else(|| "us-east-1".to_owned());
    let credentials = Credentials { access_key, secret_key };
    Ok(Client::new(endpoint, credentials, from("AWS_SESSION_TOKEN"), region)?)
}
