//! Clients of S3 servers, with credentials, region and endpoint from the environment variables of AWS's tools.

use crate::remote::{Client, ClientError};
use deltastore_iam::Credentials;

/// Errors of reaching a server.
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
    let (Some(access_key), Some(secret_key)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"))
    else {
        return Err(RemoteError::NoCredentials);
    };
    let credentials = Credentials { access_key, secret_key };
    Ok(Client::new(endpoint, credentials, variable("AWS_SESSION_TOKEN"), region(&variable))?)
}

/// As [`client`]. Without an endpoint, the one of the environment; without that, AWS in the region.
///
/// # Errors
/// See [`RemoteError`].
pub fn client_of_bucket(endpoint: Option<&str>) -> Result<Client, RemoteError> {
    endpoint.map_or_else(|| client(&endpoint_of(&variable)), client)
}

/// A non-empty environment variable.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn region(variable: &dyn Fn(&str) -> Option<String>) -> String {
    variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).unwrap_or_else(|| "us-east-1".to_owned())
}

fn endpoint_of(variable: &dyn Fn(&str) -> Option<String>) -> String {
    let named = variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL"));
    named.unwrap_or_else(|| format!("https://s3.{}.amazonaws.com", region(variable)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_the_server_or_else_its_region_does() {
        for (set, expected) in [
            (&[][..], "https://s3.us-east-1.amazonaws.com"),
            (&[("AWS_DEFAULT_REGION", "eu-west-1")], "https://s3.eu-west-1.amazonaws.com"),
            (&[("AWS_DEFAULT_REGION", "eu-west-1"), ("AWS_REGION", "eu-west-2")], "https://s3.eu-west-2.amazonaws.com"),
            (&[("AWS_REGION", "auto"), ("AWS_ENDPOINT_URL", "http://h:1")], "http://h:1"),
            (&[("AWS_ENDPOINT_URL", "http://h:1"), ("AWS_ENDPOINT_URL_S3", "https://h:2")], "https://h:2"),
        ] {
            let variable = |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, value)| String::from(*value));
            assert_eq!(endpoint_of(&variable), expected, "{set:?}");
        }
    }
}
