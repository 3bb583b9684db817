//! Builds: the context streams in, the builder's lines stream out. A client that goes away stops it.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use futures_util::stream::StreamExt;
use landfall_api::{
    AuditAction, AuditResult, BUILD_HEADER, BuildEvent, BuildRequest, CONTEXT_MAX_BYTES, Problem,
    ProblemCode,
};
use tokio::sync::mpsc;

use super::Site;
use super::answer::Refusal;
use super::caller::Caller;
use super::ndjson;
use crate::audit;
use crate::ground::Ground;
use crate::platform::{Context, Platform};

/// Lines of output that wait for a slow reader; more are dropped, the result never is.
const OUTPUT_MAX: usize = 4096;

pub(super) async fn build<G: Ground>(
    State(site): State<Site<G>>,
    caller: Caller,
    request: Request,
) -> Result<Response, Refusal> {
    let build = read_header(request.headers())?;
    let mut fact = audit::fact(caller.who(None), AuditAction::Build, None);
    fact.message = Some(build.tag.clone());
    fact.result = AuditResult::Accepted;
    site.agent.audit(fact).await;
    let context = bounded(request.into_body());
    let (sender, events) = mpsc::channel(OUTPUT_MAX);
    let platform = site.agent.platform.clone();
    site.agent.spawn(async move {
        let mut output = |line: String| drop(sender.try_send(BuildEvent::Output { line }));
        let work = platform.build(&build, context, &mut output);
        let last = tokio::select! {
            built = work => match built {
                Ok(image) => BuildEvent::Done { image },
                Err(problem) => BuildEvent::Failed { problem },
            },
            () = sender.closed() => return,
        };
        drop(sender.send(last).await);
    });
    Ok(ndjson::lines(events, site.stopping))
}

fn read_header(headers: &HeaderMap) -> Result<BuildRequest, Problem> {
    let invalid = |message: &str| Problem::new(ProblemCode::Invalid, message);
    let header = headers.get(BUILD_HEADER);
    let header = header.ok_or_else(|| invalid("a build says what it is in its header"))?;
    serde_json::from_slice(header.as_bytes())
        .map_err(|_| invalid("the build's header is not what this call takes"))
}

/// The context, cut off with an error where it is too large.
fn bounded(body: axum::body::Body) -> Context {
    let mut left = CONTEXT_MAX_BYTES;
    Box::pin(body.into_data_stream().map(move |chunk| {
        let chunk = chunk.map_err(std::io::Error::other)?;
        let size = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        left = left.checked_sub(size).ok_or_else(|| {
            std::io::Error::other(format!("the context is larger than {CONTEXT_MAX_BYTES} bytes"))
        })?;
        Ok(chunk)
    }))
}
