//! `cargo xtask`: builds, serves, tests and measures Chinwag.

use clap::Parser;
use std::process::ExitCode;
use xtask::{
    bench, dist, examples, firefox, fuzz, golden, mutants, release, report, run, schemathesis, test,
    workspace::Workspace,
};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, serves, tests and measures Chinwag.", version)]
enum Command {
    /// Build what is needed and serve the demo page.
    Run(run::Options),
    /// Run every check and test.
    Test(test::Options),
    /// Make the distributable files in dist/.
    Dist(dist::Options),
    /// Build every example and drive it in Chromium.
    Examples,
    /// Drive the main job in Firefox.
    Firefox,
    /// Make the widget twice from nothing, and compare.
    Reproduce,
    /// Make what a release is made of, in target/release-files.
    Release,
    /// Write what the licences of others' work in a release ask to be passed on.
    Notices,
    /// Measure: `size`, `relay`, `soak`, `load`, `stream` or `kiosk`.
    #[command(subcommand)]
    Bench(bench::Measure),
    /// Look for inputs that break a parser; needs a nightly toolchain and cargo-fuzz.
    Fuzz(fuzz::Options),
    /// Compare the pictures of the widget's states with those in tests/golden/look.
    Golden(golden::Options),
    /// Change the code of tokens and ownership, and see whether a test notices.
    Mutants(mutants::Options),
    /// Make up requests out of the descriptions of the API, and hold the answers against them.
    Schemathesis(schemathesis::Options),
    /// Opens a browser once the relay answers; `run` starts it.
    #[command(hide = true)]
    OpenWhenReady(run::Opening),
}

fn main() -> ExitCode {
    let command = Command::parse();
    let outcome = Workspace::find().and_then(|workspace| match command {
        Command::Run(options) => run::run(&workspace, &options),
        Command::Test(options) => test::test(&workspace, &options),
        Command::Dist(options) => dist::command(&workspace, &options),
        Command::Mutants(options) => mutants::mutants(&workspace, &options),
        Command::Examples => examples::command(&workspace),
        Command::Firefox => firefox::command(&workspace),
        Command::Reproduce => release::reproduce(&workspace),
        Command::Release => release::command(&workspace),
        Command::Notices => release::notices(&workspace),
        Command::Bench(measure) => bench::bench(&workspace, measure),
        Command::Fuzz(options) => fuzz::fuzz(&workspace, &options),
        Command::Golden(options) => golden::command(&workspace, &options),
        Command::Schemathesis(options) => schemathesis::schemathesis(&workspace, &options),
        Command::OpenWhenReady(opening) => {
            run::open_when_ready(&opening);
            Ok(())
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::failure(&error);
            ExitCode::FAILURE
        }
    }
}
