//! `chinwag-relay`: reads the configuration, binds the address, starts the app,
//! serves until a signal, and says in one sentence why it cannot.

mod command;

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use chinwag_relay::api;
use chinwag_relay::app::{App, BuildError};
use chinwag_relay::check;
use chinwag_relay::config::{Config, ConfigError, DEFAULT_FILE, Overrides, parse_addr};
use chinwag_relay::console::{
    self, AgentsCommand, ConsoleError, ExportCommand, SourcesCommand, WebhooksCommand,
};
use chinwag_relay::edge::{self, LogFormat, Options, Shutdown, Tls, TlsError};
use chinwag_relay::knowledge::read::apart;
use chinwag_simulator::{KEY, Kind, Simulator, Switches, Trouble};
use clap::{Parser, Subcommand};
use tokio::net::{TcpListener, TcpSocket};
use tokio::time::sleep;

use self::command::{CommandError, DeviceCommand, KeyCommand, RevokeCommand, VisitorCommand};

/// The relay of Chinwag: holds the provider keys, owns the conversations,
/// streams the replies.
#[derive(Debug, Parser)]
#[command(name = "chinwag-relay", version)]
struct Cli {
    /// The configuration; without it, chinwag.toml of the working directory if it
    /// is there, else a demo.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Where to listen, whatever the configuration says.
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_addr, global = true)]
    addr: Option<SocketAddr>,
    /// The folder that docs agents answer from, whatever the configuration says.
    #[arg(long, value_name = "DIR", global = true)]
    docs: Option<PathBuf>,
    /// How to write the log.
    #[arg(long, value_name = "FORMAT", default_value = "auto", global = true)]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Calls the provider of each agent once, without a question, and says
    /// whether key, plan and agent id work.
    Check,
    /// Makes, lists and revokes the keys of kiosks.
    #[command(subcommand)]
    Device(DeviceCommand),
    /// Makes, lists and revokes keys of the API; rotates the key that signs tokens.
    #[command(subcommand, visible_alias = "keys")]
    Key(KeyCommand),
    /// Makes tokens worthless before their time.
    #[command(subcommand)]
    Revoke(RevokeCommand),
    /// Exports or deletes all that is kept of a visitor.
    #[command(subcommand)]
    Visitor(VisitorCommand),
    /// Makes, lists, changes and removes agents of the API.
    Agents(AgentsCommand),
    /// Adds, lists and removes what agents answer from.
    Sources(SourcesCommand),
    /// Makes, lists and removes webhooks, and shows what was sent.
    Webhooks(WebhooksCommand),
    /// Writes all that was said to standard output.
    Export(ExportCommand),
    /// Reads one PDF from standard input, with bounds: the relay starts it for
    /// each that somebody brings.
    #[command(name = apart::COMMAND, hide = true)]
    ReadPdf {
        /// Bytes of memory, seconds, and bytes of text.
        bounds: Vec<String>,
    },
    /// Plays a provider on this machine, to try a configuration without a key.
    /// It listens on --addr, else on 127.0.0.1:8788.
    Simulate {
        /// Its name in the configuration, such as openai-chat.
        #[arg(value_parser = parse_kind)]
        provider: Kind,
        /// What goes wrong with every answer, to see how the widget tells it:
        /// silent, falls-silent, cut, late-error, malformed, rate-limited,
        /// no-credit, busy.
        #[arg(long, value_name = "NAME", value_parser = parse_trouble)]
        trouble: Option<Trouble>,
    },
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
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the system refuses what the relay needs: {0}")]
    System(#[from] io::Error),
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Console(#[from] ConsoleError),
    #[error("{failed} of {all} agents cannot answer")]
    Check { failed: usize, all: usize },
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
    if let Some(Command::ReadPdf { bounds }) = &cli.command {
        return Ok(apart::read_pdf(bounds)?);
    }
    apart::use_program(apart::own_program()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if let Some(Command::Simulate { provider, trouble }) = &cli.command {
        return runtime.block_on(simulate(cli.addr.unwrap_or(SIMULATOR_ADDR), *provider, *trouble));
    }
    let overrides = Overrides { addr: cli.addr, docs: cli.docs.clone() };
    let default = Path::new(DEFAULT_FILE);
    let file = cli.config.as_deref().or_else(|| default.exists().then_some(default));
    let config = Config::load(file, &overrides)?;
    let outcome = match &cli.command {
        Some(Command::Check) => runtime.block_on(check(config)),
        Some(Command::Device(command)) => Ok(runtime.block_on(command::device(&config, command))?),
        Some(Command::Key(command)) => Ok(runtime.block_on(command::key(&config, command))?),
        Some(Command::Revoke(command)) => Ok(runtime.block_on(command::revoke(&config, command))?),
        Some(Command::Visitor(command)) => Ok(runtime.block_on(command::visitor(&config, command))?),
        Some(Command::Agents(command)) => {
            Ok(runtime.block_on(console::agents(&config, command, &mut io::stdout()))?)
        }
        Some(Command::Sources(command)) => {
            Ok(runtime.block_on(console::sources(&config, command, &mut io::stdout()))?)
        }
        Some(Command::Webhooks(command)) => {
            Ok(runtime.block_on(console::webhooks(&config, command, &mut io::stdout()))?)
        }
        Some(Command::Export(command)) => {
            let mut out = io::BufWriter::new(io::stdout());
            Ok(runtime.block_on(console::export(&config, command, &mut out))?)
        }
        _ => runtime.block_on(run(config)),
    };
    // Work on a blocking thread cannot be cancelled; nobody waits for it now.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

async fn run(mut config: Config) -> Result<(), Failure> {
    // First of all: a second start must fail before it touches the data folder.
    let addr = config.server.addr;
    let listener = bind(addr)?;
    config.bound_to(listener.local_addr()?);
    let metrics_listener = match config.server.metrics_addr {
        Some(addr) => Some(bind(addr)?),
        None => None,
    };
    let tls = config.server.tls.as_ref().map(Tls::load).transpose()?;
    edge::raise_open_files(config.server.limits.connections);

    let grace = config.server.limits.shutdown_grace;
    let mut options = Options {
        tls: tls.map(Arc::new),
        // Replies that are still running after the grace are ended by the app; then
        // there is this long to send their last words.
        shutdown_grace: grace + LAST_WORDS,
        ..Options::from(&config.server.limits)
    };
    let url = config.own_origins().first().map(ToString::to_string).unwrap_or_default();
    let app = App::build(config.clone()).await?;
    options.open = app.metrics().connections.clone();
    let shutdown = app.shutdown().clone();
    edge::stop_on_signals(&shutdown)?;
    let router = edge::dress(api::router(app.clone()), &config);

    tracing::info!(addr = %config.server.addr, sites = config.sites.len(), "listening");
    let announced = tokio::spawn(announce(app.clone(), url));
    if let Some(listener) = metrics_listener {
        tokio::spawn(show_metrics(listener, app.clone(), shutdown.clone()));
    }
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

fn bind(addr: SocketAddr) -> Result<TcpListener, Failure> {
    listen(addr).map_err(|error| Failure::Bind(bind_failure(addr, &error)))
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A relay that starts again takes the port while old connections linger there;
    // on Windows it would take it from another program.
    socket.set_reuseaddr(cfg!(not(windows)))?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// Connections that may wait to be taken; Linux cuts it to `net.core.somaxconn`.
/// A client for whom there is no room in the queue tries again after a second, so
/// a crowd that comes at once has to find room, or others wait with it.
const BACKLOG: u32 = 4_096;

/// Answers Prometheus to the end: how the replies end at a shutdown is to be seen.
async fn show_metrics(listener: TcpListener, app: App, shutdown: Shutdown) {
    let limits = &app.config().server.limits;
    let options = Options { connections: METRICS_CONNECTIONS, ..Options::from(limits) };
    if let Ok(addr) = listener.local_addr() {
        tracing::info!(%addr, "metrics");
    }
    let ended = Shutdown::new();
    tokio::select! {
        () = shutdown.was_cut() => {}
        _ = edge::serve(listener, api::metrics(app.clone()), &ended, &options) => {}
    }
}

/// Asks each provider, and prints one line for each agent.
async fn check(config: Config) -> Result<(), Failure> {
    let findings = check::check(&config).await;
    for finding in &findings {
        // A closed standard output leaves nobody to tell.
        let _ = writeln!(io::stdout(), "{finding}");
    }
    let failed = findings.iter().filter(|finding| !finding.works()).count();
    if failed == 0 { Ok(()) } else { Err(Failure::Check { failed, all: findings.len() }) }
}

/// Plays a provider until the process is ended.
async fn simulate(addr: SocketAddr, kind: Kind, trouble: Option<Trouble>) -> Result<(), Failure> {
    let switches = Switches { trouble, pace: SIMULATOR_PACE, ..Switches::default() };
    let simulator = Simulator::start_on(addr, kind, switches)
        .await
        .map_err(|error| Failure::Bind(bind_failure(addr, &error)))?;
    let example = check::example(kind.name(), &simulator.base_url);
    let _ = write!(
        io::stdout(),
        "Simulating {} at {}\n\nAn agent in chinwag.toml that asks it:\n\n{example}\n\
         Start the relay with SIMULATOR_KEY={KEY} in its environment. End this with Ctrl-C.\n",
        kind.name(),
        simulator.base_url,
    );
    tokio::select! {
        () = simulator.run() => Ok(()),
        ended = tokio::signal::ctrl_c() => Ok(ended?),
    }
}

fn parse_kind(name: &str) -> Result<Kind, String> {
    Kind::by_name(name).ok_or_else(|| {
        let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        format!("the providers are {}", known.join(", "))
    })
}

fn parse_trouble(name: &str) -> Result<Trouble, &'static str> {
    Ok(match name {
        "silent" => Trouble::Silent,
        "falls-silent" => Trouble::FallsSilent,
        "cut" => Trouble::Cut,
        "late-error" => Trouble::LateError,
        "malformed" => Trouble::Malformed,
        "rate-limited" => Trouble::RateLimited { retry_after_s: Some(60) },
        "no-credit" => Trouble::NoCredit,
        "busy" => Trouble::Status(503),
        _ => {
            return Err("the troubles are silent, falls-silent, cut, late-error, malformed, rate-limited, \
                        no-credit and busy");
        }
    })
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

/// Connections to the metrics that may be open at once.
const METRICS_CONNECTIONS: usize = 16;

/// Beside the relay's own port.
const SIMULATOR_ADDR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8788);

/// Time between two pieces of a simulated answer: so that it is seen to stream.
const SIMULATOR_PACE: Duration = Duration::from_millis(60);

/// Longer than the interrupted replies may take to be stored (3 s): their last words
/// come after that.
const LAST_WORDS: Duration = Duration::from_secs(4);
