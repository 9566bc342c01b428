//! A server with a store of its own, and a client that sends exactly the bytes it is told to.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use deltastore::index::MemEngine;
use deltastore::object::{Objects, policy_of};
use deltastore::s3::{ServerSettings, serve};
use deltastore::store::{Folder, Settings, Store};
use deltastore_iam::Credentials;
use deltastore_segment::vfs::{RealVfs, SystemClock};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::sigv4::{ACCESS_KEY, Request, SECRET_KEY};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server with one bucket, `bucket`.
pub struct Server {
    pub address: SocketAddr,
    pub host: String,
    runtime: Runtime,
    pub store: Store,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<std::io::Result<()>>>,
    _folder: TempDir,
}

impl Server {
    pub fn start() -> Self {
        Server::with(ServerSettings::default())
    }

    pub fn with(settings: ServerSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SystemClock);
        let opened = Folder::open(Arc::new(RealVfs), folder.path(), clock.as_ref(), true).unwrap();
        let small = Settings { encode_threads: 2, read_threads: 2, reserve_bytes: 0, policy_of, ..Settings::default() };
        let store = Store::open(opened, Arc::new(MemEngine::new()), clock, small, Default::default()).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let mut make_bucket = Request::new("PUT", "/bucket");
        make_bucket.scope.region = settings.region.clone().unwrap_or(make_bucket.scope.region);
        let credentials = Credentials { access_key: ACCESS_KEY.into(), secret_key: SECRET_KEY.into() };
        let served = runtime.spawn(serve(vec![listener], Objects::new(store.clone()), credentials, settings, async {
            // An error is a dropped sender: the test is over.
            let _ = stopped.await;
        }));
        let host = address.to_string();
        let server = Server { address, host, runtime, store, stop: Some(stop), served: Some(served), _folder: folder };
        let made = server.send(&make_bucket);
        assert_eq!(made.status, 200, "{}", made.text());
        server
    }

    /// Signs, sends, and reads the answer.
    pub fn send(&self, request: &Request) -> Answer {
        self.raw(&request.sign(&self.host).bytes())
    }

    /// Sends bytes on a connection of their own.
    pub fn raw(&self, bytes: &[u8]) -> Answer {
        let mut connection = self.connect();
        // The server may answer and close before it has read everything.
        let _ = connection.stream.write_all(bytes);
        connection.answer()
    }

    /// As [`Server::raw`], and then says that nothing more will come.
    pub fn raw_cut(&self, bytes: &[u8]) -> Answer {
        let mut connection = self.connect();
        connection.stream.write_all(bytes).unwrap();
        connection.stream.shutdown(Shutdown::Write).unwrap();
        connection.answer()
    }

    pub fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Connection { stream, buffer: Vec::new(), chunking: false }
    }

    /// Asserts the code and status of a refusal, and that nothing was stored.
    #[track_caller]
    pub fn refuses(&self, answer: Answer, status: u16, code: &str) {
        answer.is_error(status, code);
        self.is_empty();
    }

    #[track_caller]
    pub fn is_empty(&self) {
        let listed = self.send(&Request::new("GET", "/bucket?list-type=2"));
        assert_eq!(listed.status, 200, "{}", listed.text());
        assert!(listed.text().contains("<KeyCount>0</KeyCount>"), "{}", listed.text());
    }

    /// Asks the server to stop and waits until it has.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Gone already is fine.
            let _ = stop.send(());
        }
        if let Some(served) = self.served.take() {
            self.runtime.block_on(served).unwrap().unwrap();
        }
    }

    /// Tells background work to stop, as the program does when it is told to.
    pub fn begin_background_stop(&self) {
        self.store.stop_background();
    }

    /// Asks the server to stop, without waiting.
    pub fn begin_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

/// A client's end.
pub struct Connection {
    pub stream: TcpStream,
    buffer: Vec<u8>,
    /// The head of an answer that is read by chunks was read.
    chunking: bool,
}

impl Connection {
    pub fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Reads one answer; an empty one if the server closes without.
    pub fn answer(&mut self) -> Answer {
        let Some(head) = self.read_until(b"\r\n\r\n") else { return Answer::default() };
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Answer { status, headers, body: Vec::new() };
        if matches!(status, 100 | 204 | 304) {
            return answer;
        }
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = self.read_chunks();
            return answer;
        }
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        answer.body = self.read_exact(length);
        answer
    }

    /// Reads the answer of a HEAD, which has no body whatever its headers say.
    pub fn head_answer(&mut self) -> Answer {
        let Some(head) = self.read_until(b"\r\n\r\n") else { return Answer::default() };
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let headers = head
            .split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Answer { status, headers, body: Vec::new() }
    }

    /// Without waiting: true if an answer or the connection's end is there.
    pub fn has_ended(&mut self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let waits = matches!(self.stream.peek(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
        self.stream.set_nonblocking(false).unwrap();
        !waits
    }

    /// Has the server closed?
    pub fn is_closed(&mut self) -> bool {
        matches!(self.stream.read(&mut [0]), Ok(0) | Err(_))
    }

    fn read_until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.buffer.windows(end.len()).position(|window| window == end) {
                return Some(self.buffer.drain(..at + end.len()).collect());
            }
            if !self.fill() {
                return None;
            }
        }
    }

    /// The next chunk of an answer whose body is chunked, after its head if that was not read yet.
    pub fn chunk(&mut self) -> Vec<u8> {
        if !self.chunking {
            self.chunking = true;
            self.read_until(b"\r\n\r\n").unwrap();
        }
        let line = self.read_until(b"\r\n").unwrap();
        let length = usize::from_str_radix(String::from_utf8(line).unwrap().trim(), 16).unwrap();
        let chunk = self.read_exact(length);
        self.read_exact(2);
        chunk
    }

    fn read_chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        while let Some(line) = self.read_until(b"\r\n") {
            let length = usize::from_str_radix(String::from_utf8(line).unwrap().trim(), 16).unwrap();
            body.extend(self.read_exact(length));
            self.read_exact(2);
            if length == 0 {
                break;
            }
        }
        body
    }

    fn read_exact(&mut self, length: usize) -> Vec<u8> {
        while self.buffer.len() < length && self.fill() {}
        let length = length.min(self.buffer.len());
        self.buffer.drain(..length).collect()
    }

    fn fill(&mut self) -> bool {
        let mut chunk = [0; 64 << 10];
        match self.stream.read(&mut chunk) {
            Ok(0) | Err(_) => false,
            Ok(read) => {
                self.buffer.extend_from_slice(&chunk[..read]);
                true
            }
        }
    }
}

/// An answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// 0: none came.
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The text of an XML element.
    pub fn element(&self, name: &str) -> Option<String> {
        let text = self.text();
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(value, _)| value.to_owned())
    }

    /// Asserts a refusal's status and code, and that it can be traced.
    #[track_caller]
    pub fn is_error(&self, status: u16, code: &str) {
        let found = (self.status, self.element("Code"));
        assert_eq!(found, (status, Some(code.to_owned())), "{}", self.text());
        let id = self.header("x-amz-request-id").unwrap();
        assert_eq!(self.element("RequestId").as_deref(), Some(id));
    }
}
