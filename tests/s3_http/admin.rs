//! What an administrator asks under `/_deltastore/`.

use std::io::Write;
use std::time::{Duration, Instant};

use deltastore::store::{Collector, Optimizer, Scrub};

use crate::server::Server;
use crate::sigv4::Request;

/// A gzip of numbered lines, of which those from `changed` on begin with another word.
fn release(changed: usize) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    for number in 0..40_000usize {
        let word = if (changed..changed + 50).contains(&number) { "changed" } else { "line" };
        writeln!(gzip, "{word} {number} {:x}", number.wrapping_mul(0x9e37_79b9) % 1_000_003).unwrap();
    }
    gzip.finish().unwrap()
}

fn optimize(server: &Server, query: &str) -> serde_json::Value {
    let answer = server.send(&Request::new("POST", &format!("/_deltastore/optimize{query}")));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    serde_json::from_str(answer.text().lines().last().unwrap()).unwrap()
}

#[test]
fn objects_are_stored_anew_and_read_the_same() {
    let server = Server::start();
    let releases = [release(10_000), release(20_000), release(30_000)];
    for (number, release) in releases.iter().enumerate() {
        let put = Request::new("PUT", &format!("/bucket/r/{number}.gz")).body(release.clone());
        assert_eq!(server.send(&put).status, 200);
    }
    let counted = optimize(&server, "?dry-run=true");
    assert_eq!((counted["found"].as_u64(), counted["objects"].as_u64()), (Some(3), Some(0)));
    let done = optimize(&server, "?bucket=bucket&policy=max");
    assert_eq!((done["state"].as_str(), done["objects"].as_u64()), (Some("done"), Some(3)));
    let (bytes, written) = (done["bytes"].as_u64().unwrap(), done["written_bytes"].as_u64().unwrap());
    assert!(written * 2 < bytes, "{done}");
    for (number, release) in releases.iter().enumerate() {
        let got = server.send(&Request::new("GET", &format!("/bucket/r/{number}.gz")));
        assert!(got.body == *release, "release {number}");
        let range = Request::new("GET", &format!("/bucket/r/{number}.gz")).header("range", "bytes=70000-70999");
        assert!(server.send(&range).body == release[70_000..71_000], "range of release {number}");
    }
    assert_eq!(optimize(&server, "")["found"].as_u64(), Some(0), "nothing is done twice");
}

