//! `cargo xtask release`, `cargo xtask notices` and `cargo xtask reproduce`: what is published, and the
//! proof that the same sources make the same bytes.

use crate::asset::Manifest;
use crate::dist::{self, SizePass};
use crate::node::Node;
use crate::workspace::{Workspace, executable, on_path};
use crate::{package, process, report, run, sbom};
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// `cargo xtask release`: the package, the relay, the Dockerfile, the bill of
/// materials, the notices and the checksums of them all, in `target/release-files/`.
pub fn command(workspace: &Workspace) -> Result<()> {
    let folder = workspace.target.join("release-files");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    dist::make(workspace, SizePass::Required)?;
    pack(workspace, &folder)?;
    run::build_relay(workspace)?;
    let host = host(workspace)?;
    let relay = format!("chinwag-relay-{}-{host}", env!("CARGO_PKG_VERSION"));
    copy(&workspace.relay(), &folder.join(executable(&relay)))?;
    copy(&workspace.root.join("Dockerfile"), &folder.join("Dockerfile"))?;
    copy(&workspace.dist().join("manifest.json"), &folder.join("manifest.json"))?;
    let bill = serde_json::to_string_pretty(&sbom::document(workspace, &host)?)? + "\n";
    fs::write(folder.join("chinwag.cdx.json"), bill)?;
    fs::write(folder.join(package::NOTICES), sbom::notices(workspace, &host)?)?;
    let sums = checksums(&folder)?;
    fs::write(folder.join("SHA256SUMS"), &sums)?;
    report::line(&format!("{}\n{}", folder.display(), sums.trim_end()));
    Ok(())
}

/// `cargo xtask notices`: the notices of a release, on standard output.
pub fn notices(workspace: &Workspace) -> Result<()> {
    Node::prepare(workspace).context("what is bundled into the scripts comes by npm")?;
    let text = sbom::notices(workspace, &host(workspace)?)?;
    io::stdout().write_all(text.as_bytes()).context("standard output")
}

/// `cargo xtask reproduce`: makes the widget of the last commit twice, in two new
/// clones with nothing built, and compares every file.
pub fn reproduce(workspace: &Workspace) -> Result<()> {
    let parent = workspace.scratch().join("reproduce");
    if parent.exists() {
        fs::remove_dir_all(&parent).with_context(|| parent.display().to_string())?;
    }
    // Paths of other lengths, so that one which ends up in a file shows.
    let made = ["first", "the-second-one"].map(|name| build_clone(workspace, &parent.join(name)));
    let [first, second] = made;
    let (first, second) = (first?, second?);
    let differing = differences(&first, &second);
    if !differing.is_empty() {
        bail!("two builds of the same commit differ in {}", differing.join(", "));
    }
    report::line(&format!("{} files are the same in two clean builds", first.files.len()));
    fs::remove_dir_all(&parent).with_context(|| parent.display().to_string())
}

fn build_clone(workspace: &Workspace, folder: &Path) -> Result<Manifest> {
    report::line(&format!("building in {}", folder.display()));
    let mut clone = Command::new("git");
    clone.args(["clone", "--quiet", "--shared", "--no-tags"]).arg(&workspace.root).arg(folder);
    process::run(&mut clone, "git clone")?;
    let mut build = workspace.cargo();
    build.args(["xtask", "dist"]).current_dir(folder).env("CARGO_TARGET_DIR", folder.join("target"));
    process::run(&mut build, "cargo xtask dist")?;
    let manifest =
        Manifest::read_complete(&folder.join("dist")).context("the clone's dist/ is not complete")?;
    if !manifest.size_pass {
        bail!(
            "the size pass was left out in {}: Node is needed to compare what is shipped",
            folder.display()
        );
    }
    Ok(manifest)
}

/// The files that are in one only, or have other bytes.
fn differences(first: &Manifest, second: &Manifest) -> Vec<String> {
    let digests = |manifest: &Manifest| -> Vec<(String, String)> {
        manifest.files.iter().map(|file| (file.path.clone(), file.sha384.clone())).collect()
    };
    let (first, second) = (digests(first), digests(second));
    let mut differing: Vec<String> = first
        .iter()
        .filter(|file| !second.contains(file))
        .chain(second.iter().filter(|file| !first.contains(file)))
        .map(|(path, _)| path.clone())
        .collect();
    differing.sort();
    differing.dedup();
    differing
}

/// The package as npm publishes it.
fn pack(workspace: &Workspace, folder: &Path) -> Result<()> {
    let npm = on_path(&["npm"]).context("npm is not installed (it comes with Node)")?;
    let mut command = Command::new(npm);
    command.args(["pack", "--loglevel=error", "--pack-destination"]).arg(folder);
    command.current_dir(workspace.dist().join("npm"));
    process::output(&mut command, "npm pack").map(drop)
}

/// The system that the relay is built for, as rustc names it.
fn host(workspace: &Workspace) -> Result<String> {
    let mut command = workspace.cargo();
    command.args(["-vV"]);
    let output = process::output(&mut command, "cargo -vV")?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`cargo -vV` names no host")?.to_owned())
}

/// A line for each file, as `sha256sum --check` reads it.
fn checksums(folder: &Path) -> Result<String> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.sort();
    let mut sums = String::new();
    for file in files {
        let digest = Sha256::digest(fs::read(&file).with_context(|| file.display().to_string())?);
        for byte in digest {
            write!(sums, "{byte:02x}")?;
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        writeln!(sums, "  {name}")?;
    }
    Ok(sums)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| from.display().to_string()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asset::{Entry, Load};

    fn manifest(files: &[(&str, &str)]) -> Manifest {
        let entry = |(path, digest): &(&str, &str)| Entry {
            path: (*path).to_owned(),
            raw: 0,
            gzip: 0,
            brotli: 0,
            sha384: (*digest).to_owned(),
            load: Load::Panel,
        };
        Manifest { version: "1.0.0".to_owned(), size_pass: true, files: files.iter().map(entry).collect() }
    }

    #[test]
    fn a_file_with_other_bytes_or_in_one_build_only_is_named_once() {
        let first = manifest(&[("a.js", "1"), ("b.wasm", "2"), ("c.css", "3")]);
        let second = manifest(&[("a.js", "1"), ("b.wasm", "x")]);
        assert_eq!(differences(&first, &second), ["b.wasm", "c.css"]);
        assert!(differences(&first, &first).is_empty());
    }
}
