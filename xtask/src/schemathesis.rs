//! `cargo xtask schemathesis`: requests that somebody else's tool makes up out of the
//! `OpenAPI` descriptions, against a relay that runs.

use crate::node::Node;
use crate::workspace::Workspace;
use crate::{process, report, run, setup};
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
    let folder = workspace.scratch().join(format!("schemathesis-{VERSION}"));
    let tool = setup::python_tool(&folder, "schemathesis", &format!("schemathesis=={VERSION}\n"))?;
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
