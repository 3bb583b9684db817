//! A client's request made ready for an endpoint, and a copy of it for a second try.

use http::{HeaderName, HeaderValue, Method, Request, Uri};
use hyper::body::{Bytes, Incoming};
use hyper::upgrade::OnUpgrade;
use tokio::sync::OwnedSemaphorePermit;

use crate::answer::Reason;
use crate::body::RequestBody;
use crate::edge::PickError;
use crate::exchange::Client;
use crate::gather::gather;
use crate::headers;
use crate::target::Flight;

/// A request on its way, with what is needed to send it.
pub(crate) struct Outgoing {
    /// Gone while it is sent.
    request: Option<Request<RequestBody>>,
    host: HeaderValue,
    /// May be sent a second time.
    pub(crate) repeatable: bool,
    /// Has an idempotency key, and a body that is not at hand twice yet.
    pub(crate) keyed: bool,
    /// Where its body lies, when it was read beforehand.
    place: Option<OwnedSemaphorePermit>,
    /// How often it was.
    pub(crate) replays: u8,
    /// The client's side of the upgrade that it asks for.
    pub(crate) upgrade: Option<OnUpgrade>,
    /// Endpoints that refused, or died under it.
    pub(crate) tried: Vec<u64>,
    /// One of these died.
    pub(crate) died: bool,
}

impl Outgoing {
    pub(crate) fn new(client: &Client, request: Request<Incoming>) -> Result<Self, Reason> {
        let (mut parts, incoming) = request.into_parts();
        let upgrade = parts.extensions.remove::<OnUpgrade>();
        let outline = headers::prepare_request(&mut parts, &client.peer, || {
            HeaderValue::from_str(&client.local.to_string()).expect("an address is plain ASCII")
        })?;
        let body = RequestBody::new(incoming, client.member.activity());
        let is_empty = matches!(body, RequestBody::Empty);
        let is_safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
        Ok(Self {
            request: Some(Request::from_parts(parts, body)),
            host: outline.host,
            repeatable: is_empty && (is_safe || outline.keyed),
            keyed: !is_empty && outline.keyed && !outline.upgrade,
            place: None,
            replays: 0,
            upgrade: upgrade.filter(|_| outline.upgrade),
            tried: Vec::new(),
            died: false,
        })
    }

    /// Reads the body of a request with an idempotency key, if there is room to keep it.
    pub(crate) async fn gather(&mut self, client: &Client) -> Result<(), Reason> {
        let mut request = self.take();
        self.place = gather(&mut request, client.edge.larder()).await?;
        self.repeatable = self.place.is_some();
        self.put_back(request);
        Ok(())
    }

    /// An endpoint that was not tried yet, with the request counted in.
    pub(crate) fn pick(&self, client: &Client) -> Result<Flight, PickError> {
        let at = [client.door.listen(), client.local];
        let host = self.host.to_str().unwrap_or_default();
        let path = self.request.as_ref().map_or("/", |request| request.uri().path());
        client.edge.pick(at, host, path, &self.tried)
    }

    /// The request, to be sent or put back.
    pub(crate) fn take(&mut self) -> Request<RequestBody> {
        self.request.take().expect("whoever did not send it has put it back")
    }

    pub(crate) fn put_back(&mut self, request: Request<RequestBody>) {
        self.request = Some(request);
    }
}

/// A request that may be sent twice. Its head is a plain list: most are never used.
pub(crate) struct Spare {
    body: Option<Bytes>,
    method: Method,
    uri: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Spare {
    pub(crate) fn of(request: &Request<RequestBody>) -> Self {
        let headers = request.headers();
        let mut list = Vec::with_capacity(headers.len());
        for (name, value) in headers {
            list.push((name.clone(), value.clone()));
        }
        let body = match request.body() {
            RequestBody::Whole(bytes) => bytes.clone(),
            RequestBody::Empty | RequestBody::Stream { .. } => None,
        };
        Self { body, method: request.method().clone(), uri: request.uri().clone(), headers: list }
    }

    pub(crate) fn into_request(self) -> Request<RequestBody> {
        let body = self.body.map_or(RequestBody::Empty, |body| RequestBody::Whole(Some(body)));
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        for (name, value) in self.headers {
            request.headers_mut().append(name, value);
        }
        request
    }
}
