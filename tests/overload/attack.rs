//! Connections that do next to nothing, from several addresses.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use crate::sigv4::Request;

/// Addresses that the attack comes from: 127.0.0.2 and so on.
const ADDRESSES: u8 = 8;
/// Bytes that uploads announce.
const ANNOUNCED: usize = 100 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Connects, and that is it.
    Idle,
    /// Sends 100 bytes of what it announces.
    StalledUpload,
    /// Sends 500 bytes a second.
    SlowUpload,
    /// Takes 1,000 bytes a second.
    SlowReader,
}

/// How the server ended a connection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Closed,
    /// Status and S3's code.
    Answered(u16, String),
    /// All of the answer came.
    Completed,
    /// Not at all.
    Open,
}

pub struct Attack {
    runtime: Runtime,
    connections: JoinSet<(Kind, Outcome)>,
    kinds: BTreeMap<Kind, usize>,
    /// Whether they read as fast as they can.
    hurry: watch::Sender<bool>,
}

impl Attack {
    /// Opens all connections at once.
    pub fn start(host: &str, kinds: &[(Kind, usize)]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut connections = JoinSet::new();
        let address: SocketAddr = host.parse().unwrap();
        let (hurry, slow) = watch::channel(false);
        for (kind, number) in kinds {
            for at in 0..*number {
                let from = Ipv4Addr::new(127, 0, 0, 2 + u8::try_from(at % usize::from(ADDRESSES)).unwrap());
                connections.spawn_on(attack(*kind, from, address, head(*kind, host), slow.clone()), runtime.handle());
            }
        }
        Attack { runtime, connections, kinds: kinds.iter().copied().collect(), hurry }
    }

    /// How many of each kind ended how, once all have or `patience` and then `grace` are over. In the grace they are
    /// slow no more: who was cut off without noticing, since it reads slowly or not at all, notices.
    pub fn ended(mut self, patience: Duration, grace: Duration) -> BTreeMap<(Kind, Outcome), usize> {
        let mut outcomes = BTreeMap::new();
        self.runtime.block_on(async {
            for (last, time) in [(false, patience), (true, grace)] {
                let _ = self.hurry.send(last);
                let until = Instant::now() + time;
                while let Ok(Some(ended)) = timeout_at(until, self.connections.join_next()).await {
                    let (kind, outcome) = ended.unwrap();
                    *self.kinds.get_mut(&kind).unwrap() -= 1;
                    *outcomes.entry((kind, outcome)).or_default() += 1;
                }
            }
        });
        for (kind, open) in self.kinds.into_iter().filter(|(_, open)| *open > 0) {
            outcomes.insert((kind, Outcome::Open), open);
        }
        outcomes
    }
}

/// What a connection sends first.
fn head(kind: Kind, host: &str) -> Vec<u8> {
    match kind {
        Kind::Idle => Vec::new(),
        Kind::SlowReader => Request::new("GET", "/bucket/large").sign(host).head,
        Kind::StalledUpload | Kind::SlowUpload => {
            let put = Request::new("PUT", "/bucket/slow").payload("UNSIGNED-PAYLOAD").length(ANNOUNCED);
            let mut bytes = put.sign(host).head;
            bytes.extend_from_slice(&[7; 100]);
            bytes
        }
    }
}

async fn attack(
    kind: Kind,
    from: Ipv4Addr,
    address: SocketAddr,
    head: Vec<u8>,
    hurry: watch::Receiver<bool>,
) -> (Kind, Outcome) {
    let outcome = match connect(from, address).await {
        Ok(stream) => run(kind, stream, head, hurry).await,
        Err(_) => Outcome::Closed,
    };
    (kind, outcome)
}

async fn connect(from: Ipv4Addr, address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(64 << 10)?;
    socket.bind((from, 0).into())?;
    socket.connect(address).await
}

async fn run(kind: Kind, mut stream: TcpStream, head: Vec<u8>, mut hurry: watch::Receiver<bool>) -> Outcome {
    // A connection that is refused may be closed before it has sent anything.
    let _ = stream.write_all(&head).await;
    let mut answer = Vec::new();
    loop {
        let ended = match kind {
            Kind::Idle | Kind::StalledUpload => read(&mut stream, &mut answer, 64 << 10).await,
            Kind::SlowUpload => {
                match timeout(Duration::from_millis(200), read(&mut stream, &mut answer, 64 << 10)).await {
                    Ok(ended) => ended,
                    Err(_) => {
                        let _ = stream.write_all(&[7; 100]).await;
                        false
                    }
                }
            }
            Kind::SlowReader => {
                let hurries = timeout(Duration::from_millis(250), hurry.wait_for(|hurry| *hurry)).await.is_ok();
                read(&mut stream, &mut answer, if hurries { 64 << 10 } else { 250 }).await
            }
        };
        if ended {
            return outcome(kind, &answer);
        }
    }
}

/// Reads some; true at the end.
async fn read(stream: &mut TcpStream, answer: &mut Vec<u8>, most: usize) -> bool {
    let mut bytes = vec![0; most];
    match stream.read(&mut bytes).await {
        Ok(0) | Err(_) => true,
        Ok(read) => {
            answer.extend_from_slice(&bytes[..read]);
            false
        }
    }
}

fn outcome(kind: Kind, answer: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(&answer[..answer.len().min(4096)]);
    let Some(status) = text.split(' ').nth(1).and_then(|status| status.parse().ok()) else { return Outcome::Closed };
    if kind == Kind::SlowReader && status == 200 {
        let whole = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
        return if whole.is_some_and(|whole| answer.len() >= whole) { Outcome::Completed } else { Outcome::Closed };
    }
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once('<')).map_or("", |(code, _)| code);
    Outcome::Answered(status, code.to_owned())
}
