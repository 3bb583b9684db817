//! Serves until told to stop: no new requests then, streams end, the rest has a moment.

use std::future::Future;
use std::time::Duration;

use axum::Router;
use tokio::net::UnixListener;
use tokio::sync::watch;

use super::caller::Peer;

/// Time for requests in flight when the agent stops.
const STOP_MAX: Duration = Duration::from_secs(5);

/// Serves; `stopping` turns true as soon as `shutdown` is done.
pub(crate) async fn serve(
    listener: UnixListener,
    router: Router,
    stopping: watch::Sender<bool>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let mut stopped = stopping.subscribe();
    let service = router.into_make_service_with_connect_info::<Peer>();
    let served = axum::serve(listener, service).with_graceful_shutdown(async move {
        shutdown.await;
        stopping.send_replace(true);
    });
    let served = std::pin::pin!(served.into_future());
    let overtime = async {
        // An error means that the sender is gone with the server: nothing to wait for.
        drop(stopped.wait_for(|stopping| *stopping).await);
        tokio::time::sleep(STOP_MAX).await;
    };
    tokio::select! {
        result = served => result,
        () = overtime => Ok(()),
    }
}
