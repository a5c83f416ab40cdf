//! What of others' work is shipped: linked into the relay and the widget, bundled
//! into its scripts, or kept in the sources. As a bill of materials, `CycloneDX`
//! 1.6, and as the notices that its licences ask for.

use crate::process;
use crate::setup::WASM;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The packages whose dependencies are shipped.
const WIDGET: &str = "chinwag";
const RELAY: &str = "chinwag-relay";

/// Where scripts of the widget import what is bundled into them.
const SCRIPTS: [&str; 2] = ["npm/lazy", "npm/src"];

/// How the files begin in which a package has its terms.
const TERMS: [&str; 5] = ["license", "licence", "copying", "notice", "unlicense"];

/// Something that is shipped.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Component {
    name: String,
    version: String,
    license: Option<String>,
    repository: Option<String>,
    /// Where its terms are.
    folder: PathBuf,
    /// What it links in turn, by package URL.
    links: BTreeSet<String>,
}

/// All of it, by package URL.
type Bill = BTreeMap<String, Component>;

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
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
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

/// A package of npm, as far as its `package.json` says.
#[derive(Deserialize)]
struct Bundled {
    name: String,
    version: String,
    license: Option<String>,
    repository: Option<Value>,
}

/// The bill of materials of a release for `host`, as `rustc` names it.
pub fn document(workspace: &Workspace, host: &str) -> Result<Value> {
    let mut bill = widget(workspace)?;
    merge(&mut bill, linked(workspace, RELAY, host)?);
    bill.extend([vectors(workspace)]);
    Ok(describe(&bill))
}

/// The notices of all that a release for `host` holds.
pub fn notices(workspace: &Workspace, host: &str) -> Result<String> {
    let mut bill = widget(workspace)?;
    merge(&mut bill, linked(workspace, RELAY, host)?);
    bill.extend([vectors(workspace)]);
    terms(&bill)
}

/// The notices of what the package for npm holds.
pub fn widget_notices(workspace: &Workspace) -> Result<String> {
    terms(&widget(workspace)?)
}

/// What is linked into the module and bundled into the scripts beside it.
fn widget(workspace: &Workspace) -> Result<Bill> {
    let mut bill = linked(workspace, WIDGET, WASM)?;
    for name in imports(&workspace.root)? {
        let folder = workspace.root.join("node_modules").join(&name);
        let file = folder.join("package.json");
        let text = fs::read(&file).with_context(|| file.display().to_string())?;
        let Bundled { name, version, license, repository } =
            serde_json::from_slice(&text).with_context(|| file.display().to_string())?;
        let address = repository.as_ref().map(|entry| entry.get("url").unwrap_or(entry));
        let repository = address.and_then(Value::as_str).map(str::to_owned);
        let url = format!("pkg:npm/{name}@{version}");
        bill.insert(url, Component { name, version, license, repository, folder, links: BTreeSet::new() });
    }
    Ok(bill)
}

/// What a package of the workspace links on a system, itself included.
fn linked(workspace: &Workspace, root: &str, target: &str) -> Result<Bill> {
    let mut command = workspace.cargo();
    command.args(["metadata", "--locked", "--format-version", "1", "--filter-platform", target]);
    let output = process::output(&mut command, "cargo metadata")?;
    let metadata = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    Ok(reached(&metadata, root))
}

