//! Calls that start, watch and steer rollouts.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use landfall_api::{
    AuditResult, DeployRequest, DownRequest, Event, RollbackRequest, RolloutAnswer,
};
use landfall_core::id::AppName;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::Site;
use super::answer::{App, Refusal, Which, Wire};
use super::caller::Caller;
use super::ndjson;
use crate::audit;
use crate::feed::Feed;
use crate::ground::Ground;
use crate::wish::Wish;

/// Events read from a feed at once.
const BATCH: usize = 64;

pub(super) async fn deploy<G: Ground>(
    State(site): State<Site<G>>,
    caller: Caller,
    App(app): App,
    Wire(request): Wire<DeployRequest>,
) -> Result<Response, Refusal> {
    accept(&site, &caller, &app, Wish::Deploy(Box::new(request))).await
}

pub(super) async fn rollback<G: Ground>(
    State(site): State<Site<G>>,
    caller: Caller,
    App(app): App,
    Wire(request): Wire<RollbackRequest>,
) -> Result<Response, Refusal> {
    accept(&site, &caller, &app, Wish::RollBack(request)).await
}

pub(super) async fn down<G: Ground>(
    State(site): State<Site<G>>,
    caller: Caller,
    App(app): App,
    Wire(request): Wire<DownRequest>,
) -> Result<Response, Refusal> {
    accept(&site, &caller, &app, Wish::Down(request)).await
}

async fn accept<G: Ground>(
    site: &Site<G>,
    caller: &Caller,
    app: &AppName,
    wish: Wish,
) -> Result<Response, Refusal> {
    let mut fact = audit::fact(caller.who(Some(wish.by())), audit::action(wish.kind()), Some(app));
    let plan_only = wish.plan_only();
    match &wish {
        Wish::Deploy(request) => {
            fact.message.clone_from(&request.message);
            fact.commit.clone_from(&request.commit);
        }
        Wish::RollBack(request) => fact.release = request.to,
        Wish::Down(_) => {}
    }
    let answer = site.agent.accept(app, wish).await;
    match &answer {
        Ok(RolloutAnswer::Started(of)) => {
            fact.rollout = Some(of.rollout);
            fact.result = AuditResult::Accepted;
        }
        Ok(RolloutAnswer::Planned(_) | RolloutAnswer::NothingToDo(_)) => {}
        Err(problem) => fact.result = AuditResult::Refused { problem: problem.clone() },
    }
    if !plan_only {
        site.agent.audit(fact).await;
    }
    let answer = answer?;
    let status = match answer {
        RolloutAnswer::Started(_) => StatusCode::ACCEPTED,
        RolloutAnswer::Planned(_) | RolloutAnswer::NothingToDo(_) => StatusCode::OK,
    };
    Ok((status, Json(answer)).into_response())
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
            () = changed.changed() => {}
            () = sender.closed() => return,
        }
    }
}
