//! `cargo xtask bench`: the numbers that the project promises.

use crate::browser::Browser;
use crate::dist::{self, SizePass};
use crate::node::Node;
use crate::workspace::Workspace;
use crate::{budget, process, report, run, weight, widget};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What to measure.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Measure {
    /// Brotli bytes of loader, wasm, glue and CSS against budgets.toml.
    Size {
        /// Name the heaviest parts of the wasm as well: rooms, crates and functions.
        #[arg(long)]
        functions: bool,
    },
    /// What the relay adds to an answer, beside nginx and the provider itself; its
    /// memory for an idle stream; for each adapter, how fast it decodes and how much
    /// later a chunk arrives.
    Relay(Built),
    /// How long 200 pages take to be indexed, and how long a question waits for its
    /// passages among 100,000.
    Knowledge(Built),
    /// What an export of a million messages takes: time, and memory of whoever writes
    /// it out.
    Export(Built),
    /// A thousand replies through a network that cuts, fifty power cuts, ten thousand
    /// streams that are let go: the tests of `relay/tests/chaos`, as often as promised.
    Soak(Built),
    /// What a page pays before anybody reaches for the chat: the time until the
    /// launcher is seen, long tasks, shifts of the layout, bytes; on a slow phone's
    /// network and processor, beside the same page without it.
    Load,
    /// What streamed replies and restored transcripts cost a slow page, in Chromium.
    Stream,
    /// Whether a kiosk's page holds the same after 500 visitors as after 50: memory,
    /// nodes and listeners, in Chromium.
    Kiosk,
}

/// Which relay is measured.
#[derive(Debug, Clone, clap::Args)]
pub struct Built {
    /// A relay that is built already, instead of this checkout's.
    #[arg(long, value_name = "FILE")]
    relay: Option<PathBuf>,
}

impl Built {
    fn path(&self, workspace: &Workspace) -> Result<PathBuf> {
        if let Some(path) = &self.relay {
            return path.canonicalize().with_context(|| path.display().to_string());
        }
        report::detail("building the relay");
        run::build_relay(workspace)?;
        Ok(workspace.relay())
    }
}

/// A command that may open as many files as the system allows.
fn with_files(program: &std::ffi::OsStr) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n \"$(ulimit -Hn)\" && exec \"$0\" \"$@\""]).arg(program);
    command
}

/// `cargo xtask bench`.
pub fn bench(workspace: &Workspace, measure: Measure) -> Result<()> {
    match measure {
        Measure::Size { functions } => {
            let manifest = dist::make(workspace, SizePass::Required)?;
            if functions {
                weight::print(&workspace.scratch().join(widget::FOLDER))?;
            }
            budget::check(&workspace.root, &manifest)
        }
        Measure::Soak(built) => {
            let relay = built.path(workspace)?;
            let cargo = workspace.cargo();
            let mut command = with_files(cargo.get_program());
            command.current_dir(&workspace.root).env("CHINWAG_RELAY", relay).env("CHINWAG_MEASURE", "1");
            for (name, times) in SOAK {
                command.env(name, times);
            }
            command.args(["test", "--locked", "--workspace", "--test", "chaos"]);
            // One after the other: each measures.
            command.args(["--", "--nocapture", "--test-threads=1"]);
            process::run(&mut command, "the soak")
        }
        Measure::Relay(built) => {
            let node = Node::prepare(workspace).context("this bench needs Node")?;
            let relay = built.path(workspace)?;
            let mut command = with_files(node.program.as_os_str());
            command.arg(workspace.root.join("xtask").join("bench-relay.mjs")).arg(relay);
            process::run(&mut command, "the relay's bench")?;
            let adapters = ["bench", "--locked", "-p", "chinwag-relay", "--bench", "provider"];
            process::run(workspace.cargo().args(adapters), "the bench of the adapters")
        }
        Measure::Export(built) => {
            let relay = built.path(workspace)?;
            let mut command = workspace.cargo();
            command.env("CHINWAG_RELAY", relay).env("CHINWAG_EXPORT", "1000000");
            command.args(["test", "--locked", "--workspace", "--test", "process", "--"]);
            command.args(["--nocapture", "an_export_takes_the_same_memory"]);
            process::run(&mut command, "the export of a million messages")
        }
        Measure::Knowledge(built) => {
            let node = Node::prepare(workspace).context("this bench needs Node")?;
            let relay = built.path(workspace)?;
            let mut command = Command::new(&node.program);
            command.arg(workspace.root.join("xtask").join("bench-knowledge.mjs")).arg(relay);
            process::run(&mut command, "the bench of knowledge")
        }
        Measure::Load => in_browser(workspace, "bench-load.mjs", &[], "the bench of loading"),
        Measure::Stream => in_browser(workspace, "bench-stream.mjs", &[], "the bench of streams"),
        Measure::Kiosk => {
            let pages = workspace.root.join("relay").join("pages");
            in_browser(workspace, "bench-kiosk.mjs", &[&pages], "the bench of kiosks")
        }
    }
}

/// Runs a script of this folder that measures the built widget in Chromium.
fn in_browser(workspace: &Workspace, script: &str, given: &[&Path], what: &str) -> Result<()> {
    let node = Node::prepare(workspace).context("this bench needs Node")?;
    let browser = Browser::prepare().context("this bench needs a browser")?;
    dist::make(workspace, SizePass::Required)?;
    let mut command = Command::new(&node.program);
    command.arg(workspace.root.join("xtask").join(script)).arg(workspace.dist()).args(given);
    command.env("CHROMIUM", &browser.chromium);
    process::run(&mut command, what)
}

/// How often the tests of `relay/tests/chaos` do what they do.
const SOAK: [(&str, &str); 4] = [
    ("CHINWAG_SOAK", "1000"),
    ("CHINWAG_KILLS", "50"),
    ("CHINWAG_SLOW", "2000"),
    ("CHINWAG_ABORTS", "10000"),
];
