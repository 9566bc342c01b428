//! Arguments, help, credentials and output.

use std::net::{TcpListener, TcpStream, ToSocketAddrs};

use crate::process::{Server, data_folder, deltastore, run};
use crate::sigv4::{ACCESS_KEY, SECRET_KEY};

#[test]
fn wrong_arguments_end_with_2_and_say_what_is_wrong() {
    for (arguments, message) in [
        (&[][..], "Usage:"),
        (&["frob"], "unrecognized subcommand 'frob'"),
        (&["serve"], "<DIR>"),
        (&["stats"], "<DIR>"),
        (&["estimate"], "<PATH|s3://BUCKET[/PREFIX]>"),
        (&["estimate", "data", "--memory", "1"], "invalid value '1' for '--memory"),
        (&["estimate", "data", "--policy", "most"], "invalid value 'most' for '--policy"),
        (&["inspect", "data"], "<s3://BUCKET/KEY>"),
        (&["inspect"], "<DIR|s3://BUCKET/KEY>"),
        (&["inspect", "data", "s3://bucket"], "names no key"),
        (&["inspect", "s3://bucket/key"], "DIR or --endpoint"),
        (&["inspect", "s3://bucket", "--endpoint", "http://localhost"], "names no key"),
        (&["inspect", "data", "s3://bucket/key", "--endpoint", "http://localhost"], "cannot be used with --endpoint"),
        (&["inspect", "data", "s3://bucket/key", "more"], "Usage: deltastore inspect"),
        (&["gc", "a", "b"], "unexpected argument 'b'"),
        (&["serve", "data", "--address", "nowhere"], "invalid value 'nowhere' for '--address"),
        (&["serve", "data", "--address", "http://localhost:9000"], "expected HOST:PORT"),
        (&["serve", "data", "--address", "localhost:port"], "the port is a number"),
        (&["serve", "data", "--log-format", "xml"], "text, json"),
        (&["serve", "data", "--upload-expiry", "7"], "give a number with d, h, m or s, such as 7d, or never"),
        (&["serve", "data", "--upload-expiry", "0d"], "use never to turn expiry off"),
    ] {
        let said = run(&mut deltastore(arguments));
        assert_eq!(said.code, Some(2), "{arguments:?}: {said:?}");
        assert!(said.err.contains(message), "{arguments:?}: {said:?}");
    }
}

#[test]
fn every_command_has_help_with_its_exit_codes() {
    for arguments in
        [&[][..], &["serve"], &["rebuild-index"], &["fsck"], &["gc"], &["stats"], &["inspect"], &["estimate"]]
    {
        let said = run(deltastore(arguments).arg("--help"));
        assert_eq!(said.code, Some(0));
        assert!(said.out.contains("Usage:") && said.out.contains("Exit codes: 0 "), "{}", said.out);
    }
}

#[test]
fn credentials_come_whole_and_long_enough_or_not_at_all() {
    let (_folder, dir) = data_folder();
    for (user, password, message) in [
        (Some("root"), None, "set both DELTASTORE_ROOT_USER and DELTASTORE_ROOT_PASSWORD, or neither"),
        (None, Some("long-enough"), "set both DELTASTORE_ROOT_USER and DELTASTORE_ROOT_PASSWORD, or neither"),
        (Some("root"), Some(""), "set both DELTASTORE_ROOT_USER and DELTASTORE_ROOT_PASSWORD, or neither"),
        (Some("root"), Some("short"), "DELTASTORE_ROOT_PASSWORD must have at least 8 characters"),
        (Some("r"), Some("long-enough"), "DELTASTORE_ROOT_USER must have at least 3 characters"),
    ] {
        let mut command = deltastore(&["serve", dir.to_str().unwrap(), "--address", "127.0.0.1:0"]);
        command.envs(user.map(|user| ("DELTASTORE_ROOT_USER", user)));
        command.envs(password.map(|password| ("DELTASTORE_ROOT_PASSWORD", password)));
        let said = run(&mut command);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains(message) && said.err.lines().count() == 1, "{said:?}");
        assert!(!dir.exists(), "a refused start leaves no folder");
    }
}

