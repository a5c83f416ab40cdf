//! One connection: HTTP over a socket that is not waited for forever.
//!
//! Four ways to hold a server up are cut off here: a request head that trickles,
//! a body that trickles, an idle connection, and a client that does not read.

use std::convert::Infallible;
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tower::ServiceExt;

use super::client::Peer;
use super::shutdown::Shutdown;
use super::tls::HTTP_2;

/// How long a client may take for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) header: Duration,
    pub(super) body: Duration,
    pub(super) idle: Duration,
    pub(super) write: Duration,
}

/// Serves a connection to its end. It ends early when it is idle and the
/// shutdown begins, and in any case when the shutdown is cut.
pub(super) async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    patience: Patience,
    shutdown: Shutdown,
) {
    let activity = Arc::new(Activity::new(patience));
    let socket = Socket { stream, activity: activity.clone(), stalled: None, write: patience.write };
    let service = service_fn({
        let activity = activity.clone();
        move |request: Request<Incoming>| {
            let visit = activity.enter();
            let router = router.clone();
            async move {
                let mut request = request.map(|body| Body::new(Prompt::new(body, patience.body)));
                request.extensions_mut().insert(Peer(peer));
                let response: Response<Body> = match router.oneshot(request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                };
                Ok::<_, Infallible>(response.map(|body| Watched { body, _visit: visit }))
            }
        }
    });

    // Each way has a future of its own size on the heap: a connection takes the
    // memory of what it speaks, not of the largest that it might.
    let Some(tls) = tls else {
        let spoken = tokio::select! {
            biased;
            () = shutdown.begun() => return,
            spoken = timeout(patience.header, spoken(&socket.stream)) => spoken,
        };
        let Ok(version) = spoken else {
            tracing::debug!("a connection was closed: nothing came in time");
            return;
        };
        let io = TokioIo::new(socket);
        match version {
            Spoken::Http1 => {
                let connection = http1().serve_connection(io, service);
                Box::pin(converse(connection, &activity, &shutdown)).await;
            }
            Spoken::Http2 => {
                let connection = http2().serve_connection(io, service);
                Box::pin(converse(connection, &activity, &shutdown)).await;
            }
        }
        return;
    };
    Box::pin(encrypted(socket, tls, service, patience, &activity, &shutdown)).await;
}

/// Serves a connection within TLS.
async fn encrypted<S>(
    socket: Socket,
    tls: Arc<ServerConfig>,
    service: S,
    patience: Patience,
    activity: &Activity,
    shutdown: &Shutdown,
) where
    S: Service<Request<Incoming>, Response = Response<Watched>, Error = Infallible>,
    S::Future: Send + 'static,
{
    let shaken = tokio::select! {
        biased;
        () = shutdown.begun() => return,
        // The request's head is due at the same time: see `Activity::deadline`.
        shaken = timeout(patience.header, TlsAcceptor::from(tls).accept(socket)) => shaken,
    };
    match shaken {
        Ok(Ok(stream)) => {
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP_2);
            activity.state().is_http2 = is_http2;
            let io = TokioIo::new(stream);
            if is_http2 {
                Box::pin(converse(http2().serve_connection(io, service), activity, shutdown)).await;
            } else {
                Box::pin(converse(http1().serve_connection(io, service), activity, shutdown)).await;
            }
        }
        Ok(Err(error)) => tracing::debug!(%error, "a connection did not come to TLS"),
        Err(_) => tracing::debug!("a connection was closed: no handshake in time"),
    }
}

/// Which version of HTTP a client begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spoken {
    Http1,
    Http2,
}

/// Looks at the first bytes of a connection and leaves them there. hyper could tell
/// the versions apart by itself, but hands on what it has read in a way that makes a
/// connection of HTTP/1 grow its buffer to twice the size, for as long as it lives.
async fn spoken(stream: &TcpStream) -> Spoken {
    let mut head = [0; PREFACE.len()];
    loop {
        // What is wrong with the connection is seen when it is read.
        let length = stream.peek(&mut head).await.unwrap_or_default();
        match head.get(..length).unwrap_or_default() {
            begun if begun == PREFACE => return Spoken::Http2,
            begun if !begun.is_empty() && PREFACE.starts_with(begun) => {
                // A network that cuts after one letter, of POST or of the preface.
                // What was peeked at stays readable, so that nothing wakes us.
                sleep(NEXT_LOOK).await;
            }
            _ => return Spoken::Http1,
        }
    }
}

/// Pause between two looks at a beginning that leaves open what it is.
const NEXT_LOOK: Duration = Duration::from_millis(5);

/// How HTTP/2 begins, as far as no method of HTTP/1 does.
const PREFACE: &[u8] = b"PRI ";

/// Answers the requests of a connection.
async fn converse<C>(connection: C, activity: &Activity, shutdown: &Shutdown)
where
    C: GracefulConnection,
    C::Error: Display,
{
    let mut connection = pin!(connection);
    let patience = activity.patience;
    let mut overdue = pin!(Overdue { activity, sleep: Box::pin(sleep(patience.header)) });
    let mut stopping = false;
    loop {
        tokio::select! {
            biased;
            () = shutdown.was_cut() => return,
            () = shutdown.begun(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            ended = &mut connection => {
                if let Err(error) = ended {
                    // The client's doing, nearly always, and already in the log
                    // with the request if there was one.
                    tracing::debug!(error = %error, "a connection ended badly");
                }
                return;
            }
            // Last, so that what the connection just did is counted.
            () = &mut overdue => {
                tracing::debug!("a connection was closed: nothing came in time");
                return;
            }
        }
    }
}

/// HTTP/1.1 with small bounded buffers: there may be thousands of connections.
fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // hyper's own time-out would also run between two requests.
        .header_read_timeout(None)
        .max_buf_size(MAX_HEAD_BYTES);
    builder
}

