//! `cargo xtask fuzz`: the targets of `fuzz/`, one after the other.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::report;
use crate::workspace::{Workspace, on_path};

/// The options of `cargo xtask fuzz`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Only this target; the names are those of `fuzz/fuzz_targets`.
    target: Option<String>,
    /// How long each target runs.
    #[arg(long, default_value_t = 60, value_name = "N")]
    seconds: u64,
}

/// Runs the targets with their corpus. What is found stays in `fuzz/artifacts`;
/// put it into `fuzz/corpus`, and the tests hold it from then on.
pub fn fuzz(workspace: &Workspace, options: &Options) -> Result<()> {
    if on_path(&["cargo-fuzz"]).is_none() {
        bail!(
            "cargo-fuzz is missing: cargo install --locked cargo-fuzz (and rustup toolchain install nightly)"
        );
    }
    let folder = workspace.root.join("fuzz").join("fuzz_targets");
    let mut targets = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        targets.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    targets.sort();
    if let Some(chosen) = &options.target {
        if !targets.contains(chosen) {
            bail!("there is no fuzz target {chosen}; the targets are {}", targets.join(", "));
        }
        targets.retain(|target| target == chosen);
    }
    for target in targets {
        report::detail(&format!("{target}, for {} s", options.seconds));
        // What the fuzzer adds on its way goes elsewhere: the corpus is chosen.
        let found = workspace.root.join("fuzz").join("target").join("found").join(&target);
        fs::create_dir_all(&found).with_context(|| format!("making {}", found.display()))?;
        let mut command = std::process::Command::new("cargo");
        command
            .current_dir(&workspace.root)
            .args(["+nightly", "fuzz", "run", "--fuzz-dir", "fuzz", &target])
            .arg(&found)
            .arg(workspace.root.join("fuzz").join("corpus").join(&target))
            .args(["--", &format!("-max_total_time={}", options.seconds), "-max_len=8192"]);
        process::run(&mut command, &format!("the fuzz target {target}"))?;
    }
    Ok(())
}
