//! Root credentials: from the environment, or generated and stored in the data folder.

use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rand::Rng;
use rand::distr::Alphanumeric;

use deltastore_iam::Credentials;

const FILE: &str = "credentials";
const USER: &str = "DELTASTORE_ROOT_USER";
const PASSWORD: &str = "DELTASTORE_ROOT_PASSWORD";

/// Errors of finding credentials.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    #[error("set both {USER} and {PASSWORD}, or neither")]
    Half,
    #[error("{name} must have at least {least} characters")]
    Short { name: &'static str, least: usize },
    #[error("{address} is reachable from other machines: set {USER} and {PASSWORD}")]
    NotLoopback { address: IpAddr },
    #[error("{path}: {source}")]
    File { path: String, source: std::io::Error },
    #[error("{path} must hold two lines, access key and secret key; remove it to generate new ones")]
    Malformed { path: String },
}

/// Credentials and whether they were generated just now.
pub struct Found {
    pub credentials: Credentials,
    pub generated: bool,
    /// The file that holds them, unless they came from the environment.
    pub file: Option<String>,
}

/// The environment's root credentials; none if those of the folder apply, which requires loopback addresses. Needs no
/// folder, so that a refused start does not create one.
pub fn from_environment(addresses: impl IntoIterator<Item = IpAddr>) -> Result<Option<Credentials>, CredentialsError> {
    let from = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    match (from(USER), from(PASSWORD)) {
        (Some(access_key), Some(secret_key)) => {
            at_least(USER, &access_key, 3)?;
            at_least(PASSWORD, &secret_key, 8)?;
            Ok(Some(Credentials { access_key, secret_key }))
        }
        (None, None) => match addresses.into_iter().find(|address| !address.is_loopback()) {
            Some(address) => Err(CredentialsError::NotLoopback { address }),
            None => Ok(None),
        },
        _ => Err(CredentialsError::Half),
    }
}

/// The root credentials; the environment takes precedence over the folder. The folder exists and is locked.
pub fn find(environment: Option<Credentials>, dir: &Path) -> Result<Found, CredentialsError> {
    match environment {
        Some(credentials) => Ok(Found { credentials, generated: false, file: None }),
        None => kept(&dir.join(FILE)),
    }
}

fn at_least(name: &'static str, value: &str, least: usize) -> Result<(), CredentialsError> {
    if value.chars().count() < least { Err(CredentialsError::Short { name, least }) } else { Ok(()) }
}

fn kept(path: &Path) -> Result<Found, CredentialsError> {
    let name = path.display().to_string();
    let failed = |source| CredentialsError::File { path: name.clone(), source };
    let (credentials, generated) = match std::fs::read_to_string(path) {
        Ok(text) => {
            let mut lines = text.lines().map(str::to_owned);
            match (lines.next(), lines.next()) {
                (Some(access_key), Some(secret_key)) if access_key.len() >= 3 && secret_key.len() >= 8 => {
                    (Credentials { access_key, secret_key }, false)
                }
                _ => return Err(CredentialsError::Malformed { path: name }),
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let credentials = Credentials { access_key: random(20), secret_key: random(40) };
            write(path, &credentials).map_err(failed)?;
            (credentials, true)
        }
        Err(error) => return Err(failed(error)),
    };
    Ok(Found { credentials, generated, file: Some(name) })
}

/// Atomic, durable before the credentials are printed, and readable by the owner only.
fn write(path: &Path, credentials: &Credentials) -> std::io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    write!(file, "{}\n{}\n", credentials.access_key, credentials.secret_key)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), |dir| std::fs::File::open(dir)?.sync_all())
}

fn random(len: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(len).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_credentials_are_kept_and_only_the_owner_can_read_them() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        let first = kept(&path).unwrap();
        assert!(first.generated);
        let again = kept(&path).unwrap();
        assert!(!again.generated);
        assert_eq!(first.credentials.secret_key, again.credentials.secret_key);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_cut_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        std::fs::write(&path, "only-one-line\n").unwrap();
        assert!(matches!(kept(&path), Err(CredentialsError::Malformed { .. })));
    }
}