#[test]
fn a_bucket_has_a_policy() {
    let server = Server::start();
    let policy =
        |method: &'static str, query: &str| server.send(&Request::new(method, &format!("/_deltastore/policy{query}")));
    assert!(policy("GET", "?bucket=bucket").text().contains("balanced"));
    assert_eq!(policy("PUT", "?bucket=bucket&policy=off").status, 200);
    assert!(policy("GET", "?bucket=bucket").text().contains("off"));
    server.send(&Request::new("PUT", "/bucket/key").body(release(1)));
    assert_eq!(optimize(&server, "")["found"].as_u64(), Some(0));
    assert_eq!(optimize(&server, "?policy=fast")["objects"].as_u64(), Some(1));
    policy("PUT", "?bucket=bucket&policy=best").is_error(400, "InvalidArgument");
    policy("PUT", "?bucket=bucket").is_error(400, "InvalidArgument");
    policy("GET", "").is_error(400, "InvalidArgument");
    policy("PUT", "?bucket=missing&policy=off").is_error(404, "NoSuchBucket");
    policy("DELETE", "?bucket=bucket").is_error(405, "MethodNotAllowed");
    let damage = server.send(&Request::new("GET", "/_deltastore/damage"));
    assert_eq!((damage.status, damage.text().contains(r#""known_blobs":0"#)), (200, true));
}

fn inspect(server: &Server, object: &str) -> serde_json::Value {
    let answer = server.send(&Request::new("GET", &format!("/_deltastore/inspect/{object}")));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    serde_json::from_str(&answer.text()).unwrap()
}

#[test]
fn an_object_is_inspected_while_the_server_runs() {
    let server = Server::start();
    server.send(&Request::new("PUT", "/bucket/a%2B%20b/%C3%BC").body(release(1)));
    let found = inspect(&server, "bucket/a%2B%20b/%C3%BC");
    assert_eq!((&found["bucket"], &found["key"]), (&"bucket".into(), &"a+ b/ü".into()));
    assert_eq!((&found["size"], &found["optimized"]), (&release(1).len().into(), &false.into()));
    assert_eq!(found["recreations"][0]["by"], "tokens");
    assert!(!found["windows"].as_array().unwrap().is_empty(), "{found}");
    optimize(&server, "");
    assert_eq!(inspect(&server, "bucket/a%2B%20b/%C3%BC?version-id=null")["optimized"], true);
}

#[test]
fn inspections_bear_with_writers_and_the_optimizer() {
    let server = Server::start();
    let releases = [release(10_000), release(20_000)];
    let put = |number: usize| {
        let put = Request::new("PUT", "/bucket/key").body(releases[number % 2].clone());
        assert_eq!(server.send(&put).status, 200);
    };
    put(0);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            for number in 0..12 {
                put(number);
                optimize(&server, "?policy=fast");
                if number % 4 == 3 {
                    assert_eq!(server.send(&Request::new("DELETE", "/bucket/key")).status, 204);
                }
            }
        });
        let mut seen = 0;
        while !writing.is_finished() {
            let answer = server.send(&Request::new("GET", "/_deltastore/inspect/bucket/key"));
            match answer.status {
                200 => seen += 1,
                404 => answer.is_error(404, "NoSuchKey"),
                _ => answer.is_error(409, "OperationAborted"),
            }
        }
        writing.join().unwrap();
        assert!(seen > 0);
    });
}

#[test]
fn nothing_is_answered_to_strangers_or_guessed() {
    let server = Server::start();
    let anonymous =
        format!("POST /_deltastore/optimize HTTP/1.1\r\nhost: {}\r\ncontent-length: 0\r\n\r\n", server.host);
    server.raw(anonymous.as_bytes()).is_error(403, "AccessDenied");
    let send = |method: &'static str, path: &str| server.send(&Request::new(method, path));
    send("POST", "/_deltastore/optimize?bucket=missing").is_error(404, "NoSuchBucket");
    send("POST", "/_deltastore/optimize?speed=9").is_error(400, "InvalidArgument");
    send("GET", "/_deltastore/optimize").is_error(405, "MethodNotAllowed");
    send("GET", "/_deltastore/else").is_error(400, "InvalidRequest");
    server.send(&Request::new("PUT", "/bucket/key").body("data"));
    let anonymous = format!("GET /_deltastore/inspect/bucket/key HTTP/1.1\r\nhost: {}\r\n\r\n", server.host);
    server.raw(anonymous.as_bytes()).is_error(403, "AccessDenied");
    for (path, status, code) in [
        ("missing/key", 404, "NoSuchBucket"),
        ("bucket/kez", 404, "NoSuchKey"),
        ("bucket/key?version-id=0000000000000001", 404, "NoSuchVersion"),
        ("bucket/key?version-id=x", 400, "InvalidArgument"),
        ("bucket/key?verson-id=null", 400, "InvalidArgument"),
        ("bucket", 400, "InvalidRequest"),
        ("bucket/", 400, "InvalidRequest"),
        ("bucket/%ff", 400, "InvalidURI"),
    ] {
        send("GET", &format!("/_deltastore/inspect/{path}")).is_error(status, code);
    }
    send("PUT", "/_deltastore/inspect/bucket/key").is_error(405, "MethodNotAllowed");
}

/// Megabytes of a compressed stream, which take the optimizer a while.
fn long_work() -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    for number in 0..1_500_000u64 {
        writeln!(gzip, "{number} {:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).unwrap();
    }
    gzip.finish().unwrap()
}

