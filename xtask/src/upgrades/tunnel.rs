//! A connection that stays open over all upgrades.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::PATIENCE;
use crate::wait;

/// An upgraded connection over which a line goes there and back, again and again.
pub(super) struct Tunnel {
    stop: Arc<AtomicBool>,
    echoing: thread::JoinHandle<Result<u64>>,
}

impl Tunnel {
    /// Opens it through the edge.
    pub(super) fn open(listen: SocketAddr) -> Result<Self> {
        let mut stream = TcpStream::connect(listen)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(
            b"GET /tunnel HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n",
        )?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            head.extend(byte);
        }
        if !head.starts_with(b"HTTP/1.1 101 ") {
            bail!("no tunnel: {}", String::from_utf8_lossy(&head));
        }
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let echoing = thread::spawn(move || {
            let mut count = 0;
            while !stopped.load(Relaxed) {
                stream.write_all(b"are you there\n").context("send")?;
                let mut line = [0; 14];
                stream.read_exact(&mut line).context("receive")?;
                count += 1;
                wait::pass(Duration::from_millis(10));
            }
            Ok(count)
        });
        Ok(Self { stop, echoing })
    }

    /// How often the line came back.
    pub(super) fn close(self) -> Result<u64> {
        self.stop.store(true, Relaxed);
        self.echoing.join().map_err(|_| anyhow::anyhow!("the tunnel's thread panicked"))?
    }
}
