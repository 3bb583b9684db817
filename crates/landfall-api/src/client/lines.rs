//! NDJSON answers: one value a line, bounded in length, empty lines are signs of life.

use std::marker::PhantomData;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use super::TransportError;
use super::transport::{broken, millis};
use crate::{HEARTBEAT_MS, LINE_MAX_BYTES};

/// Silence after which the other side counts as gone.
const SILENCE_MAX: Duration = Duration::from_millis(6 * HEARTBEAT_MS);

/// A stream of values. Dropping it hangs up.
#[derive(Debug)]
pub struct Lines<T> {
    body: Incoming,
    buffer: BytesMut,
    /// Bytes of `buffer` known to hold no line end.
    searched: usize,
    ended: bool,
    values: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Lines<T> {
    pub(super) fn new(body: Incoming) -> Self {
        Self { body, buffer: BytesMut::new(), searched: 0, ended: false, values: PhantomData }
    }

    /// The next value; `None` at the end. Safe to drop while it waits.
    pub async fn next(&mut self) -> Result<Option<T>, TransportError> {
        loop {
            while let Some(line) = self.take_line() {
                if !line.iter().all(u8::is_ascii_whitespace) {
                    return serde_json::from_slice(&line)
                        .map(Some)
                        .map_err(|error| TransportError::Malformed(error.to_string()));
                }
            }
            if self.ended {
                return Ok(None);
            }
            if self.buffer.len() > LINE_MAX_BYTES {
                let message = format!("a line of more than {LINE_MAX_BYTES} bytes");
                return Err(TransportError::Malformed(message));
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> Result<(), TransportError> {
        match tokio::time::timeout(SILENCE_MAX, self.body.frame()).await {
            Err(_) => Err(TransportError::Timeout { after_ms: millis(SILENCE_MAX) }),
            Ok(None) => {
                self.ended = true;
                Ok(())
            }
            Ok(Some(Err(error))) => Err(broken(&error)),
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    self.buffer.extend_from_slice(&data);
                }
                Ok(())
            }
        }
    }

    fn take_line(&mut self) -> Option<Bytes> {
        let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.buffer.len();
            if self.ended && !self.buffer.is_empty() {
                self.searched = 0;
                return Some(self.buffer.split().freeze());
            }
            return None;
        };
        let line = self.buffer.split_to(self.searched + end + 1).freeze();
        self.searched = 0;
        Some(line)
    }
}
