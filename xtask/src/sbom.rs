//! The bill of materials of a release: what is linked into the relay and the
//! widget, as `CycloneDX` 1.6. The package for npm has no dependencies.

use crate::process;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The packages whose dependencies are shipped.
const SHIPPED: [&str; 2] = ["chinwag", "chinwag-relay"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    repository: Option<String>,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

/// `null` is what is linked; "dev" and "build" are not shipped.
#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

/// The document, as cargo resolves the workspace's lock file.
pub fn document(workspace: &Workspace) -> Result<Value> {
    let mut command = workspace.cargo();
    command.args(["metadata", "--locked", "--format-version", "1"]);
    let output = process::output(&mut command, "cargo metadata")?;
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    Ok(describe(&metadata))
}

fn describe(metadata: &Metadata) -> Value {
    let packages: BTreeMap<&str, &Package> =
        metadata.packages.iter().map(|package| (package.id.as_str(), package)).collect();
    let linked: BTreeMap<&str, Vec<&str>> = metadata
        .resolve
        .nodes
        .iter()
        .map(|node| {
            let deps = node.deps.iter().filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind.is_none()));
            (node.id.as_str(), deps.map(|dep| dep.pkg.as_str()).collect())
        })
        .collect();

    let roots = metadata.packages.iter().filter(|package| SHIPPED.contains(&package.name.as_str()));
    let mut open: Vec<&str> = roots.map(|package| package.id.as_str()).collect();
    let mut shipped = BTreeSet::new();
    while let Some(id) = open.pop() {
        if shipped.insert(id) {
            open.extend(linked.get(id).into_iter().flatten());
        }
    }

    let reference = |id: &str| packages.get(id).map(|package| package_url(package)).unwrap_or_default();
    let mut components: Vec<Value> =
        shipped.iter().filter_map(|id| packages.get(id)).map(|package| component(package)).collect();
    components.sort_by_key(|component| component["purl"].to_string());
    let mut dependencies: Vec<Value> = shipped
        .iter()
        .map(|id| {
            let on: BTreeSet<String> =
                linked.get(id).into_iter().flatten().map(|dep| reference(dep)).collect();
            json!({ "ref": reference(id), "dependsOn": on })
        })
        .collect();
    dependencies.sort_by_key(|dependency| dependency["ref"].to_string());
    // No time and no serial number: the same sources give the same document.
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": { "type": "application", "name": "chinwag", "version": env!("CARGO_PKG_VERSION") }
        },
        "components": components,
        "dependencies": dependencies,
    })
}

fn component(package: &Package) -> Value {
    let purl = package_url(package);
    let mut component = json!({
        "type": "library",
        "bom-ref": purl,
        "name": package.name,
        "version": package.version,
        "purl": purl,
    });
    if let Some(license) = &package.license {
        // Older packages write "/" where SPDX has "OR".
        component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    if let Some(repository) = &package.repository {
        component["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
    }
    component
}

/// A package of the workspace has no registry to be found in.
fn package_url(package: &Package) -> String {
    let origin = if package.source.is_some() { "" } else { "?download_url=workspace" };
    format!("pkg:cargo/{}@{}{origin}", package.name, package.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_linked_is_named_and_what_only_builds_or_tests_is_not() {
        let package = |name: &str, source: bool| {
            json!({ "id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0",
                "repository": null, "source": source.then_some("registry") })
        };
        let on = |name: &str, kind: Option<&str>| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let metadata = json!({
            "packages": [package("chinwag-relay", false), package("linked", true), package("deeper", true),
                package("tests", true), package("builds", true), package("xtask", false)],
            "resolve": { "nodes": [
                { "id": "chinwag-relay", "deps": [on("linked", None), on("tests", Some("dev")), on("builds", Some("build"))] },
                { "id": "linked", "deps": [on("deeper", None)] },
                { "id": "deeper", "deps": [] }, { "id": "tests", "deps": [] }, { "id": "builds", "deps": [] },
                { "id": "xtask", "deps": [on("tests", None)] },
            ] },
        });
        let document = describe(&serde_json::from_value(metadata).expect("metadata"));
        let names: Vec<_> = document["components"]
            .as_array()
            .expect("components")
            .iter()
            .map(|one| one["name"].clone())
            .collect();
        assert_eq!(names, ["chinwag-relay", "deeper", "linked"]);
        assert_eq!(document["components"][1]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        let relay = &document["dependencies"][0];
        assert_eq!(relay["dependsOn"], json!(["pkg:cargo/linked@1.0.0"]));
    }
}
