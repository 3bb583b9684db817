//! Calls that only look.

use axum::Json;
use axum::extract::{Query, State};
use axum::response::Response;
use landfall_api::{
    AgentInfo, AppStatus, AuditEntry, AuditQuery, Check, DriftReport, HistoryEntry, LogQuery,
    ReleaseDiff, ReleaseView, RolloutReport, RolloutView,
};
use landfall_core::id::ReleaseNumber;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::Site;
use super::answer::{Answer, App, Refusal, Which};
use super::ndjson;
use crate::ground::Ground;

pub(super) async fn info<G: Ground>(State(site): State<Site<G>>) -> Json<AgentInfo> {
    Json(site.agent.info().await)
}

pub(super) async fn apps<G: Ground>(State(site): State<Site<G>>) -> Answer<Vec<AppStatus>> {
    Ok(Json(site.agent.statuses().await?))
}

pub(super) async fn app<G: Ground>(
    State(site): State<Site<G>>,
    App(app): App,
) -> Answer<AppStatus> {
    Ok(Json(site.agent.status(&app).await?))
}

pub(super) async fn releases<G: Ground>(
    State(site): State<Site<G>>,
    App(app): App,
) -> Answer<Vec<ReleaseView>> {
    Ok(Json(site.agent.releases(&app).await?))
}

pub(super) async fn rollouts<G: Ground>(
    State(site): State<Site<G>>,
    App(app): App,
) -> Answer<Vec<RolloutView>> {
    Ok(Json(site.agent.rollouts(&app).await?))
}

pub(super) async fn rollout<G: Ground>(
    State(site): State<Site<G>>,
    App(app): App,
    Which(id): Which,
) -> Answer<RolloutReport> {
    Ok(Json(site.agent.report(&app, id).await?))
}

pub(super) async fn history<G: Ground>(
    State(site): State<Site<G>>,
    App(app): App,
) -> Answer<Vec<HistoryEntry>> {
    Ok(Json(site.agent.history(&app).await?))
}

/// Two releases, each with a default.
#[derive(Debug, Deserialize)]
pub(super) struct Sides {
    from: Option<ReleaseNumber>,
    to: Option<ReleaseNumber>,
}

pub(super) async fn diff<G: Ground>(
    State(site): State<Site<G>>,
    App(app): App,
    Query(Sides { from, to }): Query<Sides>,
) -> Answer<ReleaseDiff> {
    Ok(Json(site.agent.diff(&app, from, to).await?))
}

pub(super) async fn doctor<G: Ground>(State(site): State<Site<G>>) -> Json<Vec<Check>> {
    Json(site.agent.examine().await)
}

pub(super) async fn drift<G: Ground>(
    State(site): State<Site<G>>,
    App(app): App,
) -> Answer<DriftReport> {
    Ok(Json(site.agent.drift(&app).await?))
}

pub(super) async fn audit<G: Ground>(
    State(site): State<Site<G>>,
    Query(query): Query<AuditQuery>,
) -> Answer<Vec<AuditEntry>> {
    Ok(Json(site.agent.audited(query).await?))
}

pub(super) async fn logs<G: Ground>(
    State(site): State<Site<G>>,
    App(app): App,
    query: Query<LogQuery>,
) -> Result<Response, Refusal> {
    let (sender, lines) = mpsc::channel(ndjson::LINES_MAX);
    site.agent.logs(&app, query.0, sender).await?;
    Ok(ndjson::lines(lines, site.stopping))
}
