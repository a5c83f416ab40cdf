//! The end of the process, in its two steps: stop gracefully, then at once.

use tokio_util::sync::CancellationToken;

/// Says to everybody who asks whether the relay is stopping. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    stopping: CancellationToken,
    cut: CancellationToken,
}

impl Shutdown {
    /// Not begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins to stop: no new connections, `/readyz` says 503, replies run on.
    pub fn begin(&self) {
        self.stopping.cancel();
    }

    /// Ends every connection at once.
    pub fn cut(&self) {
        self.stopping.cancel();
        self.cut.cancel();
    }

    /// Whether the relay is stopping.
    pub fn has_begun(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// Waits until the relay is stopping.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    pub async fn begun(&self) {
        self.stopping.cancelled().await;
    }

    /// Waits until every connection is to end at once. Cancel safe as above.
    pub async fn was_cut(&self) {
        self.cut.cancelled().await;
    }
}

/// Begins the shutdown at the first SIGTERM or SIGINT (Ctrl+C), and cuts it short
/// at the second: whoever presses Ctrl+C again does not want to wait.
pub fn stop_on_signals(shutdown: &Shutdown) -> std::io::Result<()> {
    let mut signals = Signals::new()?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        signals.next().await;
        tracing::info!("stopping: running replies may finish");
        shutdown.begin();
        signals.next().await;
        tracing::warn!("stopping at once: a second signal came");
        shutdown.cut();
    });
    Ok(())
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
