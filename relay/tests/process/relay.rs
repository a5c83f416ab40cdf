//! A relay in a folder of its own, and a client that hides nothing.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::discreet;

/// Longer than anything here takes on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// The relay that this build made, or the one that the environment names: an
/// optimised one, for measurements.
fn binary() -> String {
    std::env::var("CHINWAG_RELAY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_chinwag-relay").to_owned())
}

/// A working directory with one document in `docs`.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("docs")).unwrap();
    fs::write(folder.path().join("docs/tea.md"), "# Tea\n\nSteep green tea for two minutes.\n").unwrap();
    folder
}

pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.current_dir(folder).args(arguments).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// Runs a relay that is expected to end by itself.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

/// A relay that runs; it is killed at the end of the test.
pub(crate) struct Relay {
    pub(crate) addr: SocketAddr,
    child: Child,
    log: Option<thread::JoinHandle<String>>,
    /// Of the processes that were here before.
    earlier: String,
    folder: TempDir,
}

impl Relay {
    /// Starts with no file on a free port, and waits until it says it is ready.
    pub(crate) fn start() -> Self {
        Self::start_in(folder(), &["--addr", "127.0.0.1:0"])
    }

    /// Starts with that file on a free port.
    pub(crate) fn with_config(text: &str) -> Self {
        let folder = folder();
        fs::write(folder.path().join("chinwag.toml"), text).unwrap();
        Self::start_in(folder, &["--addr", "127.0.0.1:0"])
    }

    pub(crate) fn start_in(folder: TempDir, arguments: &[&str]) -> Self {
        let command = command(folder.path(), arguments);
        Self::spawn(folder, command)
    }

    /// The same with a log of that level, of every crate.
    pub(crate) fn start_talkative(folder: TempDir, arguments: &[&str], level: &str) -> Self {
        let mut command = command(folder.path(), arguments);
        command.env("RUST_LOG", level);
        Self::spawn(folder, command)
    }

    fn spawn(folder: TempDir, command: Command) -> Self {
        let (child, log, addr) = launch(command);
        Self { addr, child, log: Some(log), earlier: String::new(), folder }
    }

    /// Ends it as a power cut would, and starts another one in its folder; gives
    /// how long that one took until it said that it was ready.
    pub(crate) fn kill_and_restart(&mut self) -> Duration {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        // Its log is held against the database at the end: who looks into that now
        // would tidy up after the power cut in the relay's place.
        let log = self.log.take().map(|log| log.join().unwrap());
        self.earlier.extend(log);
        self.restart()
    }

    /// Starts another one in the folder, at the same address.
    pub(crate) fn restart(&mut self) -> Duration {
        let began = Instant::now();
        let addr = self.addr.to_string();
        let (child, log, _) = launch(command(self.folder.path(), &["--addr", &addr]));
        (self.child, self.log) = (child, Some(log));
        began.elapsed()
    }

    /// Waits for the end, and leaves the folder as it is.
    pub(crate) fn wait(&mut self) -> (ExitStatus, String) {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, self.read_log());
            }
            assert!(began.elapsed() < LONG, "the relay does not end");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The whole log of a process that has ended: without what must not be in it.
    #[track_caller]
    fn read_log(&mut self) -> String {
        let log = self.log.take().map(|log| log.join().unwrap()).unwrap_or_default();
        discreet::hold(&self.earlier, self.folder.path());
        discreet::hold(&log, self.folder.path());
        log
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A connection with some bytes on it.
    pub(crate) fn connect(&self, bytes: &str) -> TcpStream {
        Self::connect_to(self.addr, bytes)
    }

    fn connect_to(addr: SocketAddr, bytes: &str) -> TcpStream {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream
    }

    /// The whole answer to one request, head and body.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[&str]) -> String {
        Self::ask_at(self.addr, method, path, headers)
    }

    /// The same at another of its addresses.
    pub(crate) fn ask_at(addr: SocketAddr, method: &str, path: &str, headers: &[&str]) -> String {
        let headers = headers.iter().flat_map(|header| [*header, "\r\n"]).collect::<String>();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n{headers}\r\n");
        read_to_end(Self::connect_to(addr, &head))
    }

    pub(crate) fn get(&self, path: &str) -> String {
        self.ask("GET", path, &[])
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits for the end; gives the status and the whole log.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        self.wait()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !thread::panicking() {
            self.read_log();
        }
    }
}

/// Starts a relay, and waits until it says where it is.
fn launch(mut command: Command) -> (Child, thread::JoinHandle<String>, SocketAddr) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let log = thread::spawn(move || {
        let mut text = String::new();
        let _ = stderr.read_to_string(&mut text);
        text
    });
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let addr = line.split_once("://").map(|(_, addr)| addr.trim_end());
    let Some(addr) = addr.and_then(|addr| addr.parse().ok()) else {
        let _ = child.kill();
        panic!("no line that says where it is: {line:?}\n{}", log.join().unwrap());
    };
    (child, log, addr)
}

/// What comes until the other end closes; how it closes is not looked at.
pub(crate) fn read_to_end(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let began = Instant::now();
    let _ = stream.read_to_end(&mut bytes);
    assert!(began.elapsed() < LONG, "the connection stays open");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The value of a header in an answer, or nothing.
pub(crate) fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let (head, _) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map_or("", |(_, value)| value)
}
