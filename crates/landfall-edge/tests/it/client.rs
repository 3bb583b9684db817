//! Clients: a strict one on hyper, and a raw one for what hyper would not send.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use landfall_edge::REASON_HEADER;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use crate::backend::Body;
use crate::support::within;

/// One connection.
pub(crate) struct Client {
    sender: SendRequest<Body>,
    host: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) trailers: Option<HeaderMap>,
}

pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self, Fault> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection.with_upgrades());
        Ok(Self { sender, host: address.to_string() })
    }

    /// Whether another request may follow.
    pub(crate) async fn is_open(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends, and waits for the head of the answer.
    pub(crate) async fn open(
        &mut self,
        mut request: Request<Body>,
    ) -> Result<Response<Incoming>, Fault> {
        self.sender.ready().await?;
        let headers = request.headers_mut();
        headers.entry("host").or_insert(self.host.parse()?);
        Ok(self.sender.send_request(request).await?)
    }

    pub(crate) async fn send(&mut self, request: Request<Body>) -> Result<Answer, Fault> {
        read(self.open(request).await?).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer, Fault> {
        self.send(get(path)).await
    }
}

impl Answer {
    /// Why the edge answered by itself, if it did.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.headers.get(REASON_HEADER).map(|reason| reason.to_str().unwrap())
    }
}

pub(crate) fn get(path: &str) -> Request<Body> {
    Request::get(path).body(empty()).unwrap()
}

pub(crate) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

pub(crate) async fn read(response: Response<Incoming>) -> Result<Answer, Fault> {
    let (parts, body) = response.into_parts();
    let whole = body.collect().await?;
    let trailers = whole.trailers().cloned();
    let body = String::from_utf8(whole.to_bytes().to_vec())?;
    Ok(Answer { status: parts.status, headers: parts.headers, body, trailers })
}

/// One request on a connection of its own.
pub(crate) async fn fetch(address: SocketAddr, path: &str) -> Answer {
    within(async { Client::connect(address).await?.get(path).await }).await.unwrap()
}

/// Sends bytes as they are and reads until the edge closes.
pub(crate) async fn raw(address: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    within(stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// Reads until `end` has come.
pub(crate) async fn read_until(stream: &mut TcpStream, end: &str) -> io::Result<String> {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        let byte = stream.read_u8().await.map_err(|error| {
            io::Error::new(error.kind(), format!("after {:?}", String::from_utf8_lossy(&text)))
        })?;
        text.push(byte);
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// One control call.
pub(crate) async fn call_unix(
    socket: &Path,
    method: Method,
    path: &str,
    body: Vec<u8>,
) -> (StatusCode, Bytes) {
    let stream = within(UnixStream::connect(socket)).await.unwrap();
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "edge")
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let response = within(sender.send_request(request)).await.unwrap();
    let status = response.status();
    (status, within(response.into_body().collect()).await.unwrap().to_bytes())
}
