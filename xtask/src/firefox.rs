//! `cargo xtask firefox`: the main job in Firefox. On command only: the tests run
//! in Chromium, and a second browser is another 250 MB and a minute.

use crate::browser::Firefox;
use crate::dist::{self, SizePass};
use crate::workspace::{Workspace, on_path};
use crate::{process, report, run, test};
use anyhow::{Context, Result};
use std::process::Command;

/// Where the tests are, and the list of what drives the browser.
const FOLDER: &str = "tests/firefox";

/// `cargo xtask firefox`.
pub fn command(workspace: &Workspace) -> Result<()> {
    let firefox = Firefox::prepare()?;
    dist::make(workspace, SizePass::Required)?;
    run::build_relay(workspace)?;
    report::detail("installing what drives it with npm install");
    let mut npm = Command::new(on_path(&["npm"]).context("npm is not installed (it comes with Node)")?);
    npm.args([
        "install",
        "--no-package-lock",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ]);
    process::run(npm.current_dir(workspace.root.join(FOLDER)), "npm install")?;
    test::node_tests(workspace, FOLDER, |command| {
        command.env("FIREFOX", &firefox.program).env("CHINWAG_RELAY", workspace.relay());
    })
    .map(drop)
}
