//! Everybody else: small PUTs and GETs, and those who ask for health.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::sigv4::Request;

/// Clients that keep their connections, and clients that make a new one for each request.
const CLIENTS: usize = 4;
const BODY: usize = 4 << 10;
/// Longer than any answer should take: what takes longer counts as so long, and the client connects anew.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pause after a refusal, as real clients make.
const RETRY: Duration = Duration::from_millis(50);

/// Clients at work on two servers in turn.
pub struct Others {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<[Spent; 2]>>,
}

/// What requests to one server took.
#[derive(Clone, Copy, Default)]
struct Spent {
    requests: u32,
    time: Duration,
}

impl Others {
    pub fn start(hosts: [&str; 2]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let clients = (0..CLIENTS)
            .map(|number| {
                let (stop, hosts) = (Arc::clone(&stop), hosts.map(str::to_owned));
                std::thread::spawn(move || client(number, &hosts, &stop))
            })
            .collect();
        Others { stop, clients }
    }

    /// Ends them; requests a second of one client, for each server.
    pub fn rates(self) -> [f64; 2] {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = [Spent::default(); 2];
        for client in self.clients {
            for (sum, spent) in all.iter_mut().zip(client.join().unwrap()) {
                sum.requests += spent.requests;
                sum.time += spent.time;
            }
        }
        all.map(|spent| f64::from(spent.requests) / spent.time.as_secs_f64().max(1e-9))
    }
}

/// Puts and gets on both servers in turn, so that both have the same machine.
fn client(number: usize, hosts: &[String; 2], stop: &AtomicBool) -> [Spent; 2] {
    let keeps = number.is_multiple_of(2);
    let mut spent = [Spent::default(); 2];
    let mut kept: [Option<TcpStream>; 2] = [None, None];
    let path = format!("/bucket/other-{number}");
    'rounds: for round in 0u32.. {
        let body: Vec<u8> = round.to_le_bytes().iter().copied().cycle().take(BODY).collect();
        let requests = [Request::new("PUT", &path).body(body.clone()), Request::new("GET", &path)];
        for ((host, spent), kept) in hosts.iter().zip(&mut spent).zip(&mut kept) {
            for request in &requests {
                let begun = Instant::now();
                let answer = loop {
                    if stop.load(Ordering::Relaxed) {
                        // A request that got no answer has cost its time all the same.
                        spent.time += begun.elapsed();
                        break 'rounds;
                    }
                    let bytes = request.sign(host).bytes();
                    match exchange(host, kept.take().filter(|_| keeps), &bytes) {
                        Some((stream, 200, answer)) => {
                            *kept = Some(stream);
                            break answer;
                        }
                        Some((_, 503, _)) | None => std::thread::sleep(RETRY),
                        Some((_, status, answer)) => panic!("{status}: {}", String::from_utf8_lossy(&answer)),
                    }
                };
                assert!(request.method == "PUT" || answer == body, "round {round} reads other bytes");
                spent.requests += 1;
                spent.time += begun.elapsed();
            }
        }
    }
    spent
}

/// Sends a request and reads its answer; nothing if the connection ends before it is whole.
fn exchange(host: &str, kept: Option<TcpStream>, request: &[u8]) -> Option<(TcpStream, u16, Vec<u8>)> {
    let mut stream = match kept {
        Some(stream) => stream,
        None => TcpStream::connect(host).ok()?,
    };
    stream.set_nodelay(true).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    // A server that refuses may answer and close before it has read everything.
    let _ = stream.write_all(request);
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break at + 4;
        }
        fill(&mut stream, &mut bytes)?;
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok()).unwrap_or(0);
    while bytes.len() < head + length {
        fill(&mut stream, &mut bytes)?;
    }
    Some((stream, status, bytes.split_off(head)))
}

fn fill(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let mut more = [0; 16 << 10];
    match stream.read(&mut more) {
        Ok(0) | Err(_) => None,
        Ok(read) => {
            bytes.extend_from_slice(&more[..read]);
            Some(())
        }
    }
}

/// Asks both servers for health, each time on a new connection, for so long; the median time of each.
pub fn health_times(hosts: [&str; 2], watched: Duration) -> [Duration; 2] {
    let mut times = [Vec::new(), Vec::new()];
    let begun = Instant::now();
    while begun.elapsed() < watched {
        for (host, times) in hosts.iter().zip(&mut times) {
            let asked = Instant::now();
            let request = format!("GET /health/live HTTP/1.1\r\nhost: {host}\r\n\r\n");
            let answer = exchange(host, None, request.as_bytes());
            assert!(answer.is_some_and(|(_, status, _)| status == 200), "no health from {host}");
            times.push(asked.elapsed());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    })
}
