//! `cargo xtask run`: builds what is needed and serves the demo.

use crate::dist::{self, SizePass};
use crate::report::{Outcome, Steps};
use crate::workspace::{Workspace, on_path};
use crate::{process, report};
use anyhow::{Context, Result, bail};
use std::env;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The options of `cargo xtask run`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Answer from this folder of Markdown instead of the project's own docs.
    #[arg(long, value_name = "DIR")]
    docs: Option<PathBuf>,
    /// Where to listen; without it the configuration decides, else 127.0.0.1:8787.
    #[arg(long, value_name = "HOST:PORT")]
    addr: Option<String>,
    /// The relay's configuration.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Do not open a browser.
    #[arg(long)]
    no_open: bool,
}

/// The arguments of the hidden `open-when-ready`.
#[derive(Debug, clap::Args)]
pub struct Opening {
    /// Where the relay listens.
    addr: SocketAddr,
}

/// Where the relay listens when nobody says otherwise.
const DEFAULT_ADDR: &str = "127.0.0.1:8787";

/// `cargo xtask run`. Does not return while the relay runs.
pub fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    // Said before the long builds, not after them.
    let addr = listening_address(options)?;
    let docs = options.docs.as_deref().map(|path| existing(path, "--docs")).transpose()?;
    let config = options.config.as_deref().map(|path| existing(path, "--config")).transpose()?;

    let mut steps = Steps::new(3);
    steps.run("widget", "Building the widget (about 2 min the first time)", || {
        dist::make(workspace, SizePass::IfPossible)?;
        Ok(Outcome::Done)
    })?;
    steps.run("relay", "Building the relay (about 4 min the first time)", || {
        build_relay(workspace)?;
        Ok(Outcome::Done)
    })?;
    report::line("[3/3] Starting the relay (Ctrl-C ends it) ...");
    let mut relay = Command::new(workspace.relay());
    relay.current_dir(&workspace.root);
    for (flag, path) in [("--docs", docs), ("--config", config)] {
        if let Some(path) = path {
            relay.arg(flag).arg(path);
        }
    }
    if let Some(addr) = &options.addr {
        relay.args(["--addr", addr]);
    }
    if !options.no_open && env::var_os("CI").is_none() && opener().is_some() {
        start_opener(addr)?;
    }
    become_relay(relay)
}

/// The relay, optimised, with what `dist/` holds inside it.
pub fn build_relay(workspace: &Workspace) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["build", "--release", "-p", "chinwag-relay"]);
    process::run(&mut command, "the relay")
}

