//! `cargo xtask mutants`: changes the code of tokens and ownership in every way
//! that cargo-mutants knows, and asks the tests to notice, in a copy of the checkout. A change that nobody
//! notices is a rule that nobody tests.

use crate::workspace::Workspace;
use crate::{process, report, setup};
use anyhow::Result;

/// The version that the rules below were written for.
const VERSION: &str = "27.1.0";

/// Where a mistake opens somebody's conversations.
const FILES: &[&str] = &[
    "relay/src/token/**/*.rs",
    "relay/src/store/family.rs",
    "relay/src/store/revocation.rs",
    "relay/src/store/device.rs",
    "relay/src/store/visitor.rs",
    "relay/src/store/conversation.rs",
    "relay/src/api/caller.rs",
    "relay/src/api/exchange.rs",
    "relay/src/api/token.rs",
    "relay/src/limit/**/*.rs",
];

/// What to change.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Only these files, as patterns, instead of all that guard tokens and
    /// ownership.
    #[arg(long, value_name = "PATTERN")]
    pub file: Vec<String>,
    /// Lists the changes and makes none.
    #[arg(long)]
    pub list: bool,
}

/// `cargo xtask mutants`. It takes hours; what it finds is in
/// `target/mutants.out`.
pub fn mutants(workspace: &Workspace, options: &Options) -> Result<()> {
    let folder =
        setup::cargo_tool(workspace, "cargo-mutants", "cargo-mutants", VERSION, "several minutes, once")?;
    let mut command = workspace.cargo();
    command.arg("mutants").current_dir(&workspace.root);
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env("PATH", std::env::join_paths(std::iter::once(folder).chain(std::env::split_paths(&path)))?);
    command.args(["--package", "chinwag-relay", "--output", "target"]);
    // Built some five hundred times: what a debugger would need is left out.
    command.env("CARGO_PROFILE_DEV_DEBUG", "0");
    let files: Vec<&str> = match options.file.as_slice() {
        [] => FILES.to_vec(),
        named => named.iter().map(String::as_str).collect(),
    };
    for file in files {
        command.args(["--file", file]);
    }
    if options.list {
        command.arg("--list");
    } else {
        report::detail("each change is built and tested by itself");
    }
    // The library's own tests and those of the whole router; the others start
    // processes and providers, and would not notice more. They wait more than they compute.
    command.args(["--", "--lib", "--test", "api", "--", "--test-threads=12"]);
    process::run(&mut command, "cargo mutants")
}
