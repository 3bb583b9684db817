//! One request from end to end: route, pick an endpoint, send, and hand the answer's body over.
//!
//! What may be tried again, and why it is safe:
//! - an endpoint that does not accept: nothing was sent, the next one is asked, and if all refuse
//!   and the table was swapped meanwhile, the new table is asked;
//! - a request without body and side effects (GET, HEAD, OPTIONS) whose *reused* connection died
//!   before an answer: the endpoint had most likely closed it for being idle; once, on a new one;
//! - anything else is sent once, on a connection that is new, or idle for less than a second, well
//!   within the endpoint's patience, and still open by the kernel's word.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use hyper::body::{Body as _, Incoming};
use hyper::upgrade::OnUpgrade;

use crate::accept::Door;
use crate::activity::Phase;
use crate::answer::Reason;
use crate::body::{RequestBody, ResponseBody, UpstreamBody, recycle};
use crate::config::Limits;
use crate::edge::{Edge, PickError};
use crate::forward::Peer;
use crate::headers::{self, Outline};
use crate::hub::{Member, Stage};
use crate::target::{Flight, Target};
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
    /// Gone while it is sent.
    request: Option<Request<RequestBody>>,
    outline: Outline,
    /// May be sent a second time.
    repeatable: bool,
    /// Endpoints that refused.
    tried: Vec<u64>,
}

/// The head of a request without body, to be sent a second time. A plain list: most are never used.
struct Spare {
    method: Method,
    uri: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The head of an answer, and the connection it came on.
type Answered = (Response<Incoming>, Upstream);

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
    let outline = headers::prepare_request(&mut parts, &client.peer, || {
        HeaderValue::from_str(&client.local.to_string()).expect("an address is plain ASCII")
    })?;
    let body = RequestBody::new(incoming, client.member.activity());
    let repeatable = matches!(body, RequestBody::Empty)
        && matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let request = Some(Request::from_parts(parts, body));
    let mut outgoing = Outgoing { request, outline, repeatable, tried: Vec::new() };
    loop {
        let flight = pick(client, &outgoing)?;
        client.member.activity().talk_to(flight.target().id());
        if let Some(answered) = attempt(client, &mut outgoing, flight.target()).await? {
            let on_upgrade = on_upgrade.filter(|_| outgoing.outline.upgrade);
            return finish(client, answered, flight, on_upgrade).await;
        }
    }
}

fn pick(client: &Client, outgoing: &Outgoing) -> Result<Flight, Reason> {
    let host = outgoing.outline.host.to_str().unwrap_or_default();
    let path = outgoing.request.as_ref().map_or("/", |request| request.uri().path());
    client.edge.pick([client.door.listen(), client.local], host, path, &outgoing.tried).map_err(
        |error| match error {
            PickError::NoRoute => Reason::NoRoute,
            PickError::Exhausted => Reason::Unreachable,
        },
    )
}

/// Sends the request to one endpoint. `None` if it refused: nothing was sent, and it is noted as
/// tried.
async fn attempt(
    client: &Client,
    outgoing: &mut Outgoing,
    target: &Arc<Target>,
) -> Result<Option<Answered>, Reason> {
    let limits = client.edge.limits();
    let mut pooled = !outgoing.outline.upgrade;
    loop {
        let kept = if pooled { kept(target, outgoing.repeatable, limits).await } else { None };
        let (mut upstream, idle) = match kept {
            Some((upstream, idle)) => (upstream, Some(idle)),
            None => match Upstream::connect(target.key().endpoint, limits).await {
                Ok(upstream) => (upstream, None),
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
        let request = outgoing.request.take().expect("each turn leaves one or returns");
        let spare = (idle.is_some() && outgoing.repeatable).then(|| Spare::of(&request));
        match (upstream.send(request, client.member.activity()).await, idle) {
            (Ok(response), idle) => {
                if let Some(idle) = idle {
                    target.patience().note_open(idle);
                }
                return Ok(Some((response, upstream)));
            }
            (Err(SendError::Unsent(request)), Some(idle)) => {
                target.patience().note_closed(idle);
                outgoing.request = Some(*request);
            }
            (Err(error), _) => {
                let Some(spare) = spare.filter(|_| matches!(error, SendError::Died(_))) else {
                    return Err(reason(client, &target.key().endpoint, &error));
                };
                outgoing.request = Some(spare.into_request());
                pooled = false;
            }
        }
    }
}

/// A kept connection that this request may use, and how long it was idle.
async fn kept(target: &Target, repeatable: bool, limits: &Limits) -> Option<(Upstream, Duration)> {
    if repeatable {
        return target.take_idle(limits.pool_idle);
    }
    let patience = target.patience();
    loop {
        let (mut upstream, idle) = target.take_idle(FRESH)?;
        if !poll_fn(|cx| upstream.poll_open(cx)).await {
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

impl Spare {
    fn of(request: &Request<RequestBody>) -> Self {
        let headers = request.headers();
        let mut list = Vec::with_capacity(headers.len());
        for (name, value) in headers {
            list.push((name.clone(), value.clone()));
        }
        Self { method: request.method().clone(), uri: request.uri().clone(), headers: list }
    }

    fn into_request(self) -> Request<RequestBody> {
        let mut request = Request::new(RequestBody::Empty);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        for (name, value) in self.headers {
            request.headers_mut().append(name, value);
        }
        request
    }
}

async fn finish(
    client: &Arc<Client>,
    (mut response, upstream): Answered,
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
