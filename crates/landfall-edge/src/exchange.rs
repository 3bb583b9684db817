//! One request from end to end: route, pick an endpoint, send, and hand the answer's body over.
//!
//! What may be tried again, and why it is safe:
//! - an endpoint that does not accept: nothing was sent, the next one is asked, and if all refuse
//!   and the table was swapped meanwhile, the new table is asked;
//! - a request without body and side effects (GET, HEAD, OPTIONS) whose *reused* connection died
//!   before an answer: the endpoint had most likely closed it for being idle; once, on a new one;
//! - anything else is sent once, on a connection that is new, or idle for less than a second and
//!   still open by the kernel's word.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::header::{CONNECTION, HOST};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use hyper::upgrade::OnUpgrade;

use crate::accept::Door;
use crate::activity::Phase;
use crate::answer::Reason;
use crate::body::{RequestBody, ResponseBody, UpstreamBody, recycle};
use crate::edge::{Edge, PickError};
use crate::forward::Peer;
use crate::headers;
use crate::hub::{Member, Stage};
use crate::target::Flight;
use crate::tunnel;
use crate::upstream::{SendError, Upstream};

/// Longest idle time of a connection for a request that must not be sent twice.
const FRESH: Duration = Duration::from_secs(1);

/// One client's connection.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) edge: Arc<Edge>,
    pub(crate) door: Arc<Door>,
    /// The address that the client connected to.
    pub(crate) local: SocketAddr,
    pub(crate) peer: Peer,
    pub(crate) member: Member,
    /// Its place among the connections allowed.
    pub(crate) _place: tokio::sync::OwnedSemaphorePermit,
}

/// A request on its way, with what is needed to send it.
struct Outgoing {
    request: Request<RequestBody>,
    /// May be sent a second time.
    repeatable: bool,
    upgrade: bool,
    /// Endpoints that refused.
    tried: Vec<u64>,
}

/// The head of an answer, and whom it came from.
struct Answered {
    response: Response<Incoming>,
    upstream: Upstream,
    flight: Flight,
}

