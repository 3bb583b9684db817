//! One question to a replica: over HTTP at its own address, or by its health test inside.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, CONNECTION, HOST, USER_AGENT};
use hyper_util::rt::TokioIo;
use landfall_core::gate::{Accept, Probe};
use landfall_deploy::ports::EngineError;
use tokio::net::TcpStream;

use crate::client::DockerEngine;

/// Connecting and answering together.
const HTTP_LIMIT: Duration = Duration::from_secs(2);
/// An answer is read to its end, so that the app sees no broken pipe, but not for ever.
const BODY_MAX: usize = 256 * 1024;

impl DockerEngine {
    pub(crate) async fn ask_replica(
        &self,
        container: &str,
        address: Option<Ipv4Addr>,
        probe: &Probe,
    ) -> Result<Result<(), String>, EngineError> {
        match probe {
            Probe::Http { port, path, accept } => Ok(match address {
                Some(address) => http(address, *port, path, *accept).await,
                None => Err("it has no address".to_owned()),
            }),
            Probe::Exec { test, timeout_ms } => {
                self.run_test(container, test, Duration::from_millis(*timeout_ms)).await
            }
        }
    }
}

async fn http(address: Ipv4Addr, port: u16, path: &str, accept: Accept) -> Result<(), String> {
    let asked = tokio::time::timeout(HTTP_LIMIT, get(address, port, path)).await;
    let status = asked.map_err(|_| format!("no answer in {} s", HTTP_LIMIT.as_secs()))??;
    if accept.accepts(status) { Ok(()) } else { Err(format!("answered {status}")) }
}

/// `GET`, no redirect followed; the status code.
async fn get(address: Ipv4Addr, port: u16, path: &str) -> Result<u16, String> {
    let host = if port == 80 { address.to_string() } else { format!("{address}:{port}") };
    let request = Request::get(path)
        .header(HOST, host)
        .header(USER_AGENT, "landfall")
        .header(ACCEPT, "*/*")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|e| format!("cannot ask for {path:?}: {e}"))?;
    let stream =
        TcpStream::connect(SocketAddr::from((address, port))).await.map_err(|e| connect(&e))?;
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
    // Nothing is spawned: a dropped probe is gone with its connection.
    match select(pin!(answer(sender, request)), pin!(connection)).await {
        Either::Left((status, _)) => status,
        Either::Right((_, answer)) => answer.await,
    }
}

async fn answer(
    mut sender: SendRequest<Empty<Bytes>>,
    request: Request<Empty<Bytes>>,
) -> Result<u16, String> {
    let broke_off = |e: hyper::Error| format!("no HTTP answer: {}", cause(&e));
    let response = sender.send_request(request).await.map_err(broke_off)?;
    let status = response.status().as_u16();
    drain(response.into_body()).await.map_err(broke_off)?;
    Ok(status)
}

async fn drain(mut body: Incoming) -> Result<(), hyper::Error> {
    let mut left = BODY_MAX;
    while let Some(frame) = body.frame().await {
        let length = frame?.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return Ok(()),
        }
    }
    Ok(())
}

fn connect(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        _ => format!("no connection: {error}"),
    }
}

fn cause(mut error: &dyn std::error::Error) -> String {
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Serves one connection with these bytes and returns what was asked.
    async fn asked(answer: &'static str, accept: Accept) -> (Result<(), String>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = vec![0; 4096];
            let n = stream.read(&mut buffer).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            String::from_utf8_lossy(&buffer[..n]).replace(&port.to_string(), "PORT")
        };
        futures_util::future::join(http(Ipv4Addr::LOCALHOST, port, "/up?x=1", accept), server).await
    }

    #[tokio::test]
    async fn the_status_decides_and_redirects_are_not_followed() {
        let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        let moved =
            "HTTP/1.1 302 Found\r\nlocation: http://192.0.2.1/\r\ncontent-length: 0\r\n\r\n";
        let missing = "HTTP/1.1 404 Not Found\r\n\r\nno";
        let broken = "HTTP/1.0 503 No\r\n\r\n";
        for (answer, healthy, not_broken) in [
            (ok, Ok(()), Ok(())),
            (moved, Ok(()), Ok(())),
            (missing, Err("answered 404".to_owned()), Ok(())),
            (broken, Err("answered 503".to_owned()), Err("answered 503".to_owned())),
        ] {
            assert_eq!(asked(answer, Accept::Healthy).await.0, healthy, "{answer}");
            assert_eq!(asked(answer, Accept::NotBroken).await.0, not_broken, "{answer}");
        }
        let (_, request) = asked(ok, Accept::Healthy).await;
        assert!(
            request.starts_with("GET /up?x=1 HTTP/1.1\r\nhost: 127.0.0.1:PORT\r\n"),
            "{request}"
        );
    }

    #[tokio::test]
    async fn a_listener_that_says_nothing_useful_is_not_ready() {
        for answer in ["", "SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort"] {
            let (seen, _) = asked(answer, Accept::NotBroken).await;
            assert!(seen.unwrap_err().starts_with("no HTTP answer: "), "{answer}");
        }
    }

    #[tokio::test]
    async fn a_closed_port_is_refused_and_a_silent_one_times_out() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let silent = http(Ipv4Addr::LOCALHOST, port, "/", Accept::NotBroken).await;
        assert_eq!(silent, Err("no answer in 2 s".to_owned()));
        drop(listener);
        let closed = http(Ipv4Addr::LOCALHOST, port, "/", Accept::NotBroken).await;
        assert_eq!(closed, Err("connection refused".to_owned()));
    }

    #[tokio::test]
    async fn a_path_that_is_none_is_an_answer_not_a_panic() {
        let seen = http(Ipv4Addr::LOCALHOST, 1, "no path\n", Accept::Healthy).await;
        assert!(seen.unwrap_err().starts_with("cannot ask for"));
    }
}
