//! Typed calls to the agent.

use std::path::Path;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Method, Response};
use landfall_core::id::{AppName, ReleaseNumber};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::transport::{ContextReceiver, Payload, Transport, collect};
use super::{ClientError, Lines, TransportError};
use crate::{
    AbandonRequest, Abandoned, AgentInfo, AppStatus, AuditEntry, AuditQuery, BUILD_HEADER,
    BuildEvent, BuildRequest, Check, DeployRequest, DownRequest, DriftReport, Event, HistoryEntry,
    IMAGE_HEADER, ImageAnswer, ImageEvent, ImagePush, ImageQuery, LogLine, LogQuery, Problem,
    PromoteRequest, ReleaseDiff, ReleaseView, RepairRequest, Repaired, RollbackRequest,
    RolloutAnswer, RolloutId, RolloutRef, RolloutReport, RolloutView, VERSION, VERSION_HEADER,
};

/// Time for an answer that is no stream.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for a sign of life.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// Checks look at everything, one after the other.
const DOCTOR_TIMEOUT: Duration = Duration::from_mins(2);
/// A plan may have to pull images first.
const PLAN_TIMEOUT: Duration = Duration::from_mins(30);

/// The agent at one socket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AgentClient {
    transport: Transport,
}

impl AgentClient {
    /// Connects with each call, not here.
    pub fn new(socket: &Path) -> Self {
        Self { transport: Transport::new(socket) }
    }

    /// The socket it asks.
    pub fn socket(&self) -> &Path {
        self.transport.socket()
    }

    /// That an agent of our version answers at all; it is asked nothing.
    pub async fn hello(&self) -> Result<(), TransportError> {
        let (payload, timeout) = (Payload::empty(), Some(HELLO_TIMEOUT));
        let answer = self.transport.send(Method::GET, "/v1", None, payload, timeout).await?;
        match accepted(answer).await {
            Ok(_) | Err(ClientError::Problem(_)) => Ok(()),
            Err(ClientError::Transport(error)) => Err(error),
        }
    }

    /// The agent about itself and its neighbours.
    pub async fn info(&self) -> Result<AgentInfo, ClientError> {
        self.get("/v1/info").await
    }

    /// Deploys, or plans to.
    pub async fn deploy(&self, request: &DeployRequest) -> Result<RolloutAnswer, ClientError> {
        let path = format!("/v1/apps/{}/rollouts", request.spec.name);
        self.post(&path, request, answer_timeout(request.plan_only)).await
    }

    /// Goes back to an older release, or plans to.
    pub async fn rollback(
        &self,
        app: &AppName,
        request: &RollbackRequest,
    ) -> Result<RolloutAnswer, ClientError> {
        let path = format!("/v1/apps/{app}/rollback");
        self.post(&path, request, answer_timeout(request.plan_only)).await
    }

    /// Takes an app down, or plans to.
    pub async fn down(
        &self,
        app: &AppName,
        request: &DownRequest,
    ) -> Result<RolloutAnswer, ClientError> {
        self.post(&format!("/v1/apps/{app}/down"), request, answer_timeout(request.plan_only)).await
    }

    /// Rollouts that began, newest first.
    pub async fn rollouts(&self, app: &AppName) -> Result<Vec<RolloutView>, ClientError> {
        self.get(&format!("/v1/apps/{app}/rollouts")).await
    }

    /// One rollout, step by step.
    pub async fn rollout(
        &self,
        app: &AppName,
        rollout: impl Into<RolloutId>,
    ) -> Result<RolloutReport, ClientError> {
        self.get(&format!("/v1/apps/{app}/rollouts/{}", rollout.into())).await
    }

    /// What served when, and what was tried; newest first.
    pub async fn history(&self, app: &AppName) -> Result<Vec<HistoryEntry>, ClientError> {
        self.get(&format!("/v1/apps/{app}/history")).await
    }

    /// Events of a rollout with a higher `seq` than `after`, until it ends or is stuck.
    pub async fn events(
        &self,
        app: &AppName,
        rollout: impl Into<RolloutId>,
        after: u64,
    ) -> Result<Lines<Event>, ClientError> {
        let rollout = rollout.into();
        self.stream(&format!("/v1/apps/{app}/rollouts/{rollout}/events?after={after}")).await
    }