#[test]
fn a_run_tells_what_it_is_at_within_one_object_and_another_one_is_refused() {
    let mut server = Server::start();
    let put = Request::new("PUT", "/bucket/long.gz").body(long_work());
    assert_eq!(server.send(&put).status, 200);
    let run = Request::new("POST", "/_deltastore/optimize?policy=max");
    let mut first = server.connect();
    first.stream.write_all(&run.sign(&server.host).bytes()).unwrap();
    let (mut lines, mut last) = (0, Instant::now());
    let mut longest = Duration::ZERO;
    while lines < 6 {
        let line: serde_json::Value = serde_json::from_slice(&first.chunk()).unwrap();
        longest = longest.max(last.elapsed());
        last = Instant::now();
        assert_eq!(line["state"], "running", "{line}");
        lines += u32::from(line["at"]["key"] == "long.gz");
    }
    // Bounds of liveness: a line each quarter of a second is what it should be.
    assert!(longest < Duration::from_secs(5), "{longest:?} without a line");
    server.send(&run).is_error(409, "OperationAborted");
    // The end of the server ends the run, and the client is told.
    server.begin_background_stop();
    let last = loop {
        let line: serde_json::Value = serde_json::from_slice(&first.chunk()).unwrap();
        if line["state"] != "running" {
            break line;
        }
    };
    assert_eq!(last["state"], "stopped", "{last}");
    server.stop();
}

#[test]
fn after_a_run_there_may_be_another() {
    let server = Server::start();
    for _ in 0..3 {
        assert_eq!(optimize(&server, "")["state"], "done");
    }
}

#[test]
fn jobs_are_listed_and_controlled() {
    let (server, pause) = (Server::start(), Duration::from_secs(60));
    let _jobs = [
        server.store.start_job(Collector::new(pause)).unwrap(),
        server.store.start_job(Optimizer::new(pause)).unwrap(),
        server.store.start_job(Scrub).unwrap(),
    ];
    let send =
        |method: &'static str, rest: &str| server.send(&Request::new(method, &format!("/_deltastore/jobs{rest}")));
    let job = |name: &str| -> serde_json::Value {
        let answer = send("GET", "");
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        let jobs: Vec<serde_json::Value> = serde_json::from_str(&answer.text()).unwrap();
        jobs.into_iter().find(|job| job["name"] == name).unwrap_or_else(|| panic!("no {name}: {}", answer.text()))
    };
    assert_eq!((&job("collect")["state"], &job("optimize")["priority"]), (&"waiting".into(), &"lowest".into()));
    assert_eq!(send("POST", "/scrub/run").status, 200);
    let start = Instant::now();
    while job("scrub")["runs"] != 1 {
        assert!(start.elapsed() < Duration::from_secs(30), "{}", job("scrub"));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(job("scrub")["last"]["result"].is_string(), "{}", job("scrub"));
    assert_eq!(send("POST", "/collect/pause").status, 200);
    assert_eq!(job("collect")["state"], "paused");
    send("POST", "/collect/run").is_error(409, "OperationAborted");
    assert_eq!(send("POST", "/collect/resume").status, 200);
    assert_ne!(job("collect")["state"], "paused");
    optimize(&server, "");
    assert_eq!(job("optimize-by-hand")["state"], "ended");
    send("POST", "/optimize-by-hand/run").is_error(409, "OperationAborted");
    send("POST", "/none/run").is_error(400, "InvalidArgument");
    send("POST", "/collect/explode").is_error(400, "InvalidRequest");
    send("DELETE", "").is_error(405, "MethodNotAllowed");
    let anonymous =
        format!("POST /_deltastore/jobs/collect/pause HTTP/1.1\r\nhost: {}\r\ncontent-length: 0\r\n\r\n", server.host);
    server.raw(anonymous.as_bytes()).is_error(403, "AccessDenied");
}
