//! The server that all simulators share: it records what it is asked, checks the
//! key, and makes the trouble that it was told to make.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::serve::Listener;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::answer::{Answer, Script};
use crate::provider::{Kind, Provider, Refused};
use crate::script::{Pieces, Switches, Trouble};

/// Largest request body that is read, in bytes (16 MiB).
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// How much of an event that never ends is sent: more than anybody should keep.
const ENDLESS_BYTES: usize = 4 * 1024 * 1024;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The method.
    pub method: Method,
    /// The path with its leading slash, percent-encoded as it came.
    pub path: String,
    /// The query without its question mark; empty if there is none.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as JSON; `null` if it is none.
    pub body: Value,
}

impl Recorded {
    /// A header as text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A provider that runs on this machine until it is dropped.
#[derive(Debug)]
pub struct Simulator {
    /// What to write as `base_url`.
    pub base_url: String,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    provider: Box<dyn Provider>,
    switches: Mutex<Switches>,
    /// Requests so far, for troubles that pass.
    count: AtomicU32,
    open: Arc<AtomicUsize>,
    requests: Mutex<Vec<Recorded>>,
}

impl Simulator {
    /// Starts one on a free port of the loopback address.
    ///
    /// # Errors
    /// The system gives no port.
    pub async fn start(kind: Kind, switches: Switches) -> io::Result<Self> {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0)), kind, switches).await
    }

    /// Starts one on that address.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn start_on(addr: SocketAddr, kind: Kind, switches: Switches) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let open = Arc::new(AtomicUsize::new(0));
        let shared = Arc::new(Shared {
            provider: kind.provider(),
            switches: Mutex::new(switches),
            count: AtomicU32::new(0),
            open: Arc::clone(&open),
            requests: Mutex::default(),
        });
        let router = Router::new().fallback(serve).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            // It ends only by being aborted.
            let _ = axum::serve(Counted { listener, open }, router).await;
        });
        Ok(Self { base_url: format!("http://{addr}{}", kind.base_path()), shared, server })
    }

    /// What it was asked so far, oldest first.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Connections that are open now.
    pub fn open_connections(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// Behaves otherwise from now on. Troubles that pass are counted anew.
    pub fn switch(&self, switches: Switches) {
        self.shared.count.store(0, Ordering::SeqCst);
        *self.shared.switches.lock().unwrap_or_else(PoisonError::into_inner) = switches;
    }

    /// Runs until the task is cancelled.
    pub async fn run(mut self) {
        let _ = (&mut self.server).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MAX_BODY_BYTES).await.unwrap_or_default();
    let recorded = Recorded {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    };
    shared.requests.lock().unwrap_or_else(PoisonError::into_inner).push(recorded.clone());
    let switches = shared.switches.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let is_troubled = shared.count.fetch_add(1, Ordering::SeqCst) < switches.troubled;
    let trouble = switches.trouble.filter(|_| is_troubled);
    let mut response = respond(&*shared.provider, &recorded, &switches, trouble).await;
    response.headers_mut().insert("x-request-id", HeaderValue::from_static("simulated-request"));
    response
}

async fn respond(
    provider: &dyn Provider,
    request: &Recorded,
    switches: &Switches,
    trouble: Option<Trouble>,
) -> Response {
    let is_keyed = switches.key.as_ref().is_none_or(|key| {
        request.header(AUTHORIZATION.as_str()).strip_prefix("Bearer ") == Some(key.as_str())
    });
    match trouble {
        Some(Trouble::Silent) => std::future::pending().await,
        Some(Trouble::Hangup) => {
            // A head that never comes, and then none can: hyper closes the socket
            // of a handler that panics, but a panic would be told; a body that
            // fails at once after an empty head does the same one step later.
            return hang_up();
        }
        Some(Trouble::Redirect(port)) => {
            let target = format!("http://127.0.0.1:{port}/elsewhere");
            return (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, target)]).into_response();
        }
        Some(Trouble::RateLimited { retry_after_s }) => {
            let mut response = render_whole(provider.refuse(Refused::TooMany, request));
            if let Some(seconds) = retry_after_s {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            return response;
        }
        Some(Trouble::NoCredit) => return render_whole(provider.refuse(Refused::NoCredit, request)),
        Some(Trouble::Status(status)) => {
            return render_whole(provider.refuse(Refused::Status(status), request));
        }
        Some(Trouble::TellsKey) => return render_whole(provider.refuse(Refused::WithKey, request)),
        _ => {}
    }
    if !is_keyed && provider.needs_key(request) {
        return render_whole(provider.refuse(Refused::WrongKey, request));
    }
    match provider.answer(request, switches) {
        Answer::Stream(script) => render_stream(script, switches, trouble),
        whole @ Answer::Json(..) => render_whole(whole),
    }
}

