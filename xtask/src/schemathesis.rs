//! `cargo xtask schemathesis`: requests that somebody else's tool makes up out of the
//! `OpenAPI` descriptions, against a relay that runs.

use crate::node::Node;
use crate::workspace::{Workspace, on_path};
use crate::{process, report, run};
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;

/// The version that the settings were written for.
const VERSION: &str = "4.32.5";

/// The options of `cargo xtask schemathesis`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// A relay that is built already, instead of this checkout's.
    #[arg(long, value_name = "FILE")]
    relay: Option<PathBuf>,
    /// What goes on to schemathesis, such as `--max-examples 500` or `--seed 1`.
    #[arg(last = true)]
    more: Vec<String>,
}

/// Runs it; it fails if an answer is other than described.
pub fn schemathesis(workspace: &Workspace, options: &Options) -> Result<()> {
    let node = Node::prepare(workspace).context("this needs Node")?;
    let tool = tool(workspace)?;
    let relay = if let Some(path) = &options.relay {
        path.canonicalize().with_context(|| path.display().to_string())?
    } else {
        report::detail("building the relay");
        run::build_relay(workspace)?;
        workspace.relay()
    };
    let mut command = Command::new(&node.program);
    command
        .arg(workspace.root.join("xtask").join("schemathesis.mjs"))
        .arg(relay)
        .arg(tool)
        .args(&options.more);
    process::run(&mut command, "schemathesis")
}

/// The program, in a Python environment of its own.
fn tool(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.scratch().join(format!("schemathesis-{VERSION}"));
    let program = folder.join("bin").join("schemathesis");
    if !program.is_file() {
        let python = on_path(&["python3"]).context("Python 3 is not installed")?;
        report::detail("installing schemathesis from PyPI (once)");
        process::run(Command::new(python).args(["-m", "venv"]).arg(&folder), "a Python environment")?;
        let mut install = Command::new(folder.join("bin").join("pip"));
        process::run(
            install.args(["install", "--quiet", &format!("schemathesis=={VERSION}")]),
            "schemathesis",
        )?;
    }
    Ok(program)
}
