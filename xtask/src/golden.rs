//! `cargo xtask golden`: the pictures of the widget's states against those that
//! were looked at. On command only: a browser's next version draws a curve
//! elsewhere, and that is no bug of ours.

use crate::browser::Browser;
use crate::node::Node;
use crate::workspace::Workspace;
use crate::{process, run};
use anyhow::{Context, Result};
use std::process::Command;

/// The options of `cargo xtask golden`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Keep the pictures as they are now. Look at them first.
    #[arg(long)]
    write: bool,
}

/// `cargo xtask golden`.
pub fn command(workspace: &Workspace, options: &Options) -> Result<()> {
    let node = Node::prepare(workspace).context("the pictures need Node")?;
    let browser = Browser::prepare()?;
    run::build_relay(workspace)?;
    let mut command = Command::new(&node.program);
    command.current_dir(&workspace.root);
    command.args(["--test", "--test-name-pattern", "is as it was", "tests/e2e/gallery.test.mjs"]);
    command
        .env("CHROMIUM", &browser.chromium)
        .env("CHINWAG_RELAY", workspace.relay())
        .env("CHINWAG_GOLDEN", if options.write { "write" } else { "compare" });
    process::run(&mut command, "the pictures")
}