/// Waits until the relay is ready and opens a browser. The relay itself says
/// where it is.
///
/// A process of its own, because the one that started it turns into the relay.
pub fn open_when_ready(opening: &Opening) {
    let addr = reachable(opening.addr);
    let started = Instant::now();
    let first_parent = parent();
    while !is_ready(addr) {
        thread::sleep(Duration::from_millis(200));
        // The relay said why, and is gone; or the folder is larger than patience.
        if parent() != first_parent || started.elapsed() > Duration::from_mins(15) {
            return;
        }
    }
    if let Some((program, arguments)) = opener() {
        // Only a convenience: the address is on the screen already.
        let _ = Command::new(program)
            .args(arguments)
            .arg(format!("http://{addr}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
    }
}

/// Where the relay will listen: the flag, the configuration, the default.
fn listening_address(options: &Options) -> Result<SocketAddr> {
    let configured = match (&options.addr, &options.config) {
        (Some(addr), _) => Some(addr.clone()),
        (None, Some(file)) => configured_address(file)?,
        (None, None) => None,
    };
    let text = configured.unwrap_or_else(|| DEFAULT_ADDR.to_owned());
    let resolvable = text.replace("localhost:", "127.0.0.1:");
    resolvable
        .parse()
        .with_context(|| format!("`{text}` is not an address: give HOST:PORT, such as {DEFAULT_ADDR}"))
}

fn configured_address(file: &Path) -> Result<Option<String>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    // The relay reads the file too, and names what is wrong with it far better.
    let table: toml::Table = toml::from_str(&text).unwrap_or_default();
    Ok(table
        .get("server")
        .and_then(|server| server.get("addr"))
        .and_then(|addr| addr.as_str())
        .map(str::to_owned))
}

/// The path as the relay can use it, which runs in another folder.
fn existing(path: &Path, flag: &str) -> Result<PathBuf> {
    path.canonicalize().with_context(|| format!("{flag} {}", path.display()))
}

fn start_opener(addr: SocketAddr) -> Result<()> {
    // By this name Linux finds the program even after a build replaced its file,
    // which a second terminal may have done while the relay was built here.
    let itself = PathBuf::from("/proc/self/exe");
    let itself =
        if itself.exists() { itself } else { env::current_exe().context("this program's own path")? };
    let mut command = Command::new(itself);
    command.arg("open-when-ready").arg(addr.to_string()).stdin(Stdio::null());
    command.spawn().context("could not start what opens the browser")?;
    Ok(())
}

/// On Unix this process turns into the relay: Ctrl-C and a supervisor's signals
/// reach it, and nothing is left behind if this process is killed.
#[cfg(unix)]
fn become_relay(mut relay: Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    let error = relay.exec();
    bail!("could not start {}: {error}", relay.get_program().to_string_lossy())
}

#[cfg(not(unix))]
fn become_relay(mut relay: Command) -> Result<()> {
    let status = relay.status().with_context(|| relay.get_program().to_string_lossy().into_owned())?;
    if !status.success() {
        bail!("the relay ended with {status}");
    }
    Ok(())
}

#[cfg(unix)]
fn parent() -> u32 {
    std::os::unix::process::parent_id()
}

#[cfg(not(unix))]
fn parent() -> u32 {
    0
}

/// An address to connect to: nobody connects to "every interface".
fn reachable(addr: SocketAddr) -> SocketAddr {
    match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, addr.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, addr.port()).into(),
        _ => addr,
    }
}

/// Whether `GET /readyz` answers 200.
fn is_ready(addr: SocketAddr) -> bool {
    let patience = Duration::from_secs(2);
    let Ok(mut stream) = TcpStream::connect_timeout(&addr, patience) else {
        return false;
    };
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    let mut status = [0_u8; 12];
    stream.set_read_timeout(Some(patience)).is_ok()
        && stream.write_all(request.as_bytes()).is_ok()
        && stream.read_exact(&mut status).is_ok()
        && &status == b"HTTP/1.1 200"
}

/// The program that opens a page, where there is a screen to open it on.
fn opener() -> Option<(PathBuf, &'static [&'static str])> {
    let (program, arguments): (_, &[_]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        ("cmd", &["/c", "start", ""])
    } else if env::var_os("DISPLAY").is_some() || env::var_os("WAYLAND_DISPLAY").is_some() {
        ("xdg-open", &[])
    } else {
        return None;
    };
    on_path(&[program]).map(|program| (program, arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(addr: Option<&str>, config: Option<PathBuf>) -> Options {
        Options { docs: None, addr: addr.map(str::to_owned), config, no_open: true }
    }

    #[test]
    fn the_address_comes_from_the_flag_then_the_file_then_the_default() {
        let file = env::temp_dir().join(format!("chinwag-xtask-run-{}.toml", std::process::id()));
        std::fs::write(&file, "[server]\naddr = \"127.0.0.1:9100\"\n").expect("a file");
        let port = |options: &Options| listening_address(options).expect("an address").port();
        assert_eq!(port(&options(Some("localhost:9200"), Some(file.clone()))), 9200);
        assert_eq!(port(&options(None, Some(file.clone()))), 9100);
        assert_eq!(port(&options(None, None)), 8787);
        std::fs::remove_file(file).expect("removed");
    }

    #[test]
    fn an_address_that_is_none_is_named_in_the_error() {
        let error = listening_address(&options(Some("8787"), None)).expect_err("no host");
        assert!(error.to_string().contains("`8787`"), "{error}");
    }

    #[test]
    fn an_address_of_every_interface_is_reached_on_this_machine() {
        assert_eq!(reachable("0.0.0.0:80".parse().expect("v4")).to_string(), "127.0.0.1:80");
        assert_eq!(reachable("[::]:80".parse().expect("v6")).to_string(), "[::1]:80");
    }
}