    /// Calls a rollout off; refused once the cutover is intended.
    pub async fn cancel(
        &self,
        app: &AppName,
        rollout: impl Into<RolloutId>,
    ) -> Result<RolloutRef, ClientError> {
        let path = format!("/v1/apps/{app}/rollouts/{}/cancel", rollout.into());
        self.post(&path, &(), ANSWER_TIMEOUT).await
    }

    /// Lets a held rollout through; refused unless it is held.
    pub async fn promote(
        &self,
        app: &AppName,
        rollout: impl Into<RolloutId>,
        request: &PromoteRequest,
    ) -> Result<RolloutRef, ClientError> {
        let path = format!("/v1/apps/{app}/rollouts/{}/promote", rollout.into());
        self.post(&path, request, ANSWER_TIMEOUT).await
    }

    /// Lets a stuck rollout try again.
    pub async fn resume(
        &self,
        app: &AppName,
        rollout: impl Into<RolloutId>,
    ) -> Result<RolloutRef, ClientError> {
        let path = format!("/v1/apps/{app}/rollouts/{}/resume", rollout.into());
        self.post(&path, &(), ANSWER_TIMEOUT).await
    }

    /// Ends a stuck rollout where it stands, or says what would be left.
    pub async fn abandon(
        &self,
        app: &AppName,
        rollout: impl Into<RolloutId>,
        request: &AbandonRequest,
    ) -> Result<Abandoned, ClientError> {
        let path = format!("/v1/apps/{app}/rollouts/{}/abandon", rollout.into());
        self.post(&path, request, ANSWER_TIMEOUT).await
    }

    /// What differs between two releases; by default what serves, and the release before.
    pub async fn diff(
        &self,
        app: &AppName,
        from: Option<ReleaseNumber>,
        to: Option<ReleaseNumber>,
    ) -> Result<ReleaseDiff, ClientError> {
        let side = |name, number: Option<ReleaseNumber>| {
            number.map(|number| format!("{name}={}&", number.0)).unwrap_or_default()
        };
        let query = side("from", from) + &side("to", to);
        self.get(&format!("/v1/apps/{app}/diff?{}", query.trim_end_matches('&'))).await
    }

    /// All checks of the host.
    pub async fn doctor(&self) -> Result<Vec<Check>, ClientError> {
        self.call(Method::GET, "/v1/doctor", Payload::empty(), DOCTOR_TIMEOUT).await
    }

    /// What differs between the serving release and what is there.
    pub async fn drift(&self, app: &AppName) -> Result<DriftReport, ClientError> {
        self.call(Method::GET, &format!("/v1/apps/{app}/drift"), Payload::empty(), DOCTOR_TIMEOUT)
            .await
    }

    /// Mends what can be mended without a deploy.
    pub async fn repair(
        &self,
        app: &AppName,
        request: &RepairRequest,
    ) -> Result<Repaired, ClientError> {
        self.post(&format!("/v1/apps/{app}/repair"), request, PLAN_TIMEOUT).await
    }

    /// The audit record, newest first.
    pub async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditEntry>, ClientError> {
        // App names hold nothing that a query would have to escape.
        let app = query.app.as_ref().map(|app| format!("app={app}&")).unwrap_or_default();
        let since = query.since_ms.map(|ms| format!("since_ms={ms}&")).unwrap_or_default();
        let max = query.max.map(|max| format!("max={max}&")).unwrap_or_default();
        let query = app + &since + &max;
        self.get(&format!("/v1/audit?{}", query.trim_end_matches('&'))).await
    }

    /// All apps.
    pub async fn apps(&self) -> Result<Vec<AppStatus>, ClientError> {
        self.get("/v1/apps").await
    }

    /// One app.
    pub async fn app(&self, app: &AppName) -> Result<AppStatus, ClientError> {
        self.get(&format!("/v1/apps/{app}")).await
    }

