//! One HTTP/1.1 connection to an endpoint: hyper's client handles, driven by whoever uses them.
//!
//! There is no task behind it. While a request or a body is awaited its own task drives the
//! connection; an idle one is driven by nobody and is looked at again when it is taken.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use hyper::body::{Body as _, Bytes, Frame, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::coop::unconstrained;

use crate::activity::Activity;
use crate::body::RequestBody;
use crate::config::Limits;
use crate::raw_io;
use crate::relay::Relay;

type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// A connection, in use or idle.
pub(crate) struct Upstream {
    sender: SendRequest<RequestBody>,
    /// Gone when the connection has ended: hyper answers what was queued when it is dropped.
    driver: Option<Driver>,
    relay: Arc<Relay>,
    waker: Waker,
    ask_kernel: Arc<AtomicBool>,
    idle_since: Instant,
}

/// Why a request got no answer.
#[derive(Debug)]
pub(crate) enum SendError {
    /// Nothing was sent: here is the request again.
    Unsent(Box<Request<RequestBody>>),
    /// The connection died after the request went out and before its answer.
    Died(hyper::Error),
    /// The answer is not HTTP.
    Malformed(hyper::Error),
    /// The client's body broke off.
    Client(hyper::Error),
    /// No answer in time.
    Overdue,
    /// The target was closed.
    Cut,
}

impl Upstream {
    /// Connects, within `limits.connect`.
    pub(crate) async fn connect(endpoint: SocketAddr, limits: &Limits) -> io::Result<Self> {
        let stream = tokio::time::timeout(limits.connect, TcpStream::connect(endpoint))
            .await
            .map_err(|_| io::Error::from(ErrorKind::TimedOut))??;
        stream.set_nodelay(true)?;
        let ask_kernel = Arc::new(AtomicBool::new(false));
        let io = UpstreamIo { stream, ask_kernel: Arc::clone(&ask_kernel) };
        let (sender, connection) = http1::Builder::new()
            .max_header_size(limits.head_bytes_max)
            .handshake(TokioIo::new(io))
            .await
            .map_err(io::Error::other)?;
        let relay = Arc::new(Relay::default());
        Ok(Self {
            sender,
            driver: Some(Box::pin(connection.with_upgrades())),
            waker: Waker::from(Arc::clone(&relay)),
            relay,
            ask_kernel,
            idle_since: Instant::now(),
        })
    }

    pub(crate) fn idle_for(&self) -> Duration {
        self.idle_since.elapsed()
    }

    /// Idle from now on.
    pub(crate) fn rest(&mut self) {
        self.idle_since = Instant::now();
    }

    /// Asks the kernel, not the runtime's view of it, whether the endpoint has closed. For an idle
    /// connection: nobody is woken by it.
    pub(crate) fn is_open(&mut self) -> bool {
        self.ask_kernel.store(true, Relaxed);
        let closed = self.drive(&mut Context::from_waker(Waker::noop())).is_ready();
        self.ask_kernel.store(false, Relaxed);
        !closed
    }

    /// Keeps an idle connection that is young and open.
    pub(crate) fn still_good(mut self, now: Instant, max_idle: Duration) -> Option<Self> {
        let young = now.saturating_duration_since(self.idle_since) <= max_idle;
        (young && self.is_open()).then_some(self)
    }

    /// Sends a request and waits for the head of its answer.
    pub(crate) fn send(
        &mut self,
        request: Request<RequestBody>,
        activity: &Activity,
    ) -> impl Future<Output = Result<Response<Incoming>, SendError>> {
        // Handing the request over calls the relay, which still knows the task of the last request;
        // ours drives the connection right away.
        let (answer, _) = self.relay.muted(|| self.sender.try_send_request(request));
        async move {
            // Only our own driving can complete the answer, so its waker is idle; and without waker
            // it must not be held back by the task's budget.
            let mut answer = pin!(unconstrained(answer));
            poll_fn(|cx| {
                let driven = self.drive(cx);
                let nobody = &mut Context::from_waker(Waker::noop());
                if let Poll::Ready(answer) = answer.as_mut().poll(nobody) {
                    return Poll::Ready(answer.map_err(|mut error| match error.take_message() {
                        Some(request) => SendError::Unsent(Box::new(request)),
                        None => judge(error.into_error()),
                    }));
                }
                if driven.is_ready() || activity.is_cut() {
                    return Poll::Ready(Err(SendError::Cut));
                }
                if activity.is_overdue() {
                    return Poll::Ready(Err(SendError::Overdue));
                }
                Poll::Pending
            })
            .await
        }
    }

