//! The accept loop.
//!
//! It is our own because `axum::serve` has no time-out for slow request heads
//! and leaves Nagle's algorithm on, which delays each small chunk of a stream by
//! up to 40 ms.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use prometheus_client::metrics::gauge::Gauge;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;

use super::connection::{Patience, serve_connection};
use super::shutdown::Shutdown;
use super::tls::Tls;
use crate::config::Limits;

/// How [`serve`] treats connections.
#[derive(Debug, Clone)]
pub struct Options {
    /// Connections that may be open at once.
    pub connections: usize,
    /// Time for a request head.
    pub header_timeout: Duration,
    /// Time for a request body.
    pub body_timeout: Duration,
    /// Time between requests.
    pub idle_timeout: Duration,
    /// Time that written bytes may lie unread.
    pub write_timeout: Duration,
    /// Time for running answers after the shutdown began.
    pub shutdown_grace: Duration,
    /// Certificate and key; plain HTTP without.
    pub tls: Option<Arc<Tls>>,
    /// Counts the connections that are open.
    pub open: Gauge,
}

impl From<&Limits> for Options {
    fn from(limits: &Limits) -> Self {
        Self {
            connections: limits.connections,
            header_timeout: limits.header_timeout,
            body_timeout: limits.body_timeout,
            idle_timeout: limits.idle_timeout,
            write_timeout: limits.write_timeout,
            shutdown_grace: limits.shutdown_grace,
            tls: None,
            open: Gauge::default(),
        }
    }
}

/// How serving came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every answer was finished.
    Whole,
    /// So many connections were cut at the deadline.
    Cut(usize),
}

/// Serves `router` until `shutdown` begins, and then until the running answers
/// are finished, at most for [`Options::shutdown_grace`].
///
/// HTTP/1.1 and HTTP/2: without TLS by prior knowledge, with it by ALPN.
pub async fn serve(listener: TcpListener, router: Router, shutdown: &Shutdown, options: &Options) -> Drained {
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(options.connections));
    let patience = Patience {
        header: options.header_timeout,
        body: options.body_timeout,
        idle: options.idle_timeout,
        write: options.write_timeout,
    };
    let mut pause = FIRST_PAUSE;
    loop {
        // The place is taken first: a connection that has none stays in the
        // system's queue, where it costs nothing.
        let accepted = tokio::select! {
            biased;
            () = shutdown.begun() => break,
            accepted = async {
                let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
                let (stream, peer) = listener.accept().await?;
                Ok((place, stream, peer))
            } => accepted,
        };
        let (place, stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                // Out of file descriptors, most likely: accepting again at once
                // would only spin until somebody hangs up.
                tracing::warn!(%error, pause_ms = pause.as_millis(), "cannot accept connections");
                tokio::select! {
                    () = shutdown.begun() => break,
                    () = sleep(pause) => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
        };
        pause = FIRST_PAUSE;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection was gone at once");
            continue;
        }
        let tls = options.tls.as_deref().map(Tls::current);
        let counted = Counted::new(&options.open);
        let connection = serve_connection(stream, peer, tls, router.clone(), patience, shutdown.clone());
        connections.spawn(async move {
            connection.await;
            drop((place, counted));
        });
    }
    drop(listener);
    drain(&connections, shutdown, options.shutdown_grace).await
}

/// One open connection, counted until it is dropped.
struct Counted(Gauge);

impl Counted {
    fn new(open: &Gauge) -> Self {
        open.inc();
        Self(open.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Lets the process open as many files as its connections need, as far as the
/// system allows; says so where that is not enough. Each connection takes one, and
/// another to the provider while a reply is made.
#[cfg(unix)]
pub fn raise_open_files(connections: usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_mul(2).saturating_add(OTHER_FILES);
    let limit = getrlimit(Resource::Nofile);
    // None is no limit.
    let (Some(current), maximum) = (limit.current, limit.maximum) else { return };
    let allowed = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    if current < allowed {
        let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), maximum });
        if let Err(error) = raised {
            tracing::warn!(%error, "the limit of open files stays as it is");
        }
    }
    if allowed.max(current) < wanted {
        tracing::warn!(
            wanted,
            allowed = allowed.max(current),
            "the system allows fewer open files than server.limits.connections may need: raise LimitNOFILE, or lower it"
        );
    }
}

/// Other systems have no such limit.
#[cfg(not(unix))]
pub fn raise_open_files(_connections: usize) {}

/// Files beside those of connections: the database, the log, documents.
#[cfg(unix)]
const OTHER_FILES: u64 = 256;

async fn drain(connections: &TaskTracker, shutdown: &Shutdown, grace: Duration) -> Drained {
    connections.close();
    let began = Instant::now();
    let finished = tokio::select! {
        () = connections.wait() => true,
        () = sleep(grace) => false,
        () = shutdown.was_cut() => false,
    };
    if finished {
        return Drained::Whole;
    }
    let left = connections.len();
    tracing::warn!(
        connections = left,
        waited_ms = began.elapsed().as_millis(),
        "cutting connections that did not end"
    );
    shutdown.cut();
    // A connection that is cut is only dropped; that takes no time unless the
    // machine is busy, and nothing depends on it.
    let _ = timeout(LAST_WAIT, connections.wait()).await;
    Drained::Cut(left)
}

/// Errors that `accept` reports of one connection that went away, not of ours.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const LAST_WAIT: Duration = Duration::from_secs(1);