fn reached(metadata: &Metadata, root: &str) -> Bill {
    // What runs in the compiler is not in what it writes.
    let is_shipped = |package: &&Package| {
        !package.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "proc-macro"))
    };
    let packages: BTreeMap<&str, &Package> =
        metadata.packages.iter().filter(is_shipped).map(|package| (package.id.as_str(), package)).collect();
    let links: BTreeMap<&str, Vec<&Package>> = metadata
        .resolve
        .nodes
        .iter()
        .map(|node| {
            let deps = node.deps.iter().filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind.is_none()));
            let deps = deps.filter_map(|dep| packages.get(dep.pkg.as_str()).copied());
            (node.id.as_str(), deps.collect())
        })
        .collect();

    let mut open: Vec<&Package> = packages.values().copied().filter(|package| package.name == root).collect();
    let mut bill = Bill::new();
    while let Some(package) = open.pop() {
        let on = links.get(package.id.as_str()).map(Vec::as_slice).unwrap_or_default();
        let component = Component {
            name: package.name.clone(),
            version: package.version.clone(),
            // Older packages write "/" where SPDX has "OR".
            license: package.license.as_ref().map(|license| license.replace('/', " OR ")),
            repository: package.repository.clone(),
            folder: package.manifest_path.parent().map(Path::to_path_buf).unwrap_or_default(),
            links: on.iter().map(|package| package_url(package)).collect(),
        };
        if bill.insert(package_url(package), component).is_none() {
            open.extend(on);
        }
    }
    bill
}

/// Both bills as one: on another system the same package may link others.
fn merge(bill: &mut Bill, other: Bill) {
    for (url, component) in other {
        match bill.get_mut(&url) {
            Some(known) => known.links.extend(component.links),
            None => drop(bill.insert(url, component)),
        }
    }
}

/// The vectors of the docs agent, which no package manager brings.
fn vectors(workspace: &Workspace) -> (String, Component) {
    let component = Component {
        name: "wordllama".to_owned(),
        version: "0.4.0".to_owned(),
        license: Some("MIT".to_owned()),
        repository: Some("https://github.com/dleemiller/WordLlama".to_owned()),
        folder: workspace.root.join("relay/src/upstream/docs/meaning"),
        links: BTreeSet::new(),
    };
    (format!("pkg:pypi/{}@{}", component.name, component.version), component)
}

/// The packages that the scripts import, by name.
fn imports(root: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for folder in SCRIPTS {
        for entry in fs::read_dir(root.join(folder)).with_context(|| folder.to_owned())? {
            let path = entry?.path();
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            names.extend(text.lines().filter_map(imported).map(str::to_owned));
        }
    }
    Ok(names)
}

/// The package that a line imports, if it does.
fn imported(line: &str) -> Option<&str> {
    let (_, after) = line.strip_prefix("import ")?.split_once("from \"")?;
    let (name, _) = after.split_once('"')?;
    (!name.starts_with('.')).then_some(name)
}

fn describe(bill: &Bill) -> Value {
    let components: Vec<Value> = bill.iter().map(|(url, component)| entry(url, component)).collect();
    let dependencies: Vec<Value> =
        bill.iter().map(|(url, component)| json!({ "ref": url, "dependsOn": component.links })).collect();
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

fn entry(url: &str, component: &Component) -> Value {
    let mut entry = json!({
        "type": "library",
        "bom-ref": url,
        "name": component.name,
        "version": component.version,
        "purl": url,
    });
    if let Some(license) = &component.license {
        entry["licenses"] = json!([{ "expression": license }]);
    }
    if let Some(repository) = &component.repository {
        entry["externalReferences"] = json!([{ "type": "vcs", "url": repository }]);
    }
    entry
}

/// What the licences ask to be passed on: each text once, under all to whom it applies.
fn terms(bill: &Bill) -> Result<String> {
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut list = String::new();
    for component in bill.values().filter(|component| !is_own(component)) {
        let Component { name, version, license, .. } = component;
        writeln!(list, "{name} {version}: {}", license.as_deref().unwrap_or("see below"))?;
        for text in terms_of(&component.folder)? {
            texts.entry(text).or_default().insert(format!("{name} {version}"));
        }
    }
    let mut notices = format!("Chinwag contains the following works of others.\n\n{list}");
    let rule = "-".repeat(79);
    for (text, of) in texts {
        let of: Vec<String> = of.into_iter().collect();
        write!(notices, "\n{rule}\n{}\n{rule}\n\n{text}\n", of.join(", "))?;
    }
    Ok(notices)
}

fn is_own(component: &Component) -> bool {
    component.name == WIDGET || component.name.starts_with("chinwag-")
}

/// The texts of a package's terms.
fn terms_of(folder: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if path.is_file() && TERMS.iter().any(|begin| name.starts_with(begin)) {
            files.push(path);
        }
    }
    files.sort();
    let text = |file: PathBuf| {
        let bytes = fs::read(&file).with_context(|| file.display().to_string())?;
        Ok(String::from_utf8_lossy(&bytes).replace("\r\n", "\n").trim().to_owned())
    };
    files.into_iter().map(text).collect()
}

