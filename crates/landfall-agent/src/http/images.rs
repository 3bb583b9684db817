//! Images that come from clients: what is here already, and taking one in. A client that goes away
//! stops it.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use futures_util::stream::StreamExt;
use landfall_api::{
    IMAGE_HEADER, IMAGE_MAX_BYTES, ImageAnswer, ImageEvent, ImagePush, ImageQuery, Problem,
    ProblemCode,
};
use tokio::sync::mpsc;

use super::Site;
use super::answer::{Answer, Refusal, Wire};
use super::ndjson;
use crate::ground::Ground;
use crate::platform::Context;

pub(super) async fn query<G: Ground>(
    State(site): State<Site<G>>,
    Wire(query): Wire<ImageQuery>,
) -> Answer<ImageAnswer> {
    Ok(Json(site.agent.has_of_image(&query).await?))
}

pub(super) async fn push<G: Ground>(
    State(site): State<Site<G>>,
    request: Request,
) -> Result<Response, Refusal> {
    let push = read_header(request.headers())?;
    let contents = bounded(request.into_body());
    let (sender, events) = mpsc::channel(ndjson::LINES_MAX);
    let agent = site.agent.clone();
    site.agent.spawn(async move {
        // A slow reader misses progress, never the result.
        let told = |wire_bytes| drop(sender.try_send(ImageEvent::Received { wire_bytes }));
        let last = tokio::select! {
            taken = agent.take_in(push, contents, told) => match taken {
                Ok((image, wire_bytes)) => ImageEvent::Done { image, wire_bytes },
                Err(problem) => ImageEvent::Failed { problem },
            },
            () = sender.closed() => return,
        };
        drop(sender.send(last).await);
    });
    Ok(ndjson::lines(events, site.stopping))
}

fn read_header(headers: &HeaderMap) -> Result<ImagePush, Problem> {
    let invalid = |message: &str| Problem::new(ProblemCode::Invalid, message);
    let header = headers.get(IMAGE_HEADER);
    let header = header.ok_or_else(|| invalid("an image says what it is in its header"))?;
    serde_json::from_slice(header.as_bytes())
        .map_err(|_| invalid("the image's header is not what this call takes"))
}

/// The packed contents, cut off with an error where they are too large.
fn bounded(body: axum::body::Body) -> Context {
    let mut left = IMAGE_MAX_BYTES;
    Box::pin(body.into_data_stream().map(move |chunk| {
        let chunk = chunk.map_err(std::io::Error::other)?;
        let size = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        left = left.checked_sub(size).ok_or_else(|| {
            std::io::Error::other(format!("the image is larger than {IMAGE_MAX_BYTES} bytes"))
        })?;
        Ok(chunk)
    }))
}