fn render_whole(answer: Answer) -> Response {
    let Answer::Json(status, headers, body) = answer else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response();
    add_headers(&mut response, headers);
    response
}

fn add_headers(response: &mut Response, headers: Vec<(&'static str, String)>) {
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
}

fn hang_up() -> Response {
    Response::new(Body::from_stream(stream::once(async { Err::<Bytes, _>(broken()) })))
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "as it was told to")
}

/// One step of a streamed body.
enum Step {
    Send(Bytes),
    Break,
    Wait,
}

fn render_stream(script: Script, switches: &Switches, trouble: Option<Trouble>) -> Response {
    if trouble == Some(Trouble::NoStream) {
        return render_whole(Answer::Json(StatusCode::OK, Vec::new(), script.whole));
    }
    let Script { media_type, headers, events, begun, late_error, ping, malformed, endless, .. } = script;
    let is_cut_short = !matches!(trouble, None | Some(Trouble::NoStream));
    let kept = if is_cut_short { begun.min(events.len()) } else { events.len() };
    let mut bytes = Vec::new();
    for event in events.into_iter().take(kept) {
        if switches.has_pings
            && let Some(ping) = &ping
        {
            bytes.push(ping.clone());
        }
        bytes.push(event);
    }
    match trouble {
        Some(Trouble::LateError) => bytes.extend(late_error),
        Some(Trouble::Malformed) => bytes.push(malformed),
        Some(Trouble::Oversized) => {
            bytes.push(endless);
            bytes.push(Bytes::from(vec![b'x'; ENDLESS_BYTES]));
        }
        _ => {}
    }
    let mut steps: Vec<Step> = cut(&bytes, switches.pieces).into_iter().map(Step::Send).collect();
    match trouble {
        Some(Trouble::Cut) => steps.push(Step::Break),
        Some(Trouble::FallsSilent) => steps.push(Step::Wait),
        _ => {}
    }
    let pace = switches.pace;
    let body = stream::iter(steps).enumerate().then(move |(place, step)| async move {
        // Each piece in a packet of its own, as far as the system lets it.
        if place > 0 {
            tokio::time::sleep(pace.max(Duration::from_millis(u64::from(place % 8 == 0)))).await;
        }
        match step {
            Step::Send(bytes) => Ok(bytes),
            Step::Break => Err(broken()),
            Step::Wait => std::future::pending().await,
        }
    });
    let mut response = ([(CONTENT_TYPE, media_type)], Body::from_stream(body)).into_response();
    add_headers(&mut response, headers);
    response
}

fn cut(events: &[Bytes], pieces: Pieces) -> Vec<Bytes> {
    match pieces {
        Pieces::Events => events.to_vec(),
        Pieces::Whole => vec![Bytes::from(events.concat())],
        Pieces::Bytes(size) => events.concat().chunks(size.max(1)).map(Bytes::copy_from_slice).collect(),
    }
}

/// A listener that knows how many of its connections are open.
#[derive(Debug)]
struct Counted {
    listener: TcpListener,
    open: Arc<AtomicUsize>,
}

impl Listener for Counted {
    type Io = CountedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (CountedStream, SocketAddr) {
        let (stream, addr) = Listener::accept(&mut self.listener).await;
        let _ = stream.set_nodelay(true);
        self.open.fetch_add(1, Ordering::SeqCst);
        (CountedStream { stream, open: Arc::clone(&self.open) }, addr)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

#[derive(Debug)]
struct CountedStream {
    stream: TcpStream,
    open: Arc<AtomicUsize>,
}

impl Drop for CountedStream {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl AsyncRead for CountedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for CountedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
