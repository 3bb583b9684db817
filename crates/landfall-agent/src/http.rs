//! The API over HTTP: routes, and the rules that hold for all of them.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use landfall_api::{BODY_MAX_BYTES, Problem, ProblemCode, VERSION, VERSION_HEADER};
use tokio::sync::watch;

use crate::agent::Agent;
use crate::ground::Ground;

mod answer;
mod builds;
mod caller;
mod images;
mod ndjson;
mod queries;
mod rollouts;
mod server;
mod socket;
mod steering;

pub(crate) use server::serve;
pub use socket::SocketError;
pub(crate) use socket::bind;

/// Time for an answer that is no stream and no plan.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);
/// A plan may have to pull images first.
const PLAN_TIMEOUT: Duration = Duration::from_mins(30);

/// What every call works with.
pub(crate) struct Site<G: Ground> {
    agent: Agent<G>,
    /// Turns true when the agent stops: streams end then.
    stopping: watch::Receiver<bool>,
}

impl<G: Ground> Clone for Site<G> {
    fn clone(&self) -> Self {
        Self { agent: self.agent.clone(), stopping: self.stopping.clone() }
    }
}

/// All calls.
pub(crate) fn router<G: Ground>(agent: Agent<G>, stopping: watch::Receiver<bool>) -> Router {
    let answers = Router::new()
        .route("/v1/info", get(queries::info::<G>))
        .route("/v1/apps", get(queries::apps::<G>))
        .route("/v1/apps/{app}", get(queries::app::<G>))
        .route("/v1/apps/{app}/releases", get(queries::releases::<G>))
        .route("/v1/apps/{app}/rollouts", get(queries::rollouts::<G>))
        .route("/v1/apps/{app}/rollouts/{rollout}", get(queries::rollout::<G>))
        .route("/v1/apps/{app}/history", get(queries::history::<G>))
        .route("/v1/apps/{app}/rollouts/{rollout}/promote", post(steering::promote::<G>))
        .route("/v1/images/query", post(images::query::<G>))
        .route("/v1/apps/{app}/diff", get(queries::diff::<G>))
        .route("/v1/doctor", get(queries::doctor::<G>))
        .route("/v1/apps/{app}/drift", get(queries::drift::<G>))
        .route("/v1/audit", get(queries::audit::<G>))
        .route("/v1/apps/{app}/rollouts/{rollout}/abandon", post(steering::abandon::<G>))
        .route("/v1/apps/{app}/rollouts/{rollout}/cancel", post(steering::cancel::<G>))
        .route("/v1/apps/{app}/rollouts/{rollout}/resume", post(steering::resume::<G>))
        .layer(middleware::from_fn(|request, next| within(ANSWER_TIMEOUT, request, next)));
    let plans = Router::new()
        .route("/v1/apps/{app}/rollouts", post(rollouts::deploy::<G>))
        .route("/v1/apps/{app}/rollback", post(rollouts::rollback::<G>))
        .route("/v1/apps/{app}/repair", post(steering::repair::<G>))
        .route("/v1/apps/{app}/down", post(rollouts::down::<G>))
        .layer(middleware::from_fn(|request, next| within(PLAN_TIMEOUT, request, next)));
    let streams = Router::new()
        .route("/v1/apps/{app}/rollouts/{rollout}/events", get(rollouts::events::<G>))
        .route("/v1/apps/{app}/logs", get(queries::logs::<G>))
        .route("/v1/images", post(images::push::<G>))
        .route("/v1/builds", post(builds::build::<G>));
    answers
        .merge(plans)
        .merge(streams)
        .fallback(no_such_call)
        .method_not_allowed_fallback(no_such_call)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(middleware::map_response(stamp))
        .with_state(Site { agent, stopping })
}

async fn no_such_call() -> answer::Refusal {
    Problem::new(ProblemCode::NotFound, "this agent has no such call").into()
}

async fn within(timeout: Duration, request: Request, next: Next) -> Response {
    if let Ok(response) = tokio::time::timeout(timeout, next.run(request)).await {
        response
    } else {
        let message = format!("no answer within {} s", timeout.as_secs());
        let problem = Problem::new(ProblemCode::Unavailable, message);
        (StatusCode::SERVICE_UNAVAILABLE, axum::Json(problem)).into_response()
    }
}

async fn stamp(mut response: Response) -> Response {
    response.headers_mut().insert(VERSION_HEADER, HeaderValue::from(VERSION));
    response
}
