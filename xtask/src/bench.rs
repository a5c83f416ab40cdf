//! `cargo xtask bench`: the numbers that the project promises.

use crate::dist::{self, SizePass};
use crate::workspace::Workspace;
use crate::{budget, process};
use anyhow::Result;

/// What to measure.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub enum Measure {
    /// Brotli bytes of loader, wasm, glue and CSS against budgets.toml.
    Size,
    /// The time that the relay adds to a reply of 20 chunks.
    Relay,
}

/// `cargo xtask bench`.
pub fn bench(workspace: &Workspace, measure: Measure) -> Result<()> {
    match measure {
        Measure::Size => {
            let manifest = dist::make(workspace, SizePass::Required)?;
            budget::check(&workspace.root, &manifest)
        }
        Measure::Relay => {
            let mut command = workspace.cargo();
            command.args(["run", "--release", "-p", "chinwag-relay", "--example", "added_latency"]);
            process::run(&mut command, "the relay's bench")
        }
    }
}
