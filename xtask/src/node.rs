//! Node: needed for the size pass and the tests, never for `run`.

use crate::{
    process, report,
    workspace::{Workspace, on_path},
};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
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

    /// `npm ci`, unless everything that the lock file names is there.
    fn install(&self, workspace: &Workspace) -> Result<()> {
        let wanted = Locked::read(&workspace.root.join("package-lock.json"))?;
        // npm's own record of what it has installed.
        if Locked::read(&self.modules.join(".package-lock.json")).is_ok_and(|there| there.holds(&wanted)) {
            return Ok(());
        }
        let npm = on_path(&["npm"]).context("npm is not installed (it comes with Node)")?;
        report::detail("installing the build tools of package.json with npm ci (about 210 MB on disk)");
        let mut command = Command::new(npm);
        // Their install scripts only make a command start a little faster.
        command.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        command.current_dir(&workspace.root);
        process::run(&mut command, "npm ci")
    }
}

/// The packages of a lock file.
#[derive(Deserialize)]
struct Locked {
    packages: BTreeMap<String, Package>,
}

#[derive(Deserialize)]
struct Package {
    version: Option<String>,
    /// One that is left out where the system is another.
    #[serde(default)]
    optional: bool,
}

impl Locked {
    fn read(file: &Path) -> Result<Self> {
        let bytes = fs::read(file).with_context(|| file.display().to_string())?;
        serde_json::from_slice(&bytes).with_context(|| file.display().to_string())
    }

    /// Whether each package that is needed is there in its version.
    fn holds(&self, wanted: &Self) -> bool {
        let needed = wanted.packages.iter().filter(|(path, package)| !path.is_empty() && !package.optional);
        needed.into_iter().all(|(path, package)| {
            self.packages.get(path).is_some_and(|there| there.version == package.version)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked(text: &str) -> Locked {
        serde_json::from_str(text).expect("a lock file")
    }

    #[test]
    fn a_package_in_another_version_or_missing_is_installed_again() {
        let wanted = locked(
            r#"{"packages":{"":{"name":"x"},"node_modules/a":{"version":"1.0.0"},
            "node_modules/b":{"version":"2.0.0","optional":true}}}"#,
        );
        for (there, holds) in [
            (
                r#"{"packages":{"node_modules/a":{"version":"1.0.0"},"node_modules/c":{"version":"1.0.0"}}}"#,
                true,
            ),
            (r#"{"packages":{"node_modules/a":{"version":"1.0.1"}}}"#, false),
            (r#"{"packages":{}}"#, false),
        ] {
            assert_eq!(locked(there).holds(&wanted), holds, "{there}");
        }
    }
}