    /// Releases, newest first.
    pub async fn releases(&self, app: &AppName) -> Result<Vec<ReleaseView>, ClientError> {
        self.get(&format!("/v1/apps/{app}/releases")).await
    }

    /// What an app writes.
    pub async fn logs(
        &self,
        app: &AppName,
        query: &LogQuery,
    ) -> Result<Lines<LogLine>, ClientError> {
        // Service names hold nothing that a query would have to escape.
        let service = query.service.as_ref().map(|s| format!("&service={s}")).unwrap_or_default();
        let tail = query.tail.map(|n| format!("&tail={n}")).unwrap_or_default();
        let LogQuery { follow, timestamps, .. } = query;
        let path = format!("/v1/apps/{app}/logs?follow={follow}&timestamps={timestamps}");
        self.stream(&format!("{path}{service}{tail}")).await
    }

    /// Builds an image from a context as tar. Waits for the first line without end, since the
    /// context has to be sent first.
    pub async fn build(
        &self,
        request: &BuildRequest,
        context: ContextReceiver,
    ) -> Result<Lines<BuildEvent>, ClientError> {
        let json = serde_json::to_vec(request);
        let json = json.map_err(|error| TransportError::Unsendable(error.to_string()))?;
        let payload = Payload::Context(context);
        let header = Some((BUILD_HEADER, json.as_slice()));
        let answer = self.transport.send(Method::POST, "/v1/builds", header, payload, None).await?;
        Ok(Lines::new(accepted(answer).await?))
    }

    /// What the engine has of an image.
    pub async fn query_image(&self, query: &ImageQuery) -> Result<ImageAnswer, ClientError> {
        self.post("/v1/images/query", query, ANSWER_TIMEOUT).await
    }

    /// Sends an image; as with a build, the first line comes when it comes.
    pub async fn push_image(
        &self,
        push: &ImagePush,
        contents: ContextReceiver,
    ) -> Result<Lines<ImageEvent>, ClientError> {
        let json = serde_json::to_vec(push);
        let json = json.map_err(|error| TransportError::Unsendable(error.to_string()))?;
        let payload = Payload::Context(contents);
        let header = Some((IMAGE_HEADER, json.as_slice()));
        let answer = self.transport.send(Method::POST, "/v1/images", header, payload, None).await?;
        Ok(Lines::new(accepted(answer).await?))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call(Method::GET, path, Payload::empty(), ANSWER_TIMEOUT).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        timeout: Duration,
    ) -> Result<T, ClientError> {
        self.call(Method::POST, path, Payload::json(body)?, timeout).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        payload: Payload,
        timeout: Duration,
    ) -> Result<T, ClientError> {
        let answer = self.transport.send(method, path, None, payload, Some(timeout)).await?;
        let body = collect(accepted(answer).await?, ANSWER_TIMEOUT).await?;
        let value = serde_json::from_slice(&body);
        Ok(value.map_err(|error| TransportError::Malformed(error.to_string()))?)
    }

    async fn stream<T: DeserializeOwned>(&self, path: &str) -> Result<Lines<T>, ClientError> {
        let payload = Payload::empty();
        let timeout = Some(ANSWER_TIMEOUT);
        let answer = self.transport.send(Method::GET, path, None, payload, timeout).await?;
        Ok(Lines::new(accepted(answer).await?))
    }
}

fn answer_timeout(plan_only: bool) -> Duration {
    if plan_only { PLAN_TIMEOUT } else { ANSWER_TIMEOUT }
}

/// Checks the version, and turns anything but success into its problem.
async fn accepted(answer: Response<Incoming>) -> Result<Incoming, ClientError> {
    let theirs = answer.headers().get(VERSION_HEADER);
    let theirs = theirs.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    if theirs.as_deref().and_then(|version| version.parse().ok()) != Some(VERSION) {
        return Err(TransportError::Version { theirs, ours: VERSION }.into());
    }
    let status = answer.status();
    if status.is_success() {
        return Ok(answer.into_body());
    }
    let body = collect(answer.into_body(), ANSWER_TIMEOUT).await?;
    match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) => Err(Box::new(problem).into()),
        Err(_) => Err(TransportError::Malformed(format!("status {status}")).into()),
    }
}
