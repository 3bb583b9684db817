//! Streams as NDJSON: one value a line, an empty line as a sign of life, an end when the agent stops.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use landfall_api::HEARTBEAT_MS;
use serde::Serialize;
use tokio::sync::{mpsc, watch};

/// Lines that wait for a slow reader.
pub(super) const LINES_MAX: usize = 64;

/// Everything a channel brings, until it closes or the agent stops.
pub(super) fn lines<T: Serialize + Send + 'static>(
    values: mpsc::Receiver<T>,
    stopping: watch::Receiver<bool>,
) -> Response {
    let body = stream::unfold((values, stopping), |(mut values, mut stopping)| async move {
        let line = tokio::select! {
            value = values.recv() => line(&value?)?,
            _ = stopping.wait_for(|stopping| *stopping) => return None,
            () = tokio::time::sleep(Duration::from_millis(HEARTBEAT_MS)) => Bytes::from_static(b"\n"),
        };
        Some((Ok::<_, std::convert::Infallible>(line), (values, stopping)))
    });
    ([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(body)).into_response()
}

fn line<T: Serialize>(value: &T) -> Option<Bytes> {
    let mut line = serde_json::to_vec(value).ok()?;
    line.push(b'\n');
    Some(line.into())
}