/// A package of the workspace has no registry to be found in.
fn package_url(package: &Package) -> String {
    let origin = if package.source.is_some() { "" } else { "?download_url=workspace" };
    format!("pkg:cargo/{}@{}{origin}", package.name, package.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bill() -> Bill {
        let package = |name: &str, source: bool, kind: &str| {
            json!({ "id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0",
                "repository": null, "source": source.then_some("registry"),
                "manifest_path": format!("/sources/{name}/Cargo.toml"), "targets": [{ "kind": [kind] }] })
        };
        let on = |name: &str, kind: Option<&str>| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let metadata = json!({
            "packages": [package("chinwag-relay", false, "bin"), package("linked", true, "lib"),
                package("deeper", true, "lib"), package("tests", true, "lib"), package("builds", true, "lib"),
                package("derives", true, "proc-macro"), package("parses", true, "lib"), package("xtask", false, "bin")],
            "resolve": { "nodes": [
                { "id": "chinwag-relay", "deps": [on("linked", None), on("tests", Some("dev")), on("builds", Some("build"))] },
                { "id": "linked", "deps": [on("deeper", None), on("derives", None)] },
                { "id": "derives", "deps": [on("parses", None)] },
                { "id": "deeper", "deps": [] }, { "id": "tests", "deps": [] }, { "id": "builds", "deps": [] },
                { "id": "parses", "deps": [] }, { "id": "xtask", "deps": [on("tests", None)] },
            ] },
        });
        reached(&serde_json::from_value(metadata).expect("metadata"), RELAY)
    }

    #[test]
    fn what_is_linked_is_named_and_what_only_builds_or_tests_is_not() {
        let document = describe(&bill());
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

    #[test]
    fn what_two_systems_link_is_together() {
        let mut both = bill();
        let mut other = bill();
        for component in other.values_mut() {
            component.links.insert("pkg:cargo/only-there@1.0.0".to_owned());
        }
        merge(&mut both, other);
        assert_eq!(both.len(), 3);
        assert!(both["pkg:cargo/linked@1.0.0"].links.contains("pkg:cargo/only-there@1.0.0"));
        assert!(both["pkg:cargo/linked@1.0.0"].links.contains("pkg:cargo/deeper@1.0.0"));
    }

    #[test]
    fn what_a_script_has_bundled_in_is_found_by_its_import() {
        assert_eq!(imported("import { encode } from \"uqr\";"), Some("uqr"));
        assert_eq!(imported("import makeGlue from \"./glue.js\";"), None);
        assert_eq!(imported("const qr = () => import(\"__CHINWAG_QR__\");"), None);
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a root");
        assert_eq!(imports(root).expect("scripts"), BTreeSet::from(["uqr".to_owned()]));
    }

    #[test]
    fn a_text_stands_once_under_all_to_whom_it_applies_and_ours_is_no_notice() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut bill = bill();
        for component in bill.values_mut() {
            component.folder = folder.path().join(&component.name);
            fs::create_dir(&component.folder).expect("a folder");
            fs::write(component.folder.join("LICENSE-MIT"), "Permission is granted.\r\n").expect("a file");
            fs::write(component.folder.join("lib.rs"), "// no terms").expect("a file");
        }
        let text = terms(&bill).expect("notices");
        assert_eq!(text.matches("Permission is granted.\n").count(), 1, "{text}");
        assert!(text.contains("\ndeeper 1.0.0, linked 1.0.0\n") && !text.contains("no terms"), "{text}");
        assert!(!text.contains("chinwag-relay"), "{text}");
    }
}
