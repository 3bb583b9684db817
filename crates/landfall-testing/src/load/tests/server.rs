//! A little shop on a socket, with manners of one's choice. Speaks just enough HTTP by hand, since
//! a real server would not misbehave so.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::load::call::hex;

/// How it behaves. Those that misbehave "at times" do so at every third request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Manners {
    Good,
    /// Half a body, then the end, at times.
    Truncates,
    /// The end instead of an answer, at times; after a while, where a slow request asks for one.
    Drops,
    /// The end instead of any answer.
    DropsAll,
    /// Ends connections that were idle for some milliseconds.
    ClosesIdle,
    /// Ends a connection at its second request, as a server does that closes it at that moment.
    ClosesKept,
    /// 503.
    Fails,
    /// Names another release in the body than in the header.
    Lies,
    /// Never answers.
    Hangs,
    /// Forgets orders, at times.
    Forgets,
}

pub(super) struct Server {
    address: SocketAddr,
    shop: Arc<Shop>,
    accepting: JoinHandle<()>,
}

struct Shop {
    manners: Manners,
    requests: AtomicU64,
    orders: Mutex<HashMap<String, u32>>,
}

struct Request {
    target: String,
    body: Vec<u8>,
}

impl Server {
    pub(super) async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shop = Arc::new(Shop {
            manners,
            requests: AtomicU64::new(0),
            orders: Mutex::new(HashMap::new()),
        });
        let shared = Arc::clone(&shop);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shop = Arc::clone(&shared);
                tokio::spawn(async move { shop.serve(stream).await });
            }
        });
        Self { address, shop, accepting }
    }

    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    /// How often the order that came most often came.
    pub(super) fn most_often_posted(&self) -> u32 {
        self.shop.orders.lock().unwrap().values().copied().max().unwrap_or(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shop {
    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut buffer = Vec::new();
        let mut was_used = false;
        loop {
            let reading = read_request(&mut stream, &mut buffer);
            // A new connection gets its first request in time, however busy the machine is.
            let request = if self.manners == Manners::ClosesIdle && was_used {
                match tokio::time::timeout(Duration::from_millis(3), reading).await {
                    Ok(request) => request?,
                    Err(_) => return Ok(()),
                }
            } else {
                reading.await?
            };
            was_used = true;
            if !self.answer(&mut stream, request).await? {
                return Ok(());
            }
            if self.manners == Manners::ClosesKept {
                read_request(&mut stream, &mut buffer).await?;
                return Ok(());
            }
        }
    }

    /// Whether the connection goes on.
    async fn answer(&self, stream: &mut TcpStream, request: Request) -> io::Result<bool> {
        let misbehaves = self.requests.fetch_add(1, Ordering::Relaxed) % 3 == 2;
        let (status, body) = self.act(&request, misbehaves).await;
        let status = if self.manners == Manners::Fails { 503 } else { status };
        let head = format!(
            "HTTP/1.1 {status} x\r\nX-Release: v1\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        match self.manners {
            Manners::Hangs => std::future::pending().await,
            Manners::Drops if misbehaves => return Ok(false),
            Manners::DropsAll => return Ok(false),
            Manners::Truncates if misbehaves => {
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(&body.as_bytes()[..body.len() / 2]).await?;
                return Ok(false);
            }
            _ => {}
        }
        stream.write_all(format!("{head}{body}").as_bytes()).await?;
        Ok(true)
    }

    async fn act(&self, request: &Request, misbehaves: bool) -> (u16, String) {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        match path {
            "/" => (200, "<h1>Catalog</h1>".to_owned()),
            "/api/products" => (200, json!({"products": ["compass-brass"]}).to_string()),
            "/version" => {
                let release = if self.manners == Manners::Lies { "v2" } else { "v1" };
                (200, json!({"release": release}).to_string())
            }
            "/slow" => {
                let ms: u64 = query.trim_start_matches("ms=").parse().unwrap();
                tokio::time::sleep(Duration::from_millis(ms)).await;
                (200, json!({"slept_ms": ms}).to_string())
            }
            "/upload" => (201, json!({"sha256": hex(&Sha256::digest(&request.body))}).to_string()),
            "/api/orders" => self.order(request, misbehaves),
            _ => match path.strip_prefix("/api/orders/") {
                Some(uuid) if self.orders.lock().unwrap().contains_key(uuid) => {
                    (200, json!({"uuid": uuid}).to_string())
                }
                Some(_) => (404, "{}".to_owned()),
                None => (200, "body {}".to_owned()),
            },
        }
    }

    fn order(&self, request: &Request, misbehaves: bool) -> (u16, String) {
        let order: Value = serde_json::from_slice(&request.body).unwrap();
        let uuid = order["uuid"].as_str().unwrap().to_owned();
        if self.manners != Manners::Forgets || !misbehaves {
            *self.orders.lock().unwrap().entry(uuid.clone()).or_default() += 1;
        }
        (201, json!({"uuid": uuid}).to_string())
    }
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Request> {
    let head = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head: Vec<u8> = buffer.drain(..end + 4).collect();
            break String::from_utf8(head).unwrap();
        }
        fill(stream, buffer).await?;
    };
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.parse().unwrap());
    while buffer.len() < length {
        fill(stream, buffer).await?;
    }
    let target = head.split(' ').nth(1).unwrap().to_owned();
    Ok(Request { target, body: buffer.drain(..length).collect() })
}

async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    match stream.read_buf(buffer).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}
