//! One question to whoever is behind an edge.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context as _, Result};

const BOUND: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// What `/` answers at this address, trimmed; a status other than 200 is an answer as well.
pub(crate) fn word(address: impl ToSocketAddrs) -> Result<Result<String, String>> {
    let mut stream = TcpStream::connect(address).context("nobody answers")?;
    stream.set_read_timeout(Some(BOUND))?;
    write!(stream, "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
    let status = head.lines().next().unwrap_or_default();
    let is_ok = status.split(' ').nth(1) == Some("200");
    Ok(if is_ok { Ok(body.trim().to_owned()) } else { Err(status.to_owned()) })
}
