//! Real S3 clients against a live server: one test a client, each with a server of its own.
//!
//! `tests/clients/install` puts the clients outside the checkout (`make test` does it first). A client that is missing
//! fails its test.

#[path = "clients/rust_sdk.rs"]
mod rust_sdk;
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use support::Server;

/// Far more than any client needs, so that a hang ends the test instead of the whole run.
const CLIENT_LIMIT: Duration = Duration::from_secs(600);

#[test]
fn aws_cli() {
    require(&python().join("aws"));
    run("bash", "awscli.sh");
}

#[test]
fn boto3() {
    run(python().join("python"), "boto3_test.py");
}

#[test]
fn minio_py() {
    run(python().join("python"), "minio_test.py");
}

#[test]
fn s3cmd() {
    require(&python().join("s3cmd"));
    run("bash", "s3cmd.sh");
}

#[test]
fn rclone() {
    run("bash", "rclone.sh");
}

#[test]
fn aws_sdk_for_javascript() {
    require(&clients().join("js/node_modules/@aws-sdk/client-s3"));
    run("node", "js/test.mjs");
}

#[test]
fn examples() {
    require(&python().join("aws"));
    run("bash", "../../examples/two-releases.sh");
    run(python().join("python"), "../../examples/boto3_example.py");
}

#[test]
fn aws_sdk_for_rust() {
    let server = Server::start();
    rust_sdk::run(&server.endpoint());
    server.stop();
}

/// Runs a client's script in an empty folder against a new server, then stops the server.
fn run(program: impl AsRef<Path>, script: &str) {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("client.log");
    let log = std::fs::File::create(&output).expect("the client's log");
    let work = folder.path().join("work");
    std::fs::create_dir(&work).expect("the client's folder");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script);

    let mut command = Command::new(program.as_ref());
    command
        .arg(script)
        .current_dir(&work)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle on the log"))
        .stderr(log);
    set_environment(&mut command, &server, &work);
    let mut child =
        command.spawn().unwrap_or_else(|error| panic!("{} does not run: {error}", program.as_ref().display()));
    let status = support::wait(&mut child, CLIENT_LIMIT);
    if status.is_none() {
        // Best effort: the test fails below either way.
        let _ = child.kill();
        let _ = child.wait();
    }
    let said = String::from_utf8_lossy(&std::fs::read(&output).expect("the client's log")).into_owned();
    match status {
        Some(status) if status.success() => {}
        Some(status) => panic!("the client ended with {status}:\n{said}"),
        None => panic!("the client did not end within {CLIENT_LIMIT:?}:\n{said}"),
    }
    server.stop();
}

/// The machine's own AWS settings, proxies and certificate bundles must not change what a client does.
fn set_environment(command: &mut Command, server: &Server, home: &Path) {
    let inherited = std::env::vars_os().map(|(name, _)| name);
    for name in inherited.filter(|name| {
        let name = name.to_string_lossy().to_ascii_uppercase();
        name.starts_with("AWS_") || name.starts_with("RCLONE_") || name.ends_with("_PROXY")
    }) {
        command.env_remove(name);
    }
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .env("PATH", format!("{}:{path}", python().display()))
        .env("HOME", home)
        .env("LC_ALL", "C.UTF-8")
        .env("DELTASTORE", env!("CARGO_BIN_EXE_deltastore"))
        .env("DELTASTORE_CLIENTS", clients())
        .env("DELTASTORE_ENDPOINT", server.endpoint())
        .env("AWS_ACCESS_KEY_ID", support::ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", support::SECRET_KEY)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true");
}

fn clients() -> PathBuf {
    match std::env::var_os("DELTASTORE_CLIENTS") {
        Some(folder) => folder.into(),
        None => {
            let home = std::env::var_os("HOME").expect("HOME is set");
            Path::new(&home).join(".cache/deltastore/clients")
        }
    }
}

/// Where the Python clients' programs are. Asks for them by path, so that another installation is never tested instead.
fn python() -> PathBuf {
    clients().join("python/bin")
}

fn require(path: &Path) {
    assert!(path.exists(), "{} is missing: run tests/clients/install", path.display());
}
