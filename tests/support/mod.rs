//! A real server for tests: the built binary, on a free loopback port, with a data folder of its own.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Root credentials of every test server.
pub const ACCESS_KEY: &str = "deltastore-test";
pub const SECRET_KEY: &str = "deltastore-test-secret";

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// A running `deltastore serve`. Dropped without [`Server::stop`] (a failed test), it is killed and its log printed.
pub struct Server {
    child: Option<Child>,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Server {
    /// Starts a server on an empty data folder and waits until it is ready.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = free_address();
        let log = File::create(folder.path().join("log")).expect("the server's log");
        let child = Command::new(env!("CARGO_BIN_EXE_deltastore"))
            .arg("serve")
            .arg(folder.path().join("data"))
            .args(["--address", &address.to_string()])
            .env("DELTASTORE_ROOT_USER", ACCESS_KEY)
            .env("DELTASTORE_ROOT_PASSWORD", SECRET_KEY)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle on the log"))
            .stderr(log)
            .spawn()
            .expect("the server starts");
        let mut server = Self { child: Some(child), address, folder };
        server.wait_until_ready();
        server
    }

    /// `http://127.0.0.1:PORT`
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Asks the server to stop (SIGTERM) and requires a clean exit.
    pub fn stop(mut self) {
        let mut child = self.child.take().expect("a server is stopped once");
        // The shell's own `kill`: a minimal Debian has no other.
        let asked = Command::new("sh")
            .args(["-c", "kill -TERM \"$1\"", "sh", &child.id().to_string()])
            .status()
            .expect("sh runs");
        assert!(asked.success(), "SIGTERM could not be sent");
        let Some(status) = wait(&mut child, STOP_LIMIT) else {
            self.child = Some(child);
            panic!("the server did not stop within {STOP_LIMIT:?} of SIGTERM");
        };
        assert!(status.success(), "the server ended with {status}; its log:\n{}", self.log());
    }

    /// What the server has written to standard output and error so far.
    pub fn log(&self) -> String {
        let path: PathBuf = self.folder.path().join("log");
        std::fs::read(path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_else(|error| format!("(no log: {error})"))
    }

    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + START_LIMIT;
        while !answers_ready(self.address) {
            let child = self.child.as_mut().expect("the server was just started");
            if let Some(status) = child.try_wait().expect("the server's state") {
                panic!("the server ended with {status} before it was ready; its log:\n{}", self.log());
            }
            assert!(Instant::now() < deadline, "the server was not ready within {START_LIMIT:?}");
            sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Best effort: the test has failed already, and a dead server cannot be killed again.
            let _ = child.kill();
            let _ = child.wait();
            eprintln!("the server's log:\n{}", self.log());
        }
    }
}

/// Waits for a process to end; `None` when it has not within `limit`.
pub fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().expect("the process's state") {
            return Some(status);
        }
        if Instant::now() >= deadline {
            return None;
        }
        sleep(Duration::from_millis(20));
    }
}

/// A loopback address nobody listens on. Two test processes could pick the same one in the moment before the server
/// binds it; the loser then fails to start and says so.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free loopback port")
}

fn answers_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer.starts_with(b"HTTP/1.1 200"))
    };
    ask().unwrap_or(false)
}
