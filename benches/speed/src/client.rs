//! A raw HTTP/1.1 client that costs next to nothing: one kept connection, signatures made beforehand.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::sigv4::Request;

const BUFFER: usize = 256 << 10;

/// One connection.
pub struct Client {
    stream: TcpStream,
    host: String,
    buffer: Vec<u8>,
}

/// A signed head, good for a quarter of an hour.
pub struct Head(Vec<u8>);

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        Self { stream, host: address.to_string(), buffer: vec![0; BUFFER] }
    }

    pub fn is_ready(address: SocketAddr) -> bool {
        let ask = || -> std::io::Result<bool> {
            let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            write!(stream, "GET /health/ready HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
            Ok(answer.starts_with(b"HTTP/1.1 200"))
        };
        ask().unwrap_or(false)
    }

    /// Signs a request whose body's digest is not part of the signature.
    pub fn sign(&self, method: &'static str, target: &str, body_len: usize, headers: &[(&str, &str)]) -> Head {
        let mut request = Request::new(method, target).payload("UNSIGNED-PAYLOAD").length(body_len);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        Head(request.sign(&self.host).head)
    }

    /// Sends a request, and takes the answer's body without keeping it: its length.
    pub fn send(&mut self, head: &Head, body: &[u8]) -> u64 {
        if body.len() <= BUFFER {
            self.write(&[&head.0, body].concat());
        } else {
            self.write(&head.0);
            self.write(body);
        }
        self.answer()
    }

    pub fn put(&mut self, target: &str, body: &[u8]) {
        let head = self.sign("PUT", target, body.len(), &[]);
        self.send(&head, body);
    }

    /// A PUT whose body is made on the way.
    pub fn put_stream(&mut self, target: &str, len: usize, mut fill: impl FnMut(&mut [u8])) {
        let head = self.sign("PUT", target, len, &[]);
        self.write(&head.0);
        let mut block = vec![0; 1 << 20];
        let mut left = len;
        while left > 0 {
            let now = left.min(block.len());
            fill(&mut block[..now]);
            self.write(&block[..now]);
            left -= now;
        }
        self.answer();
    }

    pub fn get(&mut self, target: &str) -> u64 {
        let head = self.sign("GET", target, 0, &[]);
        self.send(&head, &[])
    }

    fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server takes the request");
    }

    fn answer(&mut self) -> u64 {
        let mut filled = 0;
        let head = loop {
            let read = self.stream.read(&mut self.buffer[filled..]).expect("an answer");
            assert!(read > 0, "the server closed the connection");
            filled += read;
            if let Some(at) = self.buffer[..filled].windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let text = String::from_utf8_lossy(&self.buffer[..head]).to_ascii_lowercase();
        assert!(text.starts_with("http/1.1 2"), "{}", String::from_utf8_lossy(&self.buffer[..filled]));
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: u64 = length.map_or(0, |length| length.trim().parse().expect("a length"));
        let mut left = length.saturating_sub((filled - head) as u64);
        while left > 0 {
            let read = self.stream.read(&mut self.buffer).expect("the answer's body") as u64;
            assert!(read > 0, "the answer was cut short");
            left -= read.min(left);
        }
        length
    }
}
