//! `cargo xtask test`: every check and test, one after the other.

use crate::asset::Manifest;
use crate::browser::Browser;
use crate::dist::{self, SizePass};
use crate::node::Node;
use crate::report::{self, Outcome, Steps};
use crate::setup::{self, WASM, WASM_BINDGEN};
use crate::workspace::Workspace;
use crate::{budget, deny, examples, process, run};
use anyhow::{Context, Result, bail};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The options of `cargo xtask test`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Only these steps: fmt, clippy, clippy-wasm, native, web, doc, dist, size, package, relay, e2e, examples, deny.
    #[arg(long, value_name = "STEP", value_parser = step_name, num_args = 1.., value_delimiter = ',')]
    only: Vec<&'static str>,
}

struct Step {
    name: &'static str,
    title: &'static str,
    work: fn(&Workspace) -> Result<Outcome>,
}

/// Cheap before dear, and what another step needs before it.
const STEPS: &[Step] = &[
    Step { name: "fmt", title: "Checking the formatting", work: fmt },
    Step { name: "clippy", title: "Linting for this machine (about 4 min the first time)", work: clippy },
    Step {
        name: "clippy-wasm",
        title: "Linting for WebAssembly (about 1 min the first time)",
        work: clippy_wasm,
    },
    Step { name: "native", title: "Running the native tests (about 6 min the first time)", work: native },
    Step { name: "web", title: "Running the tests in a browser (about 2 min the first time)", work: web },
    Step { name: "doc", title: "Building the documentation of the protocol", work: doc },
    Step { name: "dist", title: "Building the widget (about 2 min the first time)", work: dist },
    Step { name: "size", title: "Weighing it", work: size },
    Step { name: "package", title: "Checking the package for npm", work: package },
    Step { name: "relay", title: "Building the relay (about 4 min the first time)", work: relay },
    Step { name: "e2e", title: "Running the tests of the whole in Chromium", work: e2e },
    Step {
        name: "examples",
        title: "Building the examples and driving them in Chromium (about 1 min)",
        work: examples::drive,
    },
    Step { name: "deny", title: "Checking licences, sources and banned crates", work: deny::deny },
];

/// `cargo xtask test`: stops at the first failure, and says on which step the time went.
pub fn test(workspace: &Workspace, options: &Options) -> Result<()> {
    let chosen: Vec<&Step> =
        STEPS.iter().filter(|step| options.only.is_empty() || options.only.contains(&step.name)).collect();
    let mut steps = Steps::new(chosen.len());
    let mut outcome = Ok(());
    for step in chosen {
        outcome = steps.run(step.name, step.title, || (step.work)(workspace)).with_context(|| {
            format!("the step `{}` failed (again alone: cargo xtask test --only {0})", step.name)
        });
        if outcome.is_err() {
            break;
        }
    }
    steps.table();
    outcome
}

fn step_name(text: &str) -> Result<&'static str, String> {
    STEPS.iter().map(|step| step.name).find(|name| *name == text).ok_or_else(|| {
        let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        format!("the steps are {}", names.join(", "))
    })
}

fn cargo(workspace: &Workspace, arguments: &[&str]) -> Result<Outcome> {
    process::run(workspace.cargo().args(arguments), &format!("cargo {}", arguments[0]))?;
    Ok(Outcome::Done)
}

fn fmt(workspace: &Workspace) -> Result<Outcome> {
    setup::lint_tools(workspace)?;
    cargo(workspace, &["fmt", "--all", "--check"])
}

