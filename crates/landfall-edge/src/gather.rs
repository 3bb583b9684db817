//! Requests with an `Idempotency-Key`: their sender vouches that two of them have the effect of one,
//! so they may be sent again as a `GET` may. For that a body must be at hand twice: a small one of
//! known length is read before anything is sent, as long as all such bodies together have room. Any
//! other goes through as it comes, and once.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use hyper::Request;
use hyper::body::{Body as _, Bytes, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::activity::Activity;
use crate::answer::Reason;
use crate::body::RequestBody;

/// The header, as Stripe, `net/http` and the IETF's draft name it.
pub(crate) const KEY_HEADER: &str = "idempotency-key";

/// The largest body that is kept for a second try.
const BODY_BYTES_MAX: u64 = 64 * 1024;
/// All of them together.
const ROOM_BYTES: usize = 16 * 1024 * 1024;

/// Room for the bodies kept, in bytes.
#[derive(Debug)]
pub(crate) struct Larder(Arc<Semaphore>);

impl Default for Larder {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ROOM_BYTES)))
    }
}

impl Larder {
    fn place(&self, bytes: u32) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_many_owned(bytes).ok()
    }
}

/// Reads the body if it can be kept, and returns its place in the larder.
pub(crate) async fn gather(
    request: &mut Request<RequestBody>,
    larder: &Larder,
) -> Result<Option<OwnedSemaphorePermit>, Reason> {
    let length = request.body().size_hint().exact().filter(|length| *length <= BODY_BYTES_MAX);
    let place = length.and_then(|length| larder.place(u32::try_from(length).ok()?));
    if place.is_some()
        && let RequestBody::Stream { incoming, activity } = request.body_mut()
    {
        let whole = read(incoming, activity).await?;
        *request.body_mut() = RequestBody::Whole(Some(whole));
    }
    Ok(place)
}

/// No more than the length announced comes: hyper sees to that.
async fn read(incoming: &mut Incoming, activity: &Activity) -> Result<Bytes, Reason> {
    let mut whole = Vec::new();
    poll_fn(|cx| {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut *incoming).poll_frame(cx) else {
                let overdue = activity.is_overdue();
                return if overdue {
                    Poll::Ready(Err(Reason::ClientTimeout))
                } else {
                    Poll::Pending
                };
            };
            activity.touch();
            match frame {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        whole.extend_from_slice(data);
                    }
                }
                Some(Err(_)) => return Poll::Ready(Err(Reason::BadRequest)),
                None => return Poll::Ready(Ok(())),
            }
        }
    })
    .await?;
    activity.set_uploading(false);
    Ok(whole.into())
}