#[test]
fn other_machines_are_not_served_with_generated_credentials() {
    let (_folder, dir) = data_folder();
    for address in ["0.0.0.0:0", "[::]:0", ":0"] {
        let said = run(&mut deltastore(&["serve", dir.to_str().unwrap(), "--address", address]));
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("set DELTASTORE_ROOT_USER and DELTASTORE_ROOT_PASSWORD"), "{said:?}");
        assert!(!dir.exists(), "a refused start leaves no folder");
    }
}

#[test]
fn a_name_is_served_on_all_of_its_addresses_and_no_name_on_all_there_are() {
    let (_folder, dir) = data_folder();
    let serve = |address: &str| deltastore(&["serve", dir.to_str().unwrap(), "--address", address]);
    // Loopback, so that credentials are generated.
    let server = Server::spawn(&mut serve("localhost:0"), &dir);
    let port = server.host.strip_prefix("localhost:").unwrap().to_owned();
    for address in (server.host.as_str()).to_socket_addrs().unwrap() {
        // Names may stand for addresses that the machine has not.
        if TcpListener::bind((address.ip(), 0)).is_ok() {
            assert!(TcpStream::connect(address).is_ok(), "{address}, port {port}");
        }
    }
    server.stop();
    let mut all = serve(":0");
    let all = all.env("DELTASTORE_ROOT_USER", ACCESS_KEY).env("DELTASTORE_ROOT_PASSWORD", SECRET_KEY);
    let server = Server::spawn(all, &dir);
    let port: u16 = server.host.strip_prefix("localhost:").unwrap().parse().unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    server.stop();
}

#[test]
fn a_name_without_an_address_is_named_and_leaves_no_folder() {
    let (_folder, dir) = data_folder();
    let said = run(&mut deltastore(&["serve", dir.to_str().unwrap(), "--address", "no-such-name.invalid:0"]));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("cannot resolve no-such-name.invalid: "), "{said:?}");
    assert!(!dir.exists());
}

#[test]
fn generated_credentials_are_printed_once_and_kept() {
    let (_folder, dir) = data_folder();
    let serve = || Server::spawn(&mut deltastore(&["serve", dir.to_str().unwrap(), "--address", "127.0.0.1:0"]), &dir);
    let first = serve();
    let kept = std::fs::read_to_string(dir.join("credentials")).unwrap();
    let secret = kept.lines().nth(1).unwrap();
    assert!(first.greeting.iter().any(|line| line.contains(secret)), "{:?}", first.greeting);
    assert_eq!(first.greeting.iter().filter(|line| line.contains("aws --endpoint-url")).count(), 3);
    first.stop();
    let second = serve();
    assert!(second.greeting.iter().all(|line| !line.contains(secret)), "{:?}", second.greeting);
    second.stop();
    assert_eq!(std::fs::read_to_string(dir.join("credentials")).unwrap(), kept);
}

#[test]
fn a_port_in_use_is_named_and_leaves_no_folder() {
    let (_folder, dir) = data_folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = run(&mut deltastore(&["serve", dir.to_str().unwrap(), "--address", &address]));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains(&format!("cannot listen on {address}")), "{said:?}");
    assert!(!dir.exists());
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure_but_a_full_disk_is() {
    let (_folder, dir) = data_folder();
    Server::start(&dir).stop();
    let program = env!("CARGO_BIN_EXE_deltastore");
    let shell = |script: &str| {
        run(std::process::Command::new("bash").args(["-c", script, program]).arg(&dir).env_remove("RUST_LOG"))
    };
    let said = shell("set -o pipefail; \"$0\" stats \"$1\" | true");
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let said = shell("\"$0\" stats \"$1\" > /dev/full");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("standard output"), "{said:?}");
}