    /// Takes the next piece of an answer's body, driving the connection as needed. After a piece it
    /// must be polled again without waiting to be woken, as hyper does.
    pub(crate) fn poll_frame(
        &mut self,
        incoming: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let (Poll::Ready(frame), _) = self.take_frame(incoming) {
            return Poll::Ready(frame);
        }
        loop {
            let driven = self.drive(cx);
            match self.take_frame(incoming) {
                (Poll::Ready(frame), _) => return Poll::Ready(frame),
                // Hyper never leaves a body open behind it, but nothing would ever wake us.
                (Poll::Pending, _) if driven.is_ready() => {
                    return Poll::Ready(Some(Err(ErrorKind::UnexpectedEof.into())));
                }
                // The socket moved just after it was looked at.
                (Poll::Pending, true) => {}
                (Poll::Pending, false) => return Poll::Pending,
            }
        }
    }

    /// The piece that is there already, and whether somebody called the relay meanwhile.
    fn take_frame(
        &self,
        incoming: &mut Incoming,
    ) -> (Poll<Option<io::Result<Frame<Bytes>>>>, bool) {
        let nobody = &mut Context::from_waker(Waker::noop());
        let (frame, called) = self.relay.muted(|| Pin::new(incoming).poll_frame(nobody));
        (frame.map(|frame| frame.map(|frame| frame.map_err(io::Error::other))), called)
    }

    /// Whether the next request may follow at once. Call it when the answer has ended.
    pub(crate) fn is_reusable(&mut self) -> bool {
        if !self.sender.is_ready() {
            let _ = self.drive(&mut Context::from_waker(Waker::noop()));
        }
        self.sender.is_ready() && self.driver.is_some()
    }

    /// Gives the connection up to the protocol it was upgraded to; resolves when hyper let go of it.
    pub(crate) async fn release(self) -> hyper::Result<()> {
        match self.driver {
            Some(driver) => driver.await,
            None => Ok(()),
        }
    }

    fn drive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(driver) = &mut self.driver {
            self.relay.attach(cx.waker());
            // Its errors reach the request or the body that was under way.
            let _ = ready!(driver.as_mut().poll(&mut Context::from_waker(&self.waker)));
            self.driver = None;
        }
        Poll::Ready(())
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("idle_since", &self.idle_since).finish_non_exhaustive()
    }
}

fn judge(error: hyper::Error) -> SendError {
    if error.is_user() {
        SendError::Client(error)
    } else if error.is_parse() {
        SendError::Malformed(error)
    } else {
        SendError::Died(error)
    }
}

/// The socket. When told to, it asks the kernel for a waiting end of stream before it believes the
/// runtime, whose news come one round of `epoll` late.
struct UpstreamIo {
    stream: TcpStream,
    ask_kernel: Arc<AtomicBool>,
}

impl UpstreamIo {
    fn has_ended(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        match socket2::SockRef::from(&self.stream).peek(&mut byte) {
            Ok(count) => count == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }
}

impl AsyncRead for UpstreamIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ask_kernel.load(Relaxed) && self.has_ended() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for UpstreamIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        raw_io::poll_send(&self.stream, cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A head alone is one buffer, and `send` costs less than `writev`.
        match bufs {
            [one] => raw_io::poll_send(&self.stream, cx, one),
            _ => Pin::new(&mut self.stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
