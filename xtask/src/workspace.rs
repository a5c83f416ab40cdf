//! Where things are: the checkout, cargo's target folder, the cache of tools.

use anyhow::{Context, Result, bail};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The checkout that a command works on.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder, wherever the user's configuration put it.
    pub target: PathBuf,
}

impl Workspace {
    /// Finds the checkout that this program was built from.
    pub fn find() -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest
            .parent()
            .with_context(|| format!("{} has no parent folder", manifest.display()))?
            .to_path_buf();
        let output = Command::new(cargo())
            .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
            .current_dir(&root)
            .output()
            .context("could not start `cargo metadata`")?;
        if !output.status.success() {
            bail!("`cargo metadata` failed:\n{}", String::from_utf8_lossy(&output.stderr).trim_end());
        }
        let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let target =
            metadata["target_directory"].as_str().context("`cargo metadata` named no target_directory")?;
        Ok(Self { target: PathBuf::from(target), root })
    }

    /// The folder of distributable files.
    pub fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// What this program keeps between two calls, and may be deleted.
    pub fn scratch(&self) -> PathBuf {
        self.target.join("xtask")
    }

    /// The relay's optimised binary.
    pub fn relay(&self) -> PathBuf {
        self.target.join("release").join(executable("chinwag-relay"))
    }

    /// A `cargo` command in the checkout.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new(cargo());
        command.current_dir(&self.root);
        // Set by the `cargo run` that started this program. Passed on, they
        // would change the fingerprint of build scripts that read them.
        for name in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
            command.env_remove(name);
        }
        command
    }
}

/// The cargo that started this program, or the one on PATH.
fn cargo() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// The name of a program's file on this system.
pub fn executable(name: &str) -> String {
    format!("{name}{}", env::consts::EXE_SUFFIX)
}

/// The first program of one of these names on PATH.
pub fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    names.iter().find_map(|name| {
        env::split_paths(&path).map(|folder| folder.join(executable(name))).find(|file| file.is_file())
    })
}

/// Where a tool of one version is installed: outside the checkout, so that a
/// fresh clone finds what an older one built.
pub fn tool_folder(tool: &str, version: &str) -> Result<PathBuf> {
    let cache = match env::var_os("XDG_CACHE_HOME").filter(|value| Path::new(value).is_absolute()) {
        Some(folder) => PathBuf::from(folder),
        None => env::home_dir().context("neither XDG_CACHE_HOME nor a home folder is known")?.join(".cache"),
    };
    Ok(cache.join("chinwag").join("tools").join(format!("{tool}-{version}")))
}
