//! The edge over real sockets, and what it puts around a router.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use axum::routing::{get, post};
use futures_util::stream;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use super::{ClientAddress, Drained, Options, RequestId, Shutdown, dress, serve};
use crate::config::{Config, Limits, Overrides};

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(20);

/// Every patience long, for a test to shorten the one that it is about.
fn options() -> Options {
    Options {
        header_timeout: LONG,
        body_timeout: LONG,
        idle_timeout: LONG,
        write_timeout: LONG,
        shutdown_grace: LONG,
        ..Options::from(&Limits::default())
    }
}

/// A stream of chunks, one each 100 ms, so many.
fn slow_stream(chunks: u32) -> Body {
    Body::from_stream(stream::unfold(0, move |sent| async move {
        if sent == chunks {
            return None;
        }
        sleep(Duration::from_millis(100)).await;
        Some((Ok::<_, Infallible>(Bytes::from_static(b"chunk\n")), sent + 1))
    }))
}

fn router() -> Router {
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/slow", get(|| async { slow_stream(10) }))
        .route("/endless", get(|| async { slow_stream(u32::MAX) }))
        .route("/flood", get(|| async { Body::from(vec![b'x'; 64 * 1024 * 1024]) }))
        .route("/echo", post(|body: Bytes| async { body }))
        .route("/who", get(|client: ClientAddress| async move { client.ip().to_string() }))
}

struct Server {
    addr: SocketAddr,
    shutdown: Shutdown,
    task: JoinHandle<Drained>,
}

async fn server(options: Options) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let task = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { serve(listener, router(), &shutdown, &options).await }
    });
    Server { addr, shutdown, task }
}

async fn connect(server: &Server, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    stream
}

/// What comes until the server closes; how it closes is not looked at.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(LONG, stream.read_to_end(&mut bytes)).await.expect("the connection stays open");
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn read_some(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 4096];
    let length = timeout(LONG, stream.read(&mut bytes)).await.expect("nothing comes").unwrap();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[tokio::test]
