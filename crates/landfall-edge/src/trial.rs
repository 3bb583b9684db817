//! `POST /v1/try`: one request to an endpoint through the edge's own upstream code, read to its end.
//! It tells whether a candidate would answer *here*, before any route leads to it.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use http::header::{HOST, USER_AGENT};
use http::{HeaderValue, Request, Uri};
use landfall_core::control::{TryAnswer, TryRequest};

use crate::activity::{Activity, Phase};
use crate::body::RequestBody;
use crate::edge::Edge;
use crate::forward::Peer;
use crate::upstream::{SendError, Upstream};

const AGENT: &str = concat!("landfall-edge/", env!("CARGO_PKG_VERSION"));

pub(crate) async fn run(edge: &Edge, request: &TryRequest) -> TryAnswer {
    let timeout = Duration::from_millis(request.timeout_ms);
    match tokio::time::timeout(timeout, ask(edge, request)).await {
        Ok(Ok(status)) => TryAnswer::Status(status),
        Ok(Err(why)) => TryAnswer::Failed(why),
        Err(_) => TryAnswer::Failed(format!("no whole answer within {} ms", request.timeout_ms)),
    }
}

async fn ask(edge: &Edge, trial: &TryRequest) -> Result<u16, String> {
    let mut request = Request::new(RequestBody::Empty);
    *request.uri_mut() = origin_form(&trial.path)?;
    let host = HeaderValue::from_str(&trial.host).map_err(|_| "the host is no header value")?;
    let headers = request.headers_mut();
    headers.insert(HOST, host.clone());
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    let us = ([127, 0, 0, 1], 0).into();
    Peer::new(us, &[]).announce(headers, &host, false);

    let mut upstream = Upstream::connect(trial.endpoint, edge.limits())
        .await
        .map_err(|error| format!("cannot connect: {error}"))?;
    let activity = Activity::new(Arc::clone(edge.hub().timing()));
    activity.enter(Phase::Waiting);
    let answer = upstream.send(request, &activity).await.map_err(|error| match error {
        SendError::Died(error) | SendError::Malformed(error) | SendError::Client(error) => {
            format!("no answer: {error}")
        }
        SendError::Unsent(_) | SendError::Cut => "the connection was closed".to_owned(),
        SendError::Overdue => "no answer in time".to_owned(),
    })?;
    let status = answer.status().as_u16();
    let mut body = answer.into_body();
    while let Some(frame) = poll_fn(|cx| upstream.poll_frame(&mut body, cx)).await {
        frame.map_err(|error| format!("the answer {status} broke off: {error}"))?;
    }
    Ok(status)
}

fn origin_form(path: &str) -> Result<Uri, String> {
    let uri: Uri = path.parse().map_err(|error| format!("the path is none: {error}"))?;
    if path.starts_with('/') && uri.authority().is_none() {
        Ok(uri)
    } else {
        Err("the path is none: it does not begin with `/`".to_owned())
    }
}
