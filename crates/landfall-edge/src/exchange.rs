//! One request from end to end: route, pick an endpoint, send, and hand the answer's body over.
//!
//! What may be tried again, and why it is safe:
//! - an endpoint that does not accept: nothing was sent, the next one is asked, and if all refuse
//!   they are asked again after a while, by the table of that moment ([`held`]);
//! - a request without body and side effects (GET, HEAD, OPTIONS) whose connection died before an
//!   answer: the endpoint had closed it for being idle, or was stopped; [`REPLAYS_MAX`] times, on a
//!   new one, and elsewhere if that died, too;
//! - the same for a request with an idempotency key whose body could be kept ([`gather`]);
//! - anything else is sent once, on a connection that is new, or idle for less than a second, well
//!   within the endpoint's patience, and still open by the kernel's word.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::{Body as _, Incoming};
use hyper::upgrade::OnUpgrade;

use crate::accept::Door;
use crate::activity::Phase;
use crate::answer::Reason;
use crate::body::{ResponseBody, UpstreamBody, recycle};
use crate::config::Limits;
use crate::edge::{Edge, PickError};
use crate::forward::Peer;
#[cfg(doc)]
use crate::gather;
use crate::headers;
use crate::held;
use crate::hub::{Member, Stage};
use crate::outgoing::{Outgoing, Spare};
use crate::target::{Flight, Target};
use crate::tunnel;
use crate::upstream::{SendError, Upstream};

/// Longest idle time of a connection for a request that must not be sent twice.
const FRESH: Duration = Duration::from_secs(1);

/// How often a request may be sent again: once for a stale connection, once for a replica that
/// died under it. No more: it may be the request that kills them.
const REPLAYS_MAX: u8 = 2;

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

/// Answers one request. Never fails: what goes wrong becomes an answer of the edge.
///
/// The request is made ready before there is a future: hyper moves the future about, with all that
/// it may ever hold.
pub(crate) fn answer(
    client: Arc<Client>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<Response<ResponseBody>, Infallible>> + Send {
    client.edge.count_request();
    client.member.activity().enter(Phase::Waiting);
    let mut outgoing = Outgoing::new(&client, request);
    async move {
        let result = match &mut outgoing {
            Ok(outgoing) => exchange(&client, outgoing).await,
            Err(reason) => Err(*reason),
        };
        Ok(conclude(&client, result))
    }
}

fn conclude(
    client: &Client,
    result: Result<Response<ResponseBody>, Reason>,
) -> Response<ResponseBody> {
    let mut response = result.unwrap_or_else(|reason| {
        let activity = client.member.activity();
        activity.talk_to(0);
        activity.enter(Phase::Idle);
        reason.response()
    });
    let leaving = client.door.is_shut() || client.edge.hub().has_reached(Stage::Draining);
    if leaving && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn exchange(
    client: &Arc<Client>,
    outgoing: &mut Outgoing,
) -> Result<Response<ResponseBody>, Reason> {
    let mut held = None;
    if outgoing.keyed {
        // Boxed: seldom.
        Box::pin(outgoing.gather(client)).await?;
    }
    loop {
        let flight = match outgoing.pick(client) {
            Ok(flight) => flight,
            Err(PickError::NoRoute) => return Err(Reason::NoRoute),
            Err(PickError::Exhausted { away_ms }) => {
                // One that died under the request has not refused it: at once again, as often as a
                // request may be sent.
                if !std::mem::take(&mut outgoing.died) {
                    // Boxed: it is large, and seldom.
                    Box::pin(held::wait(client, &mut held, away_ms)).await?;
                }
                outgoing.tried.clear();
                continue;
            }
        };
        client.member.activity().talk_to(flight.target().id());
        if let Some((response, upstream)) = attempt(client, outgoing, flight.target()).await? {
            return finish(client, response, upstream, flight, outgoing.upgrade.take());
        }
    }
}

/// Sends the request to one endpoint. `None` if it refused, or died and the request may be sent
/// again: it is noted as tried.
async fn attempt(
    client: &Client,
    outgoing: &mut Outgoing,
    target: &Target,
) -> Result<Option<(Response<Incoming>, Upstream)>, Reason> {
    let limits = client.edge.limits();
    let mut pooled = outgoing.upgrade.is_none();
    loop {
        let kept = if pooled { kept(target, outgoing.repeatable, limits) } else { None };
        let (mut upstream, idle) = match kept {
            Some((upstream, idle)) => (upstream, Some(idle)),
            // Boxed: it is large, and seldom.
            None => match Box::pin(Upstream::connect(target.key().endpoint, limits)).await {
                Ok(upstream) => {
                    target.note_accepted();
                    (upstream, None)
                }
                Err(error) => {
                    tracing::debug!(endpoint = %target.key().endpoint, %error, "refused");
                    client.edge.note_refusal(target);
                    outgoing.tried.push(target.id());
                    return Ok(None);
                }
            },
        };
        if target.is_closed() {
            return Err(Reason::Closed);
        }
        let request = outgoing.take();
        let may_repeat = outgoing.repeatable && outgoing.replays < REPLAYS_MAX;
        let spare = may_repeat.then(|| Spare::of(&request));
        match (upstream.send(request, client.member.activity()).await, idle) {
            (Ok(response), idle) => {
                if let Some(idle) = idle {
                    target.patience().note_open(idle);
                }
                return Ok(Some((response, upstream)));
            }
            (Err(SendError::Unsent(request)), Some(idle)) => {
                target.patience().note_closed(idle);
                outgoing.put_back(*request);
            }
            (Err(error), idle) => {
                let Some(spare) = spare.filter(|_| matches!(error, SendError::Died(_))) else {
                    return Err(reason(client, &target.key().endpoint, &error));
                };
                outgoing.put_back(spare.into_request());
                outgoing.replays += 1;
                if idle.is_none() {
                    // It died under the request: another one is asked first.
                    outgoing.tried.push(target.id());
                    outgoing.died = true;
                    return Ok(None);
                }
                pooled = false;
            }
        }
    }
}

/// A kept connection that this request may use, and how long it was idle.
fn kept(target: &Target, repeatable: bool, limits: &Limits) -> Option<(Upstream, Duration)> {
    if repeatable {
        return target.take_idle(limits.pool_idle);
    }
    let patience = target.patience();
    loop {
        let (mut upstream, idle) = target.take_idle(FRESH)?;
        if !upstream.is_open() {
            patience.note_closed(idle);
            continue;
        }
        if patience.trusts(idle) {
            return Some((upstream, idle));
        }
        patience.note_open(idle);
        target.put_idle(upstream);
        return None;
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

fn finish(
    client: &Arc<Client>,
    mut response: Response<Incoming>,
    upstream: Upstream,
    flight: Flight,
    on_upgrade: Option<OnUpgrade>,
) -> Result<Response<ResponseBody>, Reason> {
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
        recycle(upstream, flight, activity);
        ResponseBody::Empty
    } else {
        ResponseBody::Upstream(UpstreamBody::new(incoming, Arc::clone(activity), upstream, flight))
    };
    Ok(Response::from_parts(parts, body))
}
