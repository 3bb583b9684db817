//! Answers that the edge makes itself. Each carries [`REASON_HEADER`], so that a client can tell
//! the edge's 502 from an app's. (Requests that are not HTTP at all get hyper's bare 400 or 431.)

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};

use crate::body::ResponseBody;

/// Names why the edge answered by itself.
pub const REASON_HEADER: &str = "x-landfall-edge";

/// When a client may ask again for what cannot be reached.
const RETRY_AFTER_S: &str = "5";

/// Why the edge answers by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// No route for listener, host and path.
    NoRoute,
    /// No host, two hosts, or a target that is no path.
    BadRequest,
    /// A method or a transfer coding that the edge does not pass on.
    Unsupported,
    /// The client's body stood still for too long.
    ClientTimeout,
    /// No endpoint accepts connections, and waiting for one did not help.
    Unreachable,
    /// The same, and too many requests wait already.
    Crowded,
    /// The endpoint broke off before it answered.
    Failed,
    /// The endpoint did not answer in time.
    UpstreamTimeout,
    /// The release is going away and its grace period is over.
    Closed,
}

impl Reason {
    /// The header's value.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NoRoute => "no-route",
            Self::BadRequest => "bad-request",
            Self::Unsupported => "unsupported",
            Self::ClientTimeout => "client-timeout",
            Self::Unreachable => "upstream-unreachable",
            Self::Crowded => "too-many-held",
            Self::Failed => "upstream-failed",
            Self::UpstreamTimeout => "upstream-timeout",
            Self::Closed => "upstream-closed",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unsupported => StatusCode::NOT_IMPLEMENTED,
            Self::ClientTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Unreachable | Self::Crowded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed | Self::Closed => StatusCode::BAD_GATEWAY,
            Self::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::NoRoute => "nothing is served here\n",
            Self::BadRequest => "the request has no usable host or path\n",
            Self::Unsupported => "the edge does not pass this on\n",
            Self::ClientTimeout => "the request did not arrive in time\n",
            Self::Unreachable => "the app cannot be reached\n",
            Self::Crowded => "the app cannot be reached, and many wait for it\n",
            Self::Failed => "the app broke off without an answer\n",
            Self::UpstreamTimeout => "the app did not answer in time\n",
            Self::Closed => "the app was replaced before it answered\n",
        }
    }

    /// The connection is kept only where the request is known to be complete and harmless.
    pub(crate) fn response(self) -> Response<ResponseBody> {
        let body = ResponseBody::Text(Some(Bytes::from_static(self.text().as_bytes())));
        let mut response = Response::new(body);
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(
            HeaderName::from_static(REASON_HEADER),
            HeaderValue::from_static(self.as_str()),
        );
        match self {
            Self::NoRoute | Self::Failed => {}
            // A body may not have been read.
            Self::Unreachable | Self::Crowded => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_S));
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Self::BadRequest
            | Self::Unsupported
            | Self::ClientTimeout
            | Self::UpstreamTimeout
            | Self::Closed => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
        }
        response
    }
}
