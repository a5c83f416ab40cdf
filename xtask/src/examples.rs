//! `cargo xtask examples`: builds every example and drives it in Chromium.

use crate::browser::Browser;
use crate::dist::{self, SizePass};
use crate::workspace::Workspace;
use crate::{run, test};
use anyhow::Result;

/// Where the examples' tests are: those that need no build, and those that a
/// bundler builds with packages from the network.
pub const PLAIN: &str = "tests/examples";
const BUILT: &str = "tests/examples/built";

/// `cargo xtask examples`.
pub fn command(workspace: &Workspace) -> Result<()> {
    dist::make(workspace, SizePass::Required)?;
    run::build_relay(workspace)?;
    let browser = Browser::prepare()?;
    for folder in [PLAIN, BUILT] {
        test::in_browser(workspace, &browser, folder)?;
    }
    Ok(())
}