fn clippy(workspace: &Workspace) -> Result<Outcome> {
    setup::lint_tools(workspace)?;
    cargo(workspace, &["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

fn clippy_wasm(workspace: &Workspace) -> Result<Outcome> {
    setup::lint_tools(workspace)?;
    setup::wasm_target(workspace)?;
    let packages = ["-p", "chinwag", "-p", "chinwag-protocol"];
    let mut arguments = vec!["clippy", "--locked", "--target", WASM];
    arguments.extend(packages);
    arguments.extend(["--lib", "--test", "web", "--", "-D", "warnings"]);
    cargo(workspace, &arguments)
}

fn native(workspace: &Workspace) -> Result<Outcome> {
    // To the end, so that one run tells all that fails.
    cargo(workspace, &["test", "--locked", "--workspace", "--no-fail-fast"])
}

fn web(workspace: &Workspace) -> Result<Outcome> {
    setup::wasm_target(workspace)?;
    let browser = Browser::prepare()?;
    let runner = setup::cargo_tool(
        workspace,
        "wasm-bindgen-cli",
        "wasm-bindgen-test-runner",
        WASM_BINDGEN,
        "about 5 min, once",
    )?;
    let mut command = workspace.cargo();
    command.args(["test", "--locked", "-p", "chinwag", "--target", WASM, "--test", "web"]);
    command
        .env("PATH", path_with(&runner)?)
        .env("CHROMEDRIVER", &browser.driver)
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", browser.write_capabilities(workspace)?)
        // Two cores may be busy with other things; a test that hangs still ends.
        .env("WASM_BINDGEN_TEST_TIMEOUT", "120")
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "30");
    process::run(&mut command, "the browser tests")?;
    Ok(Outcome::Done)
}

fn doc(workspace: &Workspace) -> Result<Outcome> {
    let mut command = workspace.cargo();
    command
        .args(["doc", "--locked", "--no-deps", "-p", "chinwag-protocol"])
        .env("RUSTDOCFLAGS", "-D warnings");
    process::run(&mut command, "cargo doc")?;
    Ok(Outcome::Done)
}

fn dist(workspace: &Workspace) -> Result<Outcome> {
    dist::make(workspace, SizePass::Required)?;
    Ok(Outcome::Done)
}

fn size(workspace: &Workspace) -> Result<Outcome> {
    let manifest = Manifest::read_complete(&workspace.dist())
        .context("dist/ is not complete: run `cargo xtask dist`")?;
    budget::check(&workspace.root, &manifest)?;
    Ok(Outcome::Done)
}

fn package(workspace: &Workspace) -> Result<Outcome> {
    node_tests(workspace, "tests/package", |_| ())
}

fn relay(workspace: &Workspace) -> Result<Outcome> {
    run::build_relay(workspace)?;
    Ok(Outcome::Done)
}

fn e2e(workspace: &Workspace) -> Result<Outcome> {
    in_browser(workspace, "tests/e2e")
}

/// Runs the tests of a folder with the browser and the relay that they need.
pub(crate) fn in_browser(workspace: &Workspace, folder: &str) -> Result<Outcome> {
    let browser = Browser::prepare()?;
    node_tests(workspace, folder, |command| {
        command.env("CHROMIUM", &browser.chromium).env("CHINWAG_RELAY", workspace.relay());
    })
}

/// Runs every `*.test.mjs` of a folder with Node's own runner.
///
/// They drive a browser, a server and the network between them against the
/// clock of a machine that may be busy. So up to [`MOST_AGAIN`] files that fail
/// are run once more; one that passes then is named, for it is to be mended.
pub(crate) fn node_tests(
    workspace: &Workspace,
    folder: &str,
    configure: impl Fn(&mut Command),
) -> Result<Outcome> {
    let node = Node::prepare(workspace).context("these tests need Node")?;
    let files = test_files(&workspace.root.join(folder))?;
    if files.is_empty() {
        bail!("{folder} holds no *.test.mjs");
    }
    let list = workspace.scratch().join("failed.txt");
    fs::create_dir_all(workspace.scratch()).context("the folder for scratch")?;
    // One of an earlier run says nothing of this one.
    let _ = fs::remove_file(&list);
    let run = |files: &[PathBuf]| {
        let mut command = Command::new(&node.program);
        command.current_dir(&workspace.root);
        // One file at a time: each starts a browser, and two cores share them.
        command.args(["--test", "--test-concurrency=1", LONGEST_FILE]);
        command.args(["--test-reporter=spec", "--test-reporter-destination=stdout"]);
        command.arg("--test-reporter=./xtask/failed-files.mjs");
        command.arg(format!("--test-reporter-destination={}", list.display())).args(files);
        command.env("CHINWAG_DIST", workspace.dist());
        configure(&mut command);
        process::run(&mut command, folder)
    };
    let Err(error) = run(&files) else { return Ok(Outcome::Done) };
    let failed: Vec<_> = fs::read_to_string(&list).unwrap_or_default().lines().map(PathBuf::from).collect();
    if failed.is_empty() || failed.len() > MOST_AGAIN {
        return Err(error);
    }
    let names = failed.iter().filter_map(|file| file.file_name()?.to_str()).collect::<Vec<_>>().join(", ");
    report::detail(&format!("running once more what failed: {names}"));
    run(&failed)?;
    report::detail(&format!("PASSED ONLY THE SECOND TIME, and to be mended: {names}"));
    Ok(Outcome::Done)
}

/// Files that are run once more if they fail. Where more fail it is no accident.
const MOST_AGAIN: usize = 3;

/// Node ends a test, and a file of tests, that takes longer, in ms: a file that
/// hangs is then named, instead of holding up all that comes after it.
const LONGEST_FILE: &str = "--test-timeout=900000";

/// The files of a folder that Node's runner takes, in order.
///
/// # Errors
///
/// Also if one of them has no test: Node would call it passed, after waiting
/// for what its hooks began.
fn test_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if !path.to_string_lossy().ends_with(".test.mjs") {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        if !text.lines().any(|line| line.trim_start().starts_with("test(")) {
            bail!("{} has no test", path.display());
        }
        files.push(path);
    }
    files.sort();
    Ok(files)
}

/// PATH with one more folder in front.
fn path_with(folder: &Path) -> Result<std::ffi::OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_path_buf()).chain(env::split_paths(&path));
    env::join_paths(folders).context("PATH")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_known_by_its_name_only() {
        assert_eq!(step_name("e2e"), Ok("e2e"));
        let error = step_name("e2").expect_err("no such step");
        assert!(error.contains("clippy-wasm"), "{error}");
    }

    #[test]
    fn a_file_that_has_lost_its_tests_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
        file(
            "whole.test.mjs",
            "before(() => {});\n\nfor (const each of all) {\n  test(each, () => {});\n}\n",
        );
        file("support.mjs", "export const test = 1;\n");
        assert_eq!(test_files(folder.path()).expect("files"), [folder.path().join("whole.test.mjs")]);
        file("empty.test.mjs", "import { test } from \"node:test\";\nbefore(() => {});\n");
        let error = test_files(folder.path()).expect_err("one without a test");
        assert!(error.to_string().contains("empty.test.mjs"), "{error}");
    }
}
