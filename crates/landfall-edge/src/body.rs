//! Bodies on their way through, never gathered but for a small one with an idempotency key: the client's to the endpoint, the endpoint's to the
//! client. The latter carries the request's count and its connection, and gives both back at its
//! last byte.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use crate::activity::{Activity, Phase};
use crate::target::Flight;
use crate::upstream::Upstream;

/// What goes to the endpoint.
#[derive(Debug)]
pub(crate) enum RequestBody {
    Empty,
    Stream {
        incoming: Incoming,
        activity: Arc<Activity>,
    },
    /// Read already, and gone once it is sent.
    Whole(Option<Bytes>),
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming, activity: &Arc<Activity>) -> Self {
        let ended = incoming.is_end_stream();
        activity.set_uploading(!ended);
        if ended { Self::Empty } else { Self::Stream { incoming, activity: Arc::clone(activity) } }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Stream { incoming, activity } => {
                let frame = ready!(Pin::new(&mut *incoming).poll_frame(cx));
                activity.touch();
                if frame.is_none() || incoming.is_end_stream() {
                    activity.set_uploading(false);
                }
                Poll::Ready(frame)
            }
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Stream { incoming, .. } => incoming.is_end_stream(),
            Self::Whole(bytes) => bytes.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Stream { incoming, .. } => incoming.size_hint(),
            Self::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
        }
    }
}

/// What goes to the client.
#[derive(Debug)]
pub(crate) enum ResponseBody {
    Empty,
    Text(Option<Bytes>),
    Upstream(UpstreamBody),
}

/// An endpoint's answer on its way to the client.
#[derive(Debug)]
pub(crate) struct UpstreamBody {
    incoming: Incoming,
    activity: Arc<Activity>,
    /// Gone once the last byte came.
    rest: Option<(Upstream, Flight)>,
}

impl UpstreamBody {
    pub(crate) fn new(
        incoming: Incoming,
        activity: Arc<Activity>,
        upstream: Upstream,
        flight: Flight,
    ) -> Self {
        activity.enter(Phase::Body);
        Self { incoming, activity, rest: Some((upstream, flight)) }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Some((upstream, _)) = &mut self.rest else { return Poll::Ready(None) };
        let Poll::Ready(frame) = upstream.poll_frame(&mut self.incoming, cx) else {
            if self.activity.is_cut() || self.activity.is_overdue() {
                return Poll::Ready(Some(Err(ErrorKind::TimedOut.into())));
            }
            return Poll::Pending;
        };
        self.activity.touch();
        match frame {
            Some(Ok(frame)) => {
                if frame.is_trailers() || self.incoming.is_end_stream() {
                    self.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None => {
                self.finish();
                Poll::Ready(None)
            }
        }
    }

    fn finish(&mut self) {
        if let Some((upstream, flight)) = self.rest.take() {
            recycle(upstream, flight, &self.activity);
        }
    }
}

/// The answer has ended: the connection goes back to its pool if it can, the request is counted out.
pub(crate) fn recycle(mut upstream: Upstream, flight: Flight, activity: &Activity) {
    if upstream.is_reusable() {
        upstream.rest();
        flight.target().put_idle(upstream);
    }
    drop(flight);
    activity.talk_to(0);
    activity.enter(Phase::Idle);
}

impl Drop for UpstreamBody {
    fn drop(&mut self) {
        if self.rest.is_some() {
            self.activity.talk_to(0);
            self.activity.enter(Phase::Idle);
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Self::Upstream(body) => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) => text.is_none(),
            Self::Upstream(body) => body.rest.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Text(text) => SizeHint::with_exact(text.as_ref().map_or(0, |t| t.len() as u64)),
            Self::Upstream(body) => body.incoming.size_hint(),
        }
    }
}
