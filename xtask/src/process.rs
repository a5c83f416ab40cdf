//! Child processes: started, watched, and named when they fail.

use crate::report;
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How often a long process gets a line that says it still works.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Runs a command whose output the user sees, and fails unless it succeeds.
/// `what` is the subject of the lines about it: "the widget", "npm ci".
pub fn run(command: &mut Command, what: &str) -> Result<()> {
    let child = spawn(command, what)?;
    let status = watched(child, what)?;
    if !status.success() {
        bail!("{what}: `{}` ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs a command for its output; what it printed is shown only if it fails.
pub fn output(command: &mut Command, what: &str) -> Result<Output> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{what}: could not start `{}`", shown(command)))?;
    if !output.status.success() {
        bail!(
            "{what}: `{}` ended with {}\n{}{}",
            shown(command),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(output)
}

/// The first line that a program prints about its version, if it starts at all.
pub fn version(program: impl AsRef<OsStr>, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).stdin(Stdio::null()).output().ok()?;
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().map(|line| line.trim().to_owned())
}

fn spawn(command: &mut Command, what: &str) -> Result<Child> {
    command
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("{what}: could not start `{}`", shown(command)))
}

fn watched(mut child: Child, what: &str) -> Result<std::process::ExitStatus> {
    let started = Instant::now();
    let (ended, waiting) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            while waiting.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
                report::alive(&format!("still at {what}, {}", report::human(started.elapsed())));
            }
        });
        let status = child.wait();
        drop(ended);
        status
    })
    .with_context(|| format!("{what}: lost sight of the process"))
}

/// The command as one would type it, without its environment.
fn shown(command: &Command) -> String {
    let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
    words.join(OsStr::new(" ")).to_string_lossy().into_owned()
}
