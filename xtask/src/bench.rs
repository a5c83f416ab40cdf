//! `cargo xtask bench`: the numbers that the project promises.

use crate::browser::Browser;
use crate::dist::{self, SizePass};
use crate::node::Node;
use crate::workspace::Workspace;
use crate::{budget, process, report, run};
use anyhow::{Context, Result};
use std::process::Command;

/// What to measure.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub enum Measure {
    /// Brotli bytes of loader, wasm, glue and CSS against budgets.toml.
    Size,
    /// The time that the relay adds to a reply of 20 chunks; for each adapter, how
    /// fast it decodes and how much later a chunk arrives.
    Relay,
    /// What streamed replies and restored transcripts cost a slow page, in Chromium.
    Stream,
}

/// `cargo xtask bench`.
pub fn bench(workspace: &Workspace, measure: Measure) -> Result<()> {
    match measure {
        Measure::Size => {
            let manifest = dist::make(workspace, SizePass::Required)?;
            budget::check(&workspace.root, &manifest)
        }
        Measure::Relay => {
            let node = Node::prepare(workspace).context("this bench needs Node")?;
            report::detail("building the relay");
            run::build_relay(workspace)?;
            let mut command = Command::new(&node.program);
            command.arg(workspace.root.join("xtask").join("bench-relay.mjs")).arg(workspace.relay());
            process::run(&mut command, "the relay's bench")?;
            let adapters = ["bench", "--locked", "-p", "chinwag-relay", "--bench", "provider"];
            process::run(workspace.cargo().args(adapters), "the bench of the adapters")
        }
        Measure::Stream => {
            let node = Node::prepare(workspace).context("this bench needs Node")?;
            let browser = Browser::prepare().context("this bench needs a browser")?;
            dist::make(workspace, SizePass::Required)?;
            let mut command = Command::new(&node.program);
            command.arg(workspace.root.join("xtask").join("bench-stream.mjs")).arg(workspace.dist());
            command.env("CHROMIUM", &browser.chromium);
            process::run(&mut command, "the bench of streams")
        }
    }
}
