//! Node: needed for the size pass and the tests, never for `run`.

use crate::{
    process, report,
    workspace::{Workspace, on_path},
};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The oldest major version that the tools of package.json run on.
const OLDEST: u32 = 20;

/// A Node with the packages of package-lock.json installed.
#[derive(Debug, Clone)]
pub struct Node {
    /// The program.
    pub program: PathBuf,
    modules: PathBuf,
}

impl Node {
    /// Looks for Node and npm, and installs the packages if they are not there yet.
    ///
    /// # Errors
    ///
    /// A sentence that says what is missing; the caller decides whether it can do without.
    pub fn prepare(workspace: &Workspace) -> Result<Self> {
        let program = on_path(&["node"]).context("Node is not installed")?;
        let version = process::version(&program, "--version").context("`node --version` does not answer")?;
        let major =
            version.trim_start_matches('v').split('.').next().and_then(|text| text.parse::<u32>().ok());
        if major.is_none_or(|major| major < OLDEST) {
            bail!("Node {OLDEST} or newer is needed, and this is {version}");
        }
        let node = Self { program, modules: workspace.root.join("node_modules") };
        node.install(workspace)?;
        Ok(node)
    }

    /// A command that runs a script of an installed package.
    pub fn script(&self, package: &str, script: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(self.modules.join(package).join(script));
        command
    }

    /// `npm ci`, unless what it would install is there: the stamp holds the
    /// lock file that was installed last.
    fn install(&self, workspace: &Workspace) -> Result<()> {
        let lock = fs::read(workspace.root.join("package-lock.json")).context("package-lock.json")?;
        let stamp = self.modules.join(".chinwag-installed");
        if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
            return Ok(());
        }
        let npm = on_path(&["npm"]).context("npm is not installed (it comes with Node)")?;
        report::detail("installing the build tools of package.json with npm ci (about 190 MB on disk)");
        let mut command = Command::new(npm);
        // Their install scripts only make a command start a little faster.
        command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        command.current_dir(&workspace.root);
        process::run(&mut command, "npm ci")?;
        fs::write(&stamp, lock).with_context(|| stamp.display().to_string())
    }
}
