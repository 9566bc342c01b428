//! Servers behind TLS, and servers that send elsewhere.

use std::path::Path;

use rcgen::{BasicConstraints, IsCa};
use serde_json::Value;

use crate::process::{Said, Server, answering, data_folder, deltastore, noise, run};
use crate::sigv4::{ACCESS_KEY, SECRET_KEY};
use crate::terminator::{Authority, Terminator, self_signed};

/// The years in which these certificates are valid.
const NOW: (i32, i32) = (2020, 4000);

/// Runs a command with the server's credentials, and with these variables.
fn ask(arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = deltastore(arguments);
    command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY).env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    run(command.envs(variables.iter().copied()))
}

#[track_caller]
fn json(said: &Said) -> Value {
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    serde_json::from_str(&said.out).unwrap()
}

/// Estimates through an endpoint, trusting a file; it must fail, with one sentence.
#[track_caller]
fn fails(endpoint: &str, trusted: &Path, expected: &str) {
    let said =
        ask(&["estimate", "s3://bucket", "--endpoint", endpoint], &[("SSL_CERT_FILE", trusted.to_str().unwrap())]);
    assert_eq!((said.code, said.err.lines().count(), said.out.as_str()), (Some(1), 1, ""), "{said:?}");
    assert!(said.err.contains(expected), "{expected}: {said:?}");
}

