//! `cargo xtask examples`: every example as a visitor meets it.

use crate::dist::{self, SizePass};
use crate::report::Outcome;
use crate::workspace::Workspace;
use crate::{run, test};
use anyhow::Result;

/// Where the examples' tests are: those that need no build, and those that a
/// bundler builds with packages from npm.
const FOLDERS: [&str; 2] = ["tests/examples", "tests/examples/built"];

/// `cargo xtask examples`: with all that it needs made first.
pub fn command(workspace: &Workspace) -> Result<()> {
    dist::make(workspace, SizePass::Required)?;
    run::build_relay(workspace)?;
    drive(workspace).map(drop)
}

/// Builds every example and drives it in Chromium; `dist/` and the relay are there.
pub(crate) fn drive(workspace: &Workspace) -> Result<Outcome> {
    for folder in FOLDERS {
        test::in_browser(workspace, folder)?;
    }
    Ok(Outcome::Done)
}