async fn a_connection_is_kept_for_several_requests() {
    let server = server(options()).await;
    let mut stream = connect(&server, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(read_some(&mut stream).await.ends_with("hello"));
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    assert!(read_to_end(&mut stream).await.ends_with("hello"));
}

#[tokio::test]
async fn http_2_is_spoken_without_tls() {
    let server = server(options()).await;
    let mut stream = connect(&server, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    // An empty SETTINGS frame; the server answers with its own.
    stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
    let mut head = [0; 9];
    timeout(LONG, stream.read_exact(&mut head)).await.unwrap().unwrap();
    assert_eq!(head[3], 4, "a SETTINGS frame is expected: {head:?}");
}

#[tokio::test]
async fn a_beginning_that_is_cut_anywhere_is_told_apart() {
    let server = server(options()).await;
    for cut in 1..6 {
        for whole in [
            "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello",
            // With the client's settings, in a frame of their own.
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0",
        ] {
            let (begun, rest) = whole.split_at(cut);
            let mut stream = connect(&server, begun).await;
            sleep(Duration::from_millis(20)).await;
            stream.write_all(rest.as_bytes()).await.unwrap();
            let answer = read_some(&mut stream).await;
            let is_right = if whole.starts_with("PRI") {
                answer.as_bytes().get(3) == Some(&4)
            } else {
                answer.starts_with("HTTP/1.1 200")
            };
            assert!(is_right, "{cut} bytes of {whole:?}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn a_head_that_trickles_is_cut_off() {
    let server = server(Options { header_timeout: SHORT, ..options() }).await;
    for start in ["", "G", "PRI", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\nhost: x\r\n"] {
        let began = Instant::now();
        let mut stream = connect(&server, start).await;
        let (mut read, mut write) = stream.split();
        let mut bytes = Vec::new();
        let trickle = async {
            loop {
                sleep(Duration::from_millis(50)).await;
                if start.len() > 5 && write.write_all(b"x").await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::select! {
            _ = read.read_to_end(&mut bytes) => {}
            () = trickle => {}
            () = sleep(LONG) => panic!("{start:?} is still open"),
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{start:?}: {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_second_head_that_trickles_is_cut_off_too() {
    let server = server(Options { header_timeout: SHORT, ..options() }).await;
    let mut stream = connect(&server, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(read_some(&mut stream).await.ends_with("hello"));
    // Silence between requests is another matter, with another limit.
    sleep(SHORT * 2).await;
    stream.write_all(b"GET / HT").await.unwrap();
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server = server(Options { idle_timeout: SHORT, ..options() }).await;
    let mut stream = connect(&server, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(read_some(&mut stream).await.ends_with("hello"));
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn a_long_answer_is_not_idleness() {
    let short = Options { idle_timeout: SHORT, header_timeout: SHORT, body_timeout: SHORT, ..options() };
    let server = server(short).await;
    let mut stream = connect(&server, "GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let answer = read_to_end(&mut stream).await;
    assert_eq!(answer.matches("chunk\n").count(), 10, "{answer}");
}

#[tokio::test]
async fn a_body_that_trickles_is_refused() {
    let server = server(Options { body_timeout: SHORT, ..options() }).await;
    let mut stream =
        connect(&server, "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nab").await;
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let server = server(Options { write_timeout: SHORT, ..options() }).await;
    let mut stream = connect(&server, "GET /flood HTTP/1.1\r\nhost: x\r\n\r\n").await;
    sleep(SHORT * 4).await;
    let mut bytes = Vec::new();
    let _ = timeout(LONG, stream.read_to_end(&mut bytes)).await.unwrap();
    assert!(bytes.len() < 64 * 1024 * 1024, "all of it came");
}

#[tokio::test]
async fn no_more_connections_than_allowed_are_served_at_once() {
    let server = server(Options { connections: 1, ..options() }).await;
    let mut first = connect(&server, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(read_some(&mut first).await.ends_with("hello"));
    let mut second = connect(&server, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(timeout(SHORT, second.readable()).await.is_err(), "the second was served beside the first");
    drop(first);
    assert!(read_some(&mut second).await.ends_with("hello"));
}

#[tokio::test]
async fn small_writes_are_not_held_back() {
    let server = server(options()).await;
    let mut stream = connect(&server, "GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let mut late = 0;
    let mut last = Instant::now();
    while !read_some(&mut stream).await.is_empty() {
        // 100 ms apart is the stream's own pace; Nagle's algorithm adds 40.
        late += u32::from(last.elapsed() > Duration::from_millis(135));
        last = Instant::now();
    }
    assert!(late <= 3, "{late} of 10 chunks came late");
}

#[tokio::test]
async fn a_running_answer_is_finished_after_the_shutdown_began() {
    let server = server(options()).await;
    let mut busy = connect(&server, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut idle = connect(&server, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(read_some(&mut idle).await.ends_with("hello"));
    let mut silent = connect(&server, "").await;
    sleep(Duration::from_millis(150)).await;
    server.shutdown.begin();
    assert_eq!(read_to_end(&mut idle).await, "");
    assert_eq!(read_to_end(&mut silent).await, "");
    assert!(TcpStream::connect(server.addr).await.is_err(), "a new connection was accepted");
    let answer = read_to_end(&mut busy).await;
    assert_eq!(answer.matches("chunk\n").count(), 10, "{answer}");
    assert_eq!(server.task.await.unwrap(), Drained::Whole);
}

#[tokio::test]
async fn what_does_not_end_is_cut_at_the_deadline() {
    let server = server(Options { shutdown_grace: SHORT, ..options() }).await;
    let mut stream = connect(&server, "GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(read_some(&mut stream).await.starts_with("HTTP/1.1 200"));
    server.shutdown.begin();
    let began = Instant::now();
    read_to_end(&mut stream).await;
    assert_eq!(server.task.await.unwrap(), Drained::Cut(1));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_second_signal_does_not_wait_for_the_deadline() {
    let server = server(options()).await;
    let mut stream = connect(&server, "GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(read_some(&mut stream).await.starts_with("HTTP/1.1 200"));
    server.shutdown.begin();
    server.shutdown.cut();
    let drained = timeout(Duration::from_secs(5), server.task).await.unwrap().unwrap();
    assert!(matches!(drained, Drained::Cut(1) | Drained::Whole), "{drained:?}");
}

fn dressed() -> Router {
    let config = Config::parse(
        "/nowhere/chinwag.toml".as_ref(),
        "[server]\naddr = \"127.0.0.1:8787\"\n",
        &|_| None,
        &Overrides::default(),
    )
    .unwrap();
    let router = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/v1/id", get(|| async { RequestId::current().unwrap().to_string() }))
        .route("/v1/panic", get(panicking))
        .route("/v1/own", get(own_headers));
    dress(router, &config)
}

async fn panicking() -> &'static str {
    panic!("secret detail")
}

async fn own_headers() -> Response {
    Response::builder()
        .header("cache-control", "max-age=5")
        .header("content-security-policy", "default-src 'self'")
        .header("vary", "accept")
        .body(Body::empty())
        .unwrap()
}

async fn ask(method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    dressed().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own_that_the_client_did_not_choose() {
    let first = ask(Method::GET, "/v1/id", &[("x-request-id", "chosen")]).await;
    let id = header(&first, "x-request-id").to_owned();
    assert!(id.starts_with("req_") && id.len() == 36, "{id}");
    assert_eq!(text(first).await, id);
    let second = ask(Method::GET, "/nowhere", &[]).await;
    assert_eq!(second.status(), StatusCode::NOT_FOUND);
    assert!(header(&second, "x-request-id").starts_with("req_"));
    assert_ne!(header(&second, "x-request-id"), id);
}

#[tokio::test]
async fn every_answer_is_guarded_unless_it_says_how_itself() {
    for path in ["/", "/v1/id", "/v1/panic", "/nowhere"] {
        let response = ask(Method::GET, path, &[]).await;
        assert_eq!(header(&response, "x-content-type-options"), "nosniff", "{path}");
        assert!(header(&response, "content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert_eq!(header(&response, "referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header(&response, "cross-origin-resource-policy"), "same-origin", "{path}");
        let cached = if path.starts_with("/v1/") { "no-store" } else { "" };
        assert_eq!(header(&response, "cache-control"), cached, "{path}");
    }
    let own = ask(Method::GET, "/v1/own", &[]).await;
    assert_eq!(header(&own, "cache-control"), "max-age=5");
    assert_eq!(header(&own, "content-security-policy"), "default-src 'self'");
}

#[tokio::test]
async fn a_panic_is_an_envelope_without_its_words() {
    let response = ask(Method::GET, "/v1/panic", &[("origin", "http://localhost:8787")]).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let id = header(&response, "x-request-id").to_owned();
    let body: serde_json::Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(body["error"]["code"], "internal");
    assert_eq!(body["error"]["requestId"], id);
    assert!(!body.to_string().contains("secret detail"), "{body}");
}

#[tokio::test]
async fn a_preflight_is_answered_for_known_origins_only() {
    let preflight =
        [("access-control-request-method", "POST"), ("access-control-request-headers", "authorization")];
    let known = [("origin", "http://localhost:8787"), preflight[0], preflight[1]];
    let response = ask(Method::OPTIONS, "/v1/id", &known).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(header(&response, "access-control-allow-origin"), "http://localhost:8787");
    assert_eq!(header(&response, "access-control-max-age"), "7200");
    assert_eq!(header(&response, "access-control-allow-methods"), "GET, POST, PUT, PATCH, DELETE");
    let allowed = "authorization, content-type, idempotency-key, last-event-id";
    assert_eq!(header(&response, "access-control-allow-headers"), allowed);
    assert_eq!(header(&response, "vary"), "origin");

    for origin in
        ["https://evil.example", "null", "http://localhost:8787.evil.example", "HTTP://localhost:8787"]
    {
        let response = ask(Method::OPTIONS, "/v1/id", &[("origin", origin), preflight[0]]).await;
        assert_eq!(header(&response, "access-control-allow-origin"), "", "{origin}");
        assert_eq!(header(&response, "access-control-allow-methods"), "", "{origin}");
        assert_eq!(header(&response, "vary"), "origin", "{origin}");
    }
}

#[tokio::test]
async fn known_origins_may_read_answers_and_errors() {
    for path in ["/v1/id", "/v1/nowhere", "/v1/panic"] {
        let known = ask(Method::GET, path, &[("origin", "http://127.0.0.1:8787")]).await;
        assert_eq!(header(&known, "access-control-allow-origin"), "http://127.0.0.1:8787", "{path}");
        assert!(
            header(&known, "access-control-expose-headers").contains("retry-after, x-request-id"),
            "{path}"
        );
        assert_eq!(header(&known, "vary"), "origin", "{path}");
        assert_eq!(header(&known, "access-control-allow-credentials"), "", "{path}");
        let unknown = ask(Method::GET, path, &[("origin", "https://evil.example")]).await;
        assert_eq!(header(&unknown, "access-control-allow-origin"), "", "{path}");
        assert_eq!(header(&unknown, "vary"), "origin", "{path}");
    }
    // Two lines, one header: both count.
    let own = ask(Method::GET, "/v1/own", &[("origin", "http://127.0.0.1:8787")]).await;
    let vary: Vec<_> = own.headers().get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(vary, ["accept", "origin"]);
    let page = ask(Method::GET, "/", &[("origin", "http://127.0.0.1:8787")]).await;
    assert_eq!(header(&page, "access-control-allow-origin"), "");
}

#[tokio::test]
async fn the_client_is_the_other_end_of_the_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let config = Config::demo(&Overrides::default());
    let shutdown = Shutdown::new();
    tokio::spawn(async move { serve(listener, dress(router(), &config), &shutdown, &options()).await });
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let request = "GET /who HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 203.0.113.9\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(read_to_end(&mut stream).await.ends_with("\r\n\r\n127.0.0.1"));
}