/// HTTP/2, bounded likewise.
fn http2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST_BYTES)
        .max_pending_accept_reset_streams(MAX_RESETS)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(MAX_SEND_BYTES)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_INTERVAL);
    builder
}

/// Largest request head, and largest piece of an answer that is buffered, in bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Of one connection of HTTP/2: answers at once, and resets that were not taken note
/// of yet.
const MAX_STREAMS: u32 = 100;
const MAX_RESETS: usize = 20;

/// Of HTTP/2, in bytes: a request's headers, what may come of a body and of all
/// bodies before it is taken, and what may wait to be sent of an answer.
const MAX_HEADER_LIST_BYTES: u32 = 16 * 1024;
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;
const MAX_SEND_BYTES: usize = 64 * 1024;

/// Pause between HTTP/2 pings, and how long one may stay unanswered.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// What the connection is doing, as far as its time-outs go.
#[derive(Debug)]
struct Activity {
    state: Mutex<State>,
    patience: Patience,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    is_http2: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No request yet.
    Opening,
    /// So many answers are on their way; never 0.
    Answering(usize),
    /// Between requests.
    Idle,
    /// Bytes of the next request came, but not its whole head. HTTP/1 only: on
    /// HTTP/2 bytes may be the answer to a ping.
    ReadingHead,
}

impl Activity {
    fn new(patience: Patience) -> Self {
        let state = State { phase: Phase::Opening, since: Instant::now(), is_http2: false };
        Self { state: Mutex::new(state), patience }
    }

    /// The lock guards plain data, which is whole even after a panic elsewhere.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bytes_came(&self, bytes: &[u8]) {
        let mut state = self.state();
        match state.phase {
            // The first bytes of HTTP/2 begin like those of no HTTP/1 method.
            Phase::Opening if bytes.starts_with(b"PRI * HTTP/2") => state.is_http2 = true,
            Phase::Idle if !state.is_http2 => {
                state.phase = Phase::ReadingHead;
                state.since = Instant::now();
            }
            _ => {}
        }
    }

    fn enter(self: &Arc<Self>) -> Visit {
        let mut state = self.state();
        state.phase = match state.phase {
            Phase::Answering(others) => Phase::Answering(others + 1),
            _ => Phase::Answering(1),
        };
        Visit(self.clone())
    }

    /// When the client will have taken too long; never while we owe an answer.
    fn deadline(&self) -> Option<Instant> {
        let state = self.state();
        match state.phase {
            Phase::Opening | Phase::ReadingHead => Some(state.since + self.patience.header),
            Phase::Answering(_) => None,
            Phase::Idle => Some(state.since + self.patience.idle),
        }
    }
}

/// One request, from its head to the last byte of its answer.
#[derive(Debug)]
struct Visit(Arc<Activity>);

impl Drop for Visit {
    fn drop(&mut self) {
        let mut state = self.0.state();
        match state.phase {
            Phase::Answering(others) if others > 1 => state.phase = Phase::Answering(others - 1),
            _ => {
                state.phase = Phase::Idle;
                state.since = Instant::now();
            }
        }
    }
}

/// Ready when the deadline of the activity is over. It is polled after the
/// connection each time, so that it sees what the connection did. On HTTP/2 an
/// answer may end in a task of its own; the next ping has it noticed.
struct Overdue<'a> {
    activity: &'a Activity,
    sleep: Pin<Box<Sleep>>,
}

impl Future for Overdue<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        loop {
            let Some(deadline) = this.activity.deadline() else { return Poll::Pending };
            if this.sleep.deadline() != deadline {
                this.sleep.as_mut().reset(deadline);
            }
            ready!(this.sleep.as_mut().poll(cx));
            if this.activity.deadline() == Some(deadline) {
                return Poll::Ready(());
            }
        }
    }
}

/// The stream, watched: what comes in is told to the activity, and bytes that
/// nobody takes end it.
struct Socket {
    stream: TcpStream,
    activity: Arc<Activity>,
    /// Runs while the other end takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    write: Duration,
}

impl Socket {
    fn watch<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let limit = self.write;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(limit)));
        match stalled.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        if let Some(bytes) = buf.filled().get(before..).filter(|bytes| !bytes.is_empty()) {
            this.activity.bytes_came(bytes);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.watch(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// The slowest that a large body may come, in bytes per second: a poor mobile
/// network.
const BYTES_PER_SECOND: f64 = 32.0 * 1024.0;

/// A request body that must be whole in time, from its head on. The deadline is
/// for the whole, not between two bytes: one byte a second would pass that. Large
/// ones, files, are given the time that they take at [`BYTES_PER_SECOND`].
struct Prompt {
    body: Incoming,
    deadline: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Prompt {
    fn new(body: Incoming, limit: Duration) -> Self {
        Self { body, deadline: Instant::now() + limit, sleep: None }
    }
}

impl HttpBody for Prompt {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            if let Some(bytes) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
                let bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                this.deadline += Duration::from_secs_f64(f64::from(bytes) / BYTES_PER_SECOND);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let deadline = this.deadline;
        let sleep = this.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() < deadline {
            sleep.as_mut().reset(deadline);
        }
        ready!(sleep.as_mut().poll(cx));
        let error = io::Error::new(io::ErrorKind::TimedOut, "the request body did not come in time");
        Poll::Ready(Some(Err(error.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body that keeps its visit open until it is sent or dropped.
struct Watched {
    body: Body,
    _visit: Visit,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
