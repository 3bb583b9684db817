//! Calls that only look.

use axum::Json;
use axum::extract::{Query, State};
use axum::response::Response;
use landfall_api::{
    AgentInfo, AppStatus, HistoryEntry, LogQuery, ReleaseView, RolloutReport, RolloutView,
};
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

pub(super) async fn logs<G: Ground>(
    State(site): State<Site<G>>,
    App(app): App,
    query: Query<LogQuery>,
) -> Result<Response, Refusal> {
    let (sender, lines) = mpsc::channel(ndjson::LINES_MAX);
    site.agent.logs(&app, query.0, sender).await?;
    Ok(ndjson::lines(lines, site.stopping))
}
