//! Requests and answers in our own words: bodies and paths that do not parse are problems too.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use landfall_api::{Problem, ProblemCode, RolloutId};
use landfall_core::id::{AppName, InvalidName};
use serde::de::DeserializeOwned;

/// A problem as an answer.
#[derive(Debug)]
pub(super) struct Refusal(Problem);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.http_status());
        (status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), Json(self.0)).into_response()
    }
}

/// What a call gives.
pub(super) type Answer<T> = Result<Json<T>, Refusal>;

fn invalid(message: String) -> Refusal {
    Problem::new(ProblemCode::Invalid, message).into()
}

/// A JSON body.
#[derive(Debug)]
pub(super) struct Wire<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Wire<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|error| invalid(error.body_text()))?;
        // The parser's own words could quote a secret: only the place is told.
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            let (kind, column) = (error.classify(), error.column());
            let message =
                format!("the body is not what this call takes ({kind:?} at byte {column})");
            let problem = Problem::new(ProblemCode::Invalid, message);
            problem.hint("are client and agent of one version?").into()
        })
    }
}

/// `{app}` of the path.
#[derive(Debug)]
pub(super) struct App(pub(super) AppName);

impl<S: Send + Sync> FromRequestParts<S> for App {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        part(parts, state, "app").await?.parse().map(Self).map_err(|error| name(&error))
    }
}

/// `{rollout}` of the path.
#[derive(Debug)]
pub(super) struct Which(pub(super) RolloutId);

impl<S: Send + Sync> FromRequestParts<S> for Which {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        part(parts, state, "rollout").await?.parse().map(Self).map_err(|error| name(&error))
    }
}

fn name(error: &InvalidName) -> Refusal {
    invalid(error.to_string())
}

async fn part<S: Send + Sync>(parts: &mut Parts, state: &S, name: &str) -> Result<String, Refusal> {
    let path = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
    let Path(values) = path.map_err(|error| invalid(error.body_text()))?;
    let value = values.into_iter().find(|(key, _)| key == name).map(|(_, value)| value);
    value.ok_or_else(|| invalid(format!("the path has no {name}")))
}
