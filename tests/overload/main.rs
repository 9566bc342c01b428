//! Slow and idle clients against everybody else: a server of few descriptors and little memory is taken by thousands of
//! connections that do next to nothing, and serves the others as if they were not there.
//!
//! What others get is compared with what they get at the same time from a second server on the same machine that nobody
//! attacks, so that a busy machine slows both.

#[path = "../cli/process.rs"]
#[expect(dead_code, reason = "what other tests need of the process")]
mod process;
#[path = "../support/sigv4.rs"]
#[expect(dead_code, reason = "what other tests need of the signer")]
mod sigv4;

mod attack;
mod others;

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::attack::{Attack, Outcome};
use crate::others::{Others, health_times};
use crate::process::{Server, data_folder, deltastore, noise};
use crate::sigv4::{ACCESS_KEY, SECRET_KEY};

const IDLE: usize = 2000;
const STALLED_UPLOADS: usize = 1000;
const SLOW_UPLOADS: usize = 32;
const SLOW_READERS: usize = 200;
/// Descriptors of the attacked server, and of this process.
const FEW: u64 = 1024;
const MANY: u64 = 8192;
/// How long the others are watched.
const WATCHED: Duration = Duration::from_secs(12);
/// Every slow client is cut off by then.
const ALL_CUT: Duration = Duration::from_secs(30);
/// No connection of theirs is left by then.
const ALL_GONE: Duration = Duration::from_secs(150);
/// Until a client that reads as fast as it can has noticed.
const NOTICED: Duration = Duration::from_secs(5);
const MEMORY: u64 = 512 << 20;

fn raise_own_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    assert!(
        maximum.is_none_or(|maximum| maximum >= MANY),
        "this test opens {MANY} files, the hard limit is {maximum:?}"
    );
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

/// A server whose hard limit of descriptors is low, as `ulimit -n` sets it.
fn with_few_descriptors(dir: &Path) -> Server {
    let program = deltastore(&[]);
    let mut command = std::process::Command::new("sh");
    command
        .arg("-c")
        .arg(format!("ulimit -n {FEW}; exec \"$0\" serve \"$1\" --address 127.0.0.1:0 --slow-client-timeout 10"))
        .arg(program.get_program())
        .arg(dir)
        .env("DELTASTORE_ROOT_USER", ACCESS_KEY)
        .env("DELTASTORE_ROOT_PASSWORD", SECRET_KEY)
        .env_remove("RUST_LOG")
        .stdin(std::process::Stdio::null());
    Server::spawn(&mut command, dir)
}

/// Most memory that a server had resident, in bytes.
fn peak_memory(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// Sockets that a server has open, the one that listens included.
fn sockets(server: &Server) -> usize {
    let files = std::fs::read_dir(format!("/proc/{}/fd", server.id())).unwrap();
    let is_socket = |path: &Path| std::fs::read_link(path).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"));
    files.filter(|file| is_socket(&file.as_ref().unwrap().path())).count()
}

#[test]
fn slow_and_idle_clients_take_nothing_from_others() {
    raise_own_limit();
    let (_folder, dir) = data_folder();
    let (_other_folder, other_dir) = data_folder();
    let attacked = with_few_descriptors(&dir);
    let calm = Server::start(&other_dir);
    for server in [&attacked, &calm] {
        server.make_bucket();
    }
    attacked.put("large", &noise(1, 48 << 20));

    let attack = Attack::start(
        &attacked.host,
        &[
            (attack::Kind::Idle, IDLE),
            (attack::Kind::StalledUpload, STALLED_UPLOADS),
            (attack::Kind::SlowUpload, SLOW_UPLOADS),
            (attack::Kind::SlowReader, SLOW_READERS),
        ],
    );
    let begun = Instant::now();
    let others = Others::start([&attacked.host, &calm.host]);
    let healthy = health_times([&attacked.host, &calm.host], WATCHED);
    let [attacked_rate, calm_rate] = others.rates();
    let peak = peak_memory(&attacked);
    eprintln!("requests of others a second: {attacked_rate:.0}, without the attack {calm_rate:.0}");
    eprintln!("health in {:?}, without the attack {:?}; peak memory {} MiB", healthy[0], healthy[1], peak >> 20);
    assert!(attacked_rate >= 0.5 * calm_rate, "{attacked_rate:.1} against {calm_rate:.1} requests a second");
    let promised = Duration::from_millis(100);
    assert!(healthy[0] <= promised.max(3 * healthy[1]), "health took {healthy:?}");
    assert!(peak <= MEMORY, "{} MiB", peak >> 20);

    let outcomes = attack.ended(ALL_CUT.saturating_sub(begun.elapsed()), NOTICED);
    // The kernel tries to connect again for two minutes, so that some come late and have their time then.
    while sockets(&attacked) > sockets(&calm) && begun.elapsed() < ALL_GONE {
        std::thread::sleep(Duration::from_millis(100));
    }
    let held = sockets(&attacked);
    eprintln!("{outcomes:?} after {:?}; the server holds {held} sockets", begun.elapsed());
    assert!(held <= sockets(&calm), "{held} sockets: some are of slow clients still");
    let count = |kind, outcome: &Outcome| outcomes.get(&(kind, outcome.clone())).copied().unwrap_or(0);
    for ((kind, outcome), number) in &outcomes {
        let right = match outcome {
            Outcome::Closed => true,
            Outcome::Answered(status, code) => {
                matches!((*status, code.as_str()), (503, "SlowDown") | (400, "RequestTimeout"))
            }
            // The kernel of a full server forgets connections that it never handed over, and who sends nothing is not
            // told.
            Outcome::Open => *kind == attack::Kind::Idle,
            Outcome::Completed => false,
        };
        assert!(right, "{number} of {kind:?} ended with {outcome:?}");
    }
    assert!(count(attack::Kind::StalledUpload, &Outcome::Answered(400, "RequestTimeout".into())) > 0, "{outcomes:?}");
    assert!(count(attack::Kind::Idle, &Outcome::Closed) > 0, "{outcomes:?}");

    attacked.put("after", b"all is well");
    attacked.has("after", b"all is well");
    attacked.stop();
    calm.stop();
}

#[test]
fn what_was_found_of_descriptors_is_said() {
    let (_folder, dir) = data_folder();
    let server = with_few_descriptors(&dir);
    server.terminate();
    let (code, log) = server.ended();
    assert_eq!(code, Some(0), "{log}");
    let line = log.lines().find(|line| line.contains("open files")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains("limit=1024") && line.contains("connections="), "{line}");
    assert!(log.contains("the limit of open files allows few connections"), "{log}");
}