#[test]
fn a_server_behind_tls_answers_as_without() {
    let (folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    let body = noise(1, 3 << 20);
    // More than a page of a listing, and a body or nothing in each.
    for key in 0..1003 {
        server.put(&format!("app/{key}"), if key % 250 == 0 { &body } else { b"" });
    }
    let authority = Authority::new("ours");
    let trusted = authority.write(folder.path());
    let trust = ("SSL_CERT_FILE", trusted.to_str().unwrap());
    let tls = Terminator::start(&authority.sign(&["localhost", "127.0.0.1"], NOW), &server.host);
    let (plain, address, name) = (
        format!("http://{}", server.host),
        format!("https://127.0.0.1:{}", tls.port),
        format!("https://localhost:{}/", tls.port),
    );

    let estimate = ["estimate", "s3://bucket/app/", "--json"];
    let expected = json(&ask(&[&estimate[..], &["--endpoint", &plain]].concat(), &[]));
    assert_eq!((&expected["objects"], &expected["exact"]), (&1003.into(), &true.into()));
    assert_eq!(json(&ask(&[&estimate[..], &["--endpoint", &address]].concat(), &[trust])), expected);
    // The endpoint and the region from the environment: a Deltastore takes any region.
    let variables = [trust, ("AWS_ENDPOINT_URL", name.as_str()), ("AWS_DEFAULT_REGION", "eu-west-1")];
    assert_eq!(json(&ask(&estimate, &variables)), expected);
    let unused = [&variables[..], &[("AWS_ENDPOINT_URL_S3", plain.as_str()), ("SSL_CERT_FILE", "/missing")]].concat();
    assert_eq!(json(&ask(&estimate, &unused)), expected);

    let inspect = ["inspect", "s3://bucket/app/250", "--json", "--endpoint"];
    let expected = json(&ask(&[&inspect[..], &[&plain]].concat(), &[]));
    assert_eq!(json(&ask(&[&inspect[..], &[&name]].concat(), &[trust])), expected);
    server.stop();
}

#[test]
fn certificates_that_do_not_hold_are_refused_with_one_sentence() {
    let (folder, dir) = data_folder();
    let server = Server::start(&dir);
    let (authority, other, namesake) = (Authority::new("ours"), Authority::new("other"), Authority::new("ours"));
    let trusted = authority.write(folder.path());
    let many: Vec<String> = (1..=7).map(|number| format!("n{number}.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let local = ["localhost"];
    for (identity, expected) in [
        (other.sign(&local, NOW), "comes from no authority that is trusted here; if it is one of your own"),
        (namesake.sign(&local, NOW), "comes from no authority that is trusted here; if it is one of your own"),
        (self_signed(&local, IsCa::NoCa), "comes from no authority that is trusted here; if it is one of your own"),
        (authority.sign(&["s3.example.org"], NOW), "is for s3.example.org, not for localhost"),
        (authority.sign(&["127.0.0.1"], NOW), "is for 127.0.0.1, not for localhost"),
        (authority.sign(&many, NOW), "n5.example and 2 more, not for localhost"),
        (authority.sign(&local, (2019, 2020)), "expired on 2020-01-01"),
        (authority.sign(&local, (3000, 4000)), "is not valid before 3000-01-01; the clock here may be wrong"),
    ] {
        let tls = Terminator::start(&identity, &server.host);
        let at = format!("localhost:{}", tls.port);
        fails(&format!("https://{at}"), &trusted, &format!("the certificate of {at} "));
        fails(&format!("https://{at}"), &trusted, expected);
    }
    server.stop();
}

#[test]
fn a_server_may_sign_for_itself_but_not_as_an_authority() {
    let (folder, dir) = data_folder();
    let server = Server::start(&dir);
    server.make_bucket();
    let trusted = folder.path().join("trusted.pem");
    for (is_ca, expected) in [
        (IsCa::NoCa, "holds no files"),
        (IsCa::ExplicitNoCa, "holds no files"),
        (IsCa::Ca(BasicConstraints::Unconstrained), "is marked as an authority's (CA:TRUE)"),
    ] {
        let identity = self_signed(&["localhost"], is_ca);
        std::fs::write(&trusted, &identity.pem).unwrap();
        let tls = Terminator::start(&identity, &server.host);
        fails(&format!("https://localhost:{}", tls.port), &trusted, expected);
    }
    server.stop();
}

#[test]
fn without_authorities_or_without_tls_the_way_out_is_named() {
    let (folder, dir) = data_folder();
    let server = Server::start(&dir);
    let authority = Authority::new("ours");
    let trusted = authority.write(folder.path());
    let tls = Terminator::start(&authority.sign(&["localhost"], NOW), &server.host);
    let (empty, missing) = (folder.path().join("empty.pem"), folder.path().join("missing.pem"));
    std::fs::write(&empty, "").unwrap();
    let endpoint = format!("https://localhost:{}", tls.port);
    fails(&endpoint, &empty, "name a PEM file of them in SSL_CERT_FILE");
    fails(&endpoint, &missing, "missing.pem'); install the system's (ca-certificates), or name a PEM file");
    // One scheme where the other is spoken.
    fails(&format!("https://{}", server.host), &trusted, &format!("its endpoint is http://{}", server.host));
    let plain = format!("http://localhost:{}", tls.port);
    fails(&plain, &trusted, &format!("if it speaks TLS, its endpoint is https://localhost:{}", tls.port));
    let closing = answering(vec![("", Vec::new())]);
    fails(&format!("https://{closing}"), &trusted, &format!("{closing} does not speak TLS"));
    server.stop();
}

#[test]
fn where_a_bucket_is_instead_is_told() {
    let (folder, _) = data_folder();
    let trusted = folder.path().join("none");
    let body = "<Error><Code>PermanentRedirect</Code><Message>Elsewhere.</Message></Error>";
    let head = "HTTP/1.1 301 Moved Permanently\r\nconnection: close\r\nx-amz-bucket-region: eu-west-1\r\n";
    let answer = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    let moved = answering(vec![("GET ", answer.into())]);
    fails(
        &format!("http://{moved}"),
        &trusted,
        "answers 301 Moved Permanently: PermanentRedirect: Elsewhere. (the bucket is in eu-west-1: set AWS_REGION=eu-west-1,",
    );
    let head = "HTTP/1.1 308 Permanent Redirect\r\nconnection: close\r\nlocation: https://s3.example.org/\r\n";
    let moved = answering(vec![("GET ", format!("{head}content-length: 0\r\n\r\n").into())]);
    fails(
        &format!("http://{moved}"),
        &trusted,
        "answers 308 Permanent Redirect (it refers to https://s3.example.org/)",
    );
}
