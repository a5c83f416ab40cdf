//! `chinwag-relay`: reads the configuration, binds the address, starts the app,
//! serves until a signal, and says in one sentence why it cannot.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use chinwag_relay::api;
use chinwag_relay::app::{App, BuildError};
use chinwag_relay::config::{Config, ConfigError, DEFAULT_FILE, Overrides, parse_addr};
use chinwag_relay::edge::{self, LogFormat, Options};
use clap::Parser;
use tokio::net::TcpListener;
use tokio::time::sleep;

/// The relay of Chinwag: holds the provider keys, owns the conversations,
/// streams the replies.
#[derive(Debug, Parser)]
#[command(name = "chinwag-relay", version)]
struct Cli {
    /// The configuration; without it, chinwag.toml of the working directory if it
    /// is there, else a demo.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where to listen, whatever the configuration says.
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_addr)]
    addr: Option<SocketAddr>,
    /// The folder that docs agents answer from, whatever the configuration says.
    #[arg(long, value_name = "DIR")]
    docs: Option<PathBuf>,
    /// How to write the log.
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    log_format: LogFormat,
}

/// Why the relay does not start.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the configuration cannot be used\n{0}")]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Bind(String),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("the system refuses what the relay needs: {0}")]
    System(#[from] io::Error),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    edge::start_log(cli.log_format);
    match start(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // A closed standard error leaves nobody to tell.
            let _ = writeln!(io::stderr(), "chinwag-relay: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn start(cli: &Cli) -> Result<(), Failure> {
    let overrides = Overrides { addr: cli.addr, docs: cli.docs.clone() };
    let default = Path::new(DEFAULT_FILE);
    let file = cli.config.as_deref().or_else(|| default.exists().then_some(default));
    let config = Config::load(file, &overrides)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(run(config));
    // Work on a blocking thread cannot be cancelled; nobody waits for it now.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

async fn run(mut config: Config) -> Result<(), Failure> {
    // First of all: a second start must fail before it touches the data folder.
    let addr = config.server.addr;
    let listener =
        TcpListener::bind(addr).await.map_err(|error| Failure::Bind(bind_failure(addr, &error)))?;
    config.bound_to(listener.local_addr()?);

    let grace = config.server.limits.shutdown_grace;
    let options = Options {
        // Replies that are still running after the grace are ended by the app; then
        // there is this long to send their last words.
        shutdown_grace: grace + LAST_WORDS,
        ..Options::from(&config.server.limits)
    };
    let url = config.own_origins().first().map(ToString::to_string).unwrap_or_default();
    let app = App::build(config.clone()).await?;
    let shutdown = app.shutdown().clone();
    edge::stop_on_signals(&shutdown)?;
    let router = edge::dress(api::router(app.clone()), &config);

    tracing::info!(addr = %config.server.addr, sites = config.sites.len(), "listening");
    let announced = tokio::spawn(announce(app.clone(), url));
    let drained = async {
        shutdown.begun().await;
        tokio::select! {
            () = app.drain(grace) => {}
            () = shutdown.was_cut() => app.drain(Duration::ZERO).await,
        }
    };
    let (connections, ()) = tokio::join!(edge::serve(listener, router, &shutdown, &options), drained);
    announced.abort();
    tracing::info!(?connections, "stopped");
    Ok(())
}

/// Prints where the relay is, once it can answer.
async fn announce(app: App, url: String) {
    while !app.is_ready() {
        sleep(Duration::from_millis(50)).await;
    }
    let _ = writeln!(io::stdout(), "Chinwag is ready at {url}");
}

fn bind_failure(addr: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "{addr} is already in use, perhaps by another relay: stop that one, or choose another address with --addr"
        ),
        io::ErrorKind::PermissionDenied => {
            format!("this user may not listen on {addr}: choose a port of 1024 or more with --addr")
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("{addr} is not an address of this machine: choose one that is with --addr")
        }
        _ => format!("cannot listen on {addr}: {error}"),
    }
}

const LAST_WORDS: Duration = Duration::from_secs(2);
