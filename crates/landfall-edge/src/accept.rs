//! Clients come in: one task a listener, one task a connection.

use std::future::{Future as _, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::activity::Phase;
use crate::client_io::ClientIo;
use crate::edge::Edge;
use crate::exchange::{Client, answer};
use crate::forward::Peer;
use crate::hub::Stage;
use crate::listen;

/// Pause after the system refused a connection, for example for want of descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// One listener, as its connections know it.
#[derive(Debug)]
pub(crate) struct Door {
    listen: SocketAddr,
    shut: AtomicBool,
    ended: AtomicBool,
    stop: Notify,
}

impl Door {
    pub(crate) fn new(listen: SocketAddr) -> Arc<Self> {
        let no = || AtomicBool::new(false);
        Arc::new(Self { listen, shut: no(), ended: no(), stop: Notify::new() })
    }

    pub(crate) fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// No new connections, and those there are end with their next answer.
    pub(crate) fn shut(&self) {
        self.shut.store(true, Relaxed);
        self.stop.notify_one();
    }

    /// The same, and nobody is to listen here any more, whoever has the socket.
    pub(crate) fn end(&self) {
        self.ended.store(true, Relaxed);
        self.shut();
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.shut.load(Relaxed)
    }
}

/// Accepts until told to stop, then takes in what the kernel has queued already.
pub(crate) async fn run(edge: Arc<Edge>, door: Arc<Door>, listener: Arc<TcpListener>) {
    let mut stopped = pin!(door.stop.notified());
    loop {
        let next = async {
            let places: Arc<Semaphore> = Arc::clone(edge.places());
            let place = places.acquire_owned().await.expect("the semaphore is never closed");
            (listener.accept().await, place)
        };
        tokio::select! {
            biased;
            () = &mut stopped => break,
            (accepted, place) = next => match accepted {
                Ok((stream, peer)) => start(&edge, &door, stream, peer, place),
                Err(error) => {
                    tracing::warn!(listen = %door.listen, %error, "cannot accept");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
    while let Some((stream, peer)) = queued(&listener) {
        let Ok(place) = Arc::clone(edge.places()).try_acquire_owned() else { break };
        start(&edge, &door, stream, peer, place);
    }
    if door.ended.load(Relaxed) {
        listen::end(&listener);
    }
}

/// A connection waiting in the kernel's queue, by the kernel's own word.
fn queued(listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
    let (socket, peer) = socket2::SockRef::from(listener).accept().ok()?;
    socket.set_nonblocking(true).ok()?;
    let stream = TcpStream::from_std(socket.into()).ok()?;
    Some((stream, peer.as_socket()?))
}

fn start(
    edge: &Arc<Edge>,
    door: &Arc<Door>,
    stream: TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
) {
    let client = Arc::new(Client {
        edge: Arc::clone(edge),
        door: Arc::clone(door),
        local: stream.local_addr().unwrap_or(door.listen),
        peer: Peer::new(peer, edge.trusted()),
        member: edge.hub().join(),
        _place: place,
    });
    tokio::spawn(serve(client, stream));
}

async fn serve(client: Arc<Client>, stream: TcpStream) {
    let activity = Arc::clone(client.member.activity());
    let io = TokioIo::new(ClientIo::new(stream, Arc::clone(&activity)));
    let edge = Arc::clone(&client.edge);
    let service = service_fn(move |request| answer(Arc::clone(&client), request));
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        // `ClientIo` notices clients that have gone.
        .half_close(true)
        .max_header_size(edge.limits().head_bytes_max)
        .serve_connection(io, service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let (mut listening, mut closing) = (false, false);
    poll_fn(|cx| {
        if !listening {
            activity.listen(cx.waker());
            listening = true;
        }
        if connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if !closing && edge.hub().has_reached(Stage::Closing) {
            closing = true;
            connection.as_mut().graceful_shutdown();
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
        }
        // Whoever awaits an answer or a body has been polled above and has given up by itself; what
        // is left is a client that neither asks nor reads.
        let given_up = !activity.is(Phase::Tunnel) && (activity.is_cut() || activity.is_overdue())
            || edge.hub().has_reached(Stage::Aborting);
        if given_up { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
