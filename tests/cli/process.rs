//! The program in a process of its own, and just enough HTTP to talk to it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::sigv4::{ACCESS_KEY, Request, SECRET_KEY};

/// Longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The program without an inherited setting.
pub fn deltastore(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deltastore"));
    command.args(arguments).stdin(Stdio::null());
    for name in ["DELTASTORE_ROOT_USER", "DELTASTORE_ROOT_PASSWORD", "RUST_LOG", "RUST_BACKTRACE"] {
        command.env_remove(name);
    }
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"]
    {
        command.env_remove(name);
    }
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
        command.env_remove(name);
    }
    command
}

/// What a command that ended said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs a command that must end by itself.
pub fn run(command: &mut Command) -> Said {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipes = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let reading = std::thread::spawn(move || {
        let mut err = Vec::new();
        pipes.1.read_to_end(&mut err).unwrap();
        err
    });
    let mut out = Vec::new();
    pipes.0.read_to_end(&mut out).unwrap();
    let err = reading.join().unwrap();
    let status = wait(&mut child);
    let output = Output { status, stdout: out, stderr: err };
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs a command on a stopped folder.
pub fn offline(name: &str, dir: &Path) -> Said {
    run(&mut deltastore(&[name, dir.to_str().unwrap()]))
}

/// As [`offline`], and it must succeed.
#[track_caller]
pub fn succeed(name: &str, dir: &Path) -> String {
    let said = offline(name, dir);
    assert_eq!(said.code, Some(0), "{name}: {said:?}");
    said.out
}

fn wait(child: &mut Child) -> std::process::ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("the process did not end within {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A temporary folder and the data folder in it, which is not there yet.
pub fn data_folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("data");
    (folder, dir)
}

/// The program as a server on a free port with the signer's credentials.
pub fn serve(dir: &Path) -> Command {
    let mut command = deltastore(&["serve", dir.to_str().unwrap(), "--address", "127.0.0.1:0"]);
    command.env("DELTASTORE_ROOT_USER", ACCESS_KEY).env("DELTASTORE_ROOT_PASSWORD", SECRET_KEY);
    command
}

/// A serving process. Dropped, it is killed.
pub struct Server {
    child: Child,
    pub host: String,
    pub greeting: Vec<String>,
    log: PathBuf,
}

impl Server {
    /// Serves `dir` on a free port with the signer's credentials.
    pub fn start(dir: &Path) -> Self {
        Server::with(dir, &[])
    }

    pub fn with(dir: &Path, more: &[&str]) -> Self {
        Server::spawn(serve(dir).args(more), dir)
    }

    pub fn spawn(command: &mut Command, dir: &Path) -> Self {
        let log = dir.with_extension("log");
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(&log).unwrap())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut greeting = Vec::new();
        while !greeting.last().is_some_and(|line: &String| line.contains(" s3 ls ")) {
            match lines.next() {
                Some(line) => greeting.push(line.unwrap()),
                None => panic!("the server did not start: {}", std::fs::read_to_string(&log).unwrap()),
            }
        }
        let host = greeting[0].split_whitespace().find_map(|word| word.strip_prefix("http://")).unwrap().to_owned();
        Server { child, host, greeting, log }
    }

    /// Everything on standard error so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Most memory it had resident, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    /// Sends SIGTERM, without waiting.
    pub fn terminate(&self) {
        // The shell's own `kill`: a minimal Debian has no other.
        let script = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
    }

    /// Waits for the end and answers the exit code and the log.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let code = wait(&mut self.child).code();
        (code, self.log())
    }

    #[track_caller]
    pub fn stop(self) {
        self.terminate();
        let (code, log) = self.ended();
        assert_eq!(code, Some(0), "{log}");
    }

    /// kill -9
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Signs and sends a request on a connection of its own.
    pub fn send(&self, request: Request) -> Answer {
        let mut stream = self.connect();
        stream.write_all(&request.unsigned("connection", "close").sign(&self.host).bytes()).unwrap();
        answer(&mut stream)
    }

    #[track_caller]
    pub fn make_bucket(&self) {
        assert_eq!(self.send(Request::new("PUT", "/bucket")).status, 200);
    }

    #[track_caller]
    pub fn put(&self, key: &str, body: &[u8]) {
        let answer = self.send(Request::new("PUT", &format!("/bucket/{key}")).body(body));
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    }

    #[track_caller]
    pub fn has(&self, key: &str, body: &[u8]) {
        let answer = self.send(Request::new("GET", &format!("/bucket/{key}")));
        assert_eq!(answer.status, 200, "{key}: {}", String::from_utf8_lossy(&answer.body));
        assert!(answer.body == body, "{key} differs: {} bytes, expected {}", answer.body.len(), body.len());
    }

    #[track_caller]
    pub fn lacks(&self, key: &str) {
        assert_eq!(self.send(Request::new("GET", &format!("/bucket/{key}"))).status, 404, "{key}");
    }

    /// A request without credentials.
    pub fn plain(&self, path: &str) -> Answer {
        let mut stream = self.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.host).unwrap();
        answer(&mut stream)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already unless a test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    }
}

/// Reads the one answer of a connection that closes after it.
pub fn answer(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: bytes.split_off(end + 4) }
}

/// A server whose connections get these answers, one each, after first bytes that begin so; where it is.
pub fn answering(answers: Vec<(&'static str, Vec<u8>)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for (begin, answer) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut first = [0; 1 << 16];
            let len = stream.read(&mut first).unwrap();
            assert!(first[..len].starts_with(begin.as_bytes()), "{}", String::from_utf8_lossy(&first[..len]));
            stream.write_all(&answer).unwrap();
        }
    });
    host
}

/// Bytes that do not compress, another row for each seed.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Sizes of all segment files together.
pub fn segment_bytes(dir: &Path) -> u64 {
    std::fs::read_dir(dir.join("segments")).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum()
}
