//! Upgraded connections: bytes both ways until one side ends it, nothing moves for long, or the
//! release behind it is closed. In flight, and connected, for as long.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

use crate::activity::Phase;
use crate::exchange::Client;
use crate::hub::Stage;
use crate::target::Flight;
use crate::upstream::Upstream;

/// Starts the tunnel beside the connection that asked for it, which ends with the 101.
pub(crate) fn start(
    client: Arc<Client>,
    flight: Flight,
    upstream: Upstream,
    upgraded: OnUpgrade,
    downstream: OnUpgrade,
) {
    client.member.activity().enter(Phase::Tunnel);
    tokio::spawn(async move {
        let outcome = until_told(&client, async {
            upstream.release().await?;
            let mut upstream = TokioIo::new(upgraded.await?);
            let mut downstream = TokioIo::new(downstream.await?);
            // Either side may break off; that is how tunnels end.
            let _ = copy_bidirectional(&mut downstream, &mut upstream).await;
            Ok::<_, hyper::Error>(())
        })
        .await;
        if let Some(Err(error)) = outcome {
            tracing::debug!(%error, "upgrade failed");
        }
        drop(flight);
    });
}

/// Runs `work` until the hub or the sweep wants it to end: then `None`.
async fn until_told<T>(client: &Client, work: impl Future<Output = T>) -> Option<T> {
    let activity = client.member.activity();
    let mut work = pin!(work);
    let mut listening = false;
    poll_fn(|cx| {
        if !listening {
            activity.listen(cx.waker());
            listening = true;
        }
        if let Poll::Ready(out) = work.as_mut().poll(cx) {
            return Poll::Ready(Some(out));
        }
        let told = activity.is_cut()
            || activity.is_overdue()
            || client.edge.hub().has_reached(Stage::Aborting);
        if told { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}