/// Answers one request. Never fails: what goes wrong becomes an answer of the edge.
pub(crate) async fn answer(
    client: Arc<Client>,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Infallible> {
    client.edge.count_request();
    client.member.activity().enter(Phase::Waiting);
    let mut response = match exchange(&client, request).await {
        Ok(response) => response,
        Err(reason) => {
            let activity = client.member.activity();
            activity.talk_to(0);
            activity.enter(Phase::Idle);
            reason.response()
        }
    };
    let leaving = client.door.is_shut() || client.edge.hub().has_reached(Stage::Draining);
    if leaving && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

async fn exchange(
    client: &Arc<Client>,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Reason> {
    let (mut parts, incoming) = request.into_parts();
    let on_upgrade = parts.extensions.remove::<OnUpgrade>();
    let upgrade = headers::prepare_request(&mut parts, &client.peer, || {
        HeaderValue::from_str(&client.local.to_string()).expect("an address is plain ASCII")
    })?;
    let body = RequestBody::new(incoming, client.member.activity());
    let repeatable = matches!(body, RequestBody::Empty)
        && matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let request = Request::from_parts(parts, body);
    let mut outgoing = Outgoing { request, repeatable, upgrade, tried: Vec::new() };
    let answered = loop {
        let flight = pick(client, &outgoing)?;
        client.member.activity().talk_to(flight.target().id());
        match attempt(client, outgoing, flight).await? {
            Attempt::Answered(answered) => break answered,
            Attempt::Refused(again) => outgoing = *again,
        }
    };
    finish(client, answered, on_upgrade.filter(|_| upgrade)).await
}

fn pick(client: &Client, outgoing: &Outgoing) -> Result<Flight, Reason> {
    let host = outgoing.request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let path = outgoing.request.uri().path();
    client
        .edge
        .pick([client.door.listen(), client.local], host.unwrap_or_default(), path, &outgoing.tried)
        .map_err(|error| match error {
            PickError::NoRoute => Reason::NoRoute,
            PickError::Exhausted => Reason::Unreachable,
        })
}

enum Attempt {
    Answered(Box<Answered>),
    /// Nothing was sent; the endpoint is noted as tried.
    Refused(Box<Outgoing>),
}

/// Sends the request to one endpoint.
async fn attempt(
    client: &Client,
    mut outgoing: Outgoing,
    flight: Flight,
) -> Result<Attempt, Reason> {
    let limits = client.edge.limits();
    let target = Arc::clone(flight.target());
    let max_idle = if outgoing.repeatable { limits.pool_idle } else { FRESH };
    let mut pooled = !outgoing.upgrade;
    loop {
        let idle = if pooled { target.take_idle(max_idle) } else { None };
        let mut upstream = match idle {
            Some(upstream) => upstream,
            None => match Upstream::connect(target.key().endpoint, limits).await {
                Ok(upstream) => upstream,
                Err(error) => {
                    tracing::debug!(endpoint = %target.key().endpoint, %error, "refused");
                    client.edge.note_refusal(&target);
                    outgoing.tried.push(target.id());
                    return Ok(Attempt::Refused(Box::new(outgoing)));
                }
            },
        };
        if target.is_closed() {
            return Err(Reason::Closed);
        }
        if upstream.is_reused()
            && !outgoing.repeatable
            && !poll_fn(|cx| Poll::Ready(upstream.is_open(cx))).await
        {
            continue;
        }
        let spare = (outgoing.repeatable && upstream.is_reused()).then(|| copy(&outgoing.request));
        match upstream.send(outgoing.request, client.member.activity()).await {
            Ok(response) => {
                let answered = Answered { response, upstream, flight };
                return Ok(Attempt::Answered(Box::new(answered)));
            }
            Err(SendError::Unsent(request)) if upstream.is_reused() => outgoing.request = *request,
            Err(error) => {
                let Some(spare) = spare.filter(|_| matches!(error, SendError::Died(_))) else {
                    return Err(reason(client, &target.key().endpoint, &error));
                };
                outgoing.request = spare;
                pooled = false;
            }
        }
    }
}

fn reason(client: &Client, endpoint: &SocketAddr, error: &SendError) -> Reason {
    tracing::debug!(%endpoint, ?error, "no answer");
    match error {
        SendError::Unsent(_) | SendError::Died(_) | SendError::Malformed(_) => Reason::Failed,
        SendError::Client(_) => Reason::BadRequest,
        SendError::Overdue if client.member.activity().is_uploading() => Reason::ClientTimeout,
        SendError::Overdue => Reason::UpstreamTimeout,
        SendError::Cut => Reason::Closed,
    }
}

/// A request without body, to be sent a second time.
fn copy(request: &Request<RequestBody>) -> Request<RequestBody> {
    let mut copy = Request::new(RequestBody::Empty);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    copy
}

async fn finish(
    client: &Arc<Client>,
    answered: Box<Answered>,
    on_upgrade: Option<OnUpgrade>,
) -> Result<Response<ResponseBody>, Reason> {
    let Answered { mut response, upstream, flight } = *answered;
    let activity = client.member.activity();
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        // An upgrade that nobody asked for leaves a connection in an unknown state.
        let downstream = on_upgrade.ok_or(Reason::Failed)?;
        let upgraded = hyper::upgrade::on(&mut response);
        tunnel::start(Arc::clone(client), flight, upstream, upgraded, downstream);
        let (mut parts, _) = response.into_parts();
        headers::prepare_response(&mut parts, true);
        return Ok(Response::from_parts(parts, ResponseBody::Empty));
    }
    let (mut parts, incoming) = response.into_parts();
    headers::prepare_response(&mut parts, false);
    let body = if incoming.is_end_stream() {
        let mut rest = Some((upstream, flight));
        poll_fn(|cx| {
            if let Some((upstream, flight)) = rest.take() {
                recycle(upstream, flight, activity, cx);
            }
            Poll::Ready(())
        })
        .await;
        ResponseBody::Empty
    } else {
        ResponseBody::Upstream(UpstreamBody::new(incoming, Arc::clone(activity), upstream, flight))
    };
    Ok(Response::from_parts(parts, body))
}
