//! The built server on a free loopback port.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::sigv4::{ACCESS_KEY, SECRET_KEY};

const START_LIMIT: Duration = Duration::from_secs(300);

/// A running server over a folder that outlives it.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// From the start of the process until `/health/ready`.
    pub started_in: Duration,
}

impl Server {
    /// Serves `dir`, and waits until it is ready.
    pub fn start(dir: &Path, arguments: &[&str]) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let log = File::create(dir.with_extension("log")).expect("the server's log");
        let started = Instant::now();
        let child = Command::new(binary())
            .arg("serve")
            .arg(dir)
            .args(["--address", &address.to_string()])
            .args(arguments)
            .env("DELTASTORE_ROOT_USER", ACCESS_KEY)
            .env("DELTASTORE_ROOT_PASSWORD", SECRET_KEY)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle on the log"))
            .stderr(log)
            .spawn()
            .expect("the server starts");
        let mut server = Self { child, address, started_in: Duration::ZERO };
        while !Client::is_ready(address) {
            assert!(started.elapsed() < START_LIMIT, "the server was not ready in time");
            assert!(server.child.try_wait().expect("its state").is_none(), "the server ended; see its log");
            std::thread::sleep(Duration::from_millis(2));
        }
        server.started_in = started.elapsed();
        server
    }

    pub fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// Most memory it had resident, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("kilobytes") << 10
    }

    /// CPU seconds that it used so far.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("its times");
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        [11, 12].iter().filter_map(|&at| fields.get(at)?.parse::<f64>().ok()).sum::<f64>() / 100.0
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.end();
    }

    /// SIGTERM; waits for the clean end.
    pub fn stop(mut self) {
        let asked = Command::new("sh").args(["-c", "kill -TERM \"$1\"", "sh", &self.child.id().to_string()]).status();
        assert!(asked.is_ok_and(|status| status.success()), "SIGTERM could not be sent");
        assert!(self.child.wait().expect("its end").success(), "the server failed");
    }

    fn end(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server that the same build left next to this program, or the one that is named.
fn binary() -> PathBuf {
    std::env::var_os("DELTASTORE_BINARY").map_or_else(
        || std::env::current_exe().expect("this program's path").with_file_name("deltastore"),
        PathBuf::from,
    )
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}
