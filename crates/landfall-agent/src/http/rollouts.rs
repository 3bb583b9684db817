//! Calls that start, watch and steer rollouts.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use landfall_api::{
    DeployRequest, DownRequest, Event, PromoteRequest, RollbackRequest, RolloutAnswer, RolloutRef,
};
use landfall_core::id::AppName;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::Site;
use super::answer::{Answer, App, Refusal, Which, Wire};
use super::ndjson;
use crate::feed::Feed;
use crate::ground::Ground;
use crate::wish::Wish;

/// Events read from a feed at once.
const BATCH: usize = 64;

pub(super) async fn deploy<G: Ground>(
    State(site): State<Site<G>>,
    App(app): App,
    Wire(request): Wire<DeployRequest>,
) -> Result<Response, Refusal> {
    accept(&site, &app, Wish::Deploy(Box::new(request))).await
}

pub(super) async fn rollback<G: Ground>(
    State(site): State<Site<G>>,
    App(app): App,
    Wire(request): Wire<RollbackRequest>,
) -> Result<Response, Refusal> {
    accept(&site, &app, Wish::RollBack(request)).await
}

pub(super) async fn down<G: Ground>(
    State(site): State<Site<G>>,
    App(app): App,
    Wire(request): Wire<DownRequest>,
) -> Result<Response, Refusal> {
    accept(&site, &app, Wish::Down(request)).await
}

async fn accept<G: Ground>(site: &Site<G>, app: &AppName, wish: Wish) -> Result<Response, Refusal> {
    let answer = site.agent.accept(app, wish).await?;
    let status = match answer {
        RolloutAnswer::Started(_) => StatusCode::ACCEPTED,
        RolloutAnswer::Planned(_) | RolloutAnswer::NothingToDo(_) => StatusCode::OK,
    };
    Ok((status, Json(answer)).into_response())
}

pub(super) async fn cancel<G: Ground>(
    State(site): State<Site<G>>,
    App(app): App,
    Which(id): Which,
) -> Answer<RolloutRef> {
    Ok(Json(site.agent.call_off_told(&app, id).await?))
}

pub(super) async fn promote<G: Ground>(
    State(site): State<Site<G>>,
    App(app): App,
    Which(id): Which,
    Wire(request): Wire<PromoteRequest>,
) -> Answer<RolloutRef> {
    Ok(Json(site.agent.promote(&app, id, request).await?))
}

pub(super) async fn resume<G: Ground>(
    State(site): State<Site<G>>,
    App(app): App,
    Which(id): Which,
) -> Answer<RolloutRef> {
    Ok(Json(site.agent.resume(&app, id).await?))
}

#[derive(Debug, Deserialize)]
pub(super) struct After {
    #[serde(default)]
    after: u64,
}

pub(super) async fn events<G: Ground>(
    State(site): State<Site<G>>,
    App(app): App,
    Which(id): Which,
    Query(After { after }): Query<After>,
) -> Result<Response, Refusal> {
    let feed = site.agent.events(&app, id).await?;
    let (sender, events) = mpsc::channel(ndjson::LINES_MAX);
    site.agent.spawn(forward(feed, after, sender));
    Ok(ndjson::lines(events, site.stopping))
}

/// Sends a feed's events until it is at rest, or nobody listens.
async fn forward(feed: Arc<Feed>, mut after: u64, sender: mpsc::Sender<Event>) {
    let mut changed = feed.subscribe();
    loop {
        changed.mark_unchanged();
        let (events, at_rest) = feed.after(after, BATCH);
        let more = events.len() == BATCH;
        for event in events {
            after = event.seq;
            if sender.send(event).await.is_err() {
                return;
            }
        }
        if at_rest {
            return;
        }
        if more {
            continue;
        }
        tokio::select! {
            changed = changed.changed() => if changed.is_err() { return },
            () = sender.closed() => return,
        }
    }
}
