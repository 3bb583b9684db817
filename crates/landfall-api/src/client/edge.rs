//! Typed calls to the edge's control socket; the protocol stands in [`landfall_core::control`].

use std::path::Path;
use std::time::Duration;

use hyper::Method;
use landfall_core::control::{
    CloseRequest, EdgeStatus, ListenCheck, ListenChecked, Refused, Swapped, TargetStatus,
    TryAnswer, TryRequest,
};
use landfall_core::route::RouteTable;
use serde::de::DeserializeOwned;

use super::transport::{Payload, Transport, collect};
use super::{EdgeClientError, TransportError};

/// Time for an answer; the edge answers from memory, or after one write to disk.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// The edge at one socket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct EdgeClient {
    transport: Transport,
}

impl EdgeClient {
    /// Connects with each call, not here.
    pub fn new(socket: &Path) -> Self {
        Self { transport: Transport::new(socket) }
    }

    /// The socket it asks.
    pub fn socket(&self) -> &Path {
        self.transport.socket()
    }

    /// The table as persisted.
    pub async fn table(&self) -> Result<RouteTable, EdgeClientError> {
        self.call(Method::GET, "/v1/table", Payload::empty(), ANSWER_TIMEOUT).await
    }

    /// Makes a table serve; its generation must follow the present one.
    pub async fn swap(&self, table: &RouteTable) -> Result<Swapped, EdgeClientError> {
        self.call(Method::PUT, "/v1/table", Payload::json(table)?, ANSWER_TIMEOUT).await
    }

    /// Which addresses could not be bound.
    pub async fn listen_check(
        &self,
        check: &ListenCheck,
    ) -> Result<ListenChecked, EdgeClientError> {
        self.call(Method::POST, "/v1/listen-check", Payload::json(check)?, ANSWER_TIMEOUT).await
    }

    /// One request to a candidate, sent as the edge would.
    pub async fn try_endpoint(&self, request: &TryRequest) -> Result<TryAnswer, EdgeClientError> {
        let timeout = ANSWER_TIMEOUT + Duration::from_millis(request.timeout_ms);
        self.call(Method::POST, "/v1/try", Payload::json(request)?, timeout).await
    }

    /// Endpoints that serve or drain.
    pub async fn targets(&self) -> Result<Vec<TargetStatus>, EdgeClientError> {
        self.call(Method::GET, "/v1/targets", Payload::empty(), ANSWER_TIMEOUT).await
    }

    /// Closes what is still open to a rollout's retired endpoints.
    pub async fn close(&self, request: &CloseRequest) -> Result<(), EdgeClientError> {
        let payload = Payload::json(request)?;
        self.raw(Method::POST, "/v1/close", payload, ANSWER_TIMEOUT).await.map(drop)
    }

    /// The edge about itself.
    pub async fn status(&self) -> Result<EdgeStatus, EdgeClientError> {
        self.call(Method::GET, "/v1/status", Payload::empty(), ANSWER_TIMEOUT).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        payload: Payload,
        timeout: Duration,
    ) -> Result<T, EdgeClientError> {
        let body = self.raw(method, path, payload, timeout).await?;
        let value = serde_json::from_slice(&body);
        Ok(value.map_err(|error| TransportError::Malformed(error.to_string()))?)
    }

    async fn raw(
        &self,
        method: Method,
        path: &str,
        payload: Payload,
        timeout: Duration,
    ) -> Result<bytes::Bytes, EdgeClientError> {
        let answer = self.transport.send(method, path, None, payload, Some(timeout)).await?;
        let status = answer.status();
        let body = collect(answer.into_body(), timeout).await?;
        if status.is_success() {
            return Ok(body);
        }
        match serde_json::from_slice::<Refused>(&body) {
            Ok(refused) => Err(EdgeClientError::Refused(refused)),
            Err(_) => Err(TransportError::Malformed(format!("status {status}")).into()),
        }
    }
}
