//! The shape of the code base as tests: who may import whom, what the engine
//! must never know, how long a file may grow. ARCHITECTURE.md states the rules.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a tree that cannot be read has failed the test")]
#![cfg(not(target_arch = "wasm32"))]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A room of the widget and the rooms that it may import from.
const ROOMS: &[(&str, &[&str])] = &[
    ("engine", &[]),
    ("shell", &["engine"]),
    ("view", &["engine", "shell"]),
    ("host", &["engine", "shell", "view"]),
];

/// Words that would tie the engine to a browser, a clock or chance.
const FORBIDDEN_IN_ENGINE: &[&str] = &[
    "leptos",
    "web_sys",
    "js_sys",
    "wasm_bindgen",
    "wasm_bindgen_futures",
    "gloo_net",
    "gloo_timers",
    "gloo_events",
    "Instant",
    "SystemTime",
    "rand",
    "getrandom",
    "JsValue",
];

/// Most lines of a source file above its tests: past it, it is two rooms.
const LONGEST_FILE: usize = 600;

struct Source {
    /// Relative to the checkout.
    path: PathBuf,
    text: String,
}

impl Source {
    /// Every line that is not a comment, with its number.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default()))
            .filter(|(_, line)| !line.trim().is_empty())
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust sources below a folder of the checkout.
fn sources(folder: &str) -> Vec<Source> {
    fn collect(folder: &Path, into: &mut Vec<Source>) {
        for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                into.push(Source { path: path.strip_prefix(root()).unwrap().to_path_buf(), text });
            }
        }
    }
    let mut found = Vec::new();
    collect(&root().join(folder), &mut found);
    assert!(!found.is_empty(), "{folder} holds no Rust source: has it moved?");
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

/// The words of a line: what may be an identifier.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).filter(|word| !word.is_empty())
}

/// The rooms that a line names: after `crate::`, alone or in a group's first place.
fn rooms_named(line: &str) -> Vec<&'static str> {
    let mut named = Vec::new();
    for after in line.split("crate::").skip(1) {
        let inside = after.strip_prefix('{').and_then(|group| group.split('}').next());
        let candidates: Vec<&str> = match inside {
            Some(group) => group.split(',').filter_map(|part| words(part).next()).collect(),
            None => words(after).next().into_iter().collect(),
        };
        named.extend(ROOMS.iter().map(|(room, _)| *room).filter(|room| candidates.contains(room)));
    }
    named
}

fn assert_none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn rooms_import_only_from_the_rooms_below_them() {
    let mut found = Vec::new();
    for (room, allowed) in ROOMS {
        for source in sources(&format!("src/{room}")) {
            for (number, line) in source.code() {
                for named in rooms_named(line) {
                    if named != *room && !allowed.contains(&named) {
                        found
                            .push(format!("{}:{number}: {room} imports from {named}", source.path.display()));
                    }
                }
            }
        }
    }
    assert_none(&found, "the directions of imports are those of ARCHITECTURE.md");
}

#[test]
fn the_test_of_directions_sees_every_way_of_naming_a_room() {
    assert_eq!(rooms_named("use crate::shell::store::Store;"), ["shell"]);
    assert_eq!(rooms_named("use crate::{engine::Event, view};"), ["engine", "view"]);
    assert_eq!(rooms_named("let x = crate::host::mount::y(crate::engine::z);"), ["host", "engine"]);
    assert!(rooms_named("use crate::strings;").is_empty());
}

#[test]
fn the_view_reads_the_shell_only_through_its_store() {
    let mut found = Vec::new();
    for source in sources("src/view") {
        for (number, line) in source.code() {
            for after in line.split("crate::shell").skip(1) {
                if !after.starts_with("::store") {
                    found.push(format!("{}:{number}: {}", source.path.display(), line.trim()));
                }
            }
        }
    }
    assert_none(&found, "view may import shell::store and nothing else of the shell");
}

#[test]
fn the_engine_knows_no_browser_no_clock_and_no_chance() {
    let mut found = Vec::new();
    for source in sources("src/engine") {
        for (number, line) in source.code() {
            if let Some(word) = words(line).find(|word| FORBIDDEN_IN_ENGINE.contains(word)) {
                found.push(format!("{}:{number}: {word}", source.path.display()));
            }
        }
    }
    assert_none(&found, "the engine is pure");
}

#[test]
fn no_html_string_is_written_anywhere() {
    let mut found = Vec::new();
    for source in sources("src") {
        for (number, line) in source.code() {
            let markup = ["inner_html", "outer_html", "insert_adjacent_html", "document.write"];
            if markup.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{number}: {}", source.path.display(), line.trim()));
            }
        }
    }
    assert_none(&found, "no HTML string anywhere");
}

#[test]
fn no_file_is_longer_than_a_room() {
    let mut found = Vec::new();
    for folder in ["src", "protocol/src", "relay/src", "simulator/src", "xtask/src"] {
        for source in sources(folder) {
            let lines = source.text.lines().take_while(|line| *line != "#[cfg(test)]").count();
            if lines > LONGEST_FILE {
                found.push(format!("{}: {lines} lines", source.path.display()));
            }
        }
    }
    assert_none(&found, &format!("files have at most {LONGEST_FILE} lines"));
}

#[test]
fn the_wire_depends_on_no_browser_and_no_framework() {
    for package in ["web-sys", "js-sys", "wasm-bindgen", "leptos", "tokio", "axum"] {
        let output = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--offline",
                "--package",
                "chinwag-protocol",
                "--edges",
                "normal",
                "--target",
                "all",
            ])
            .args(["--invert", package])
            .current_dir(root())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && errors.contains("did not match any packages"),
            "chinwag-protocol depends on {package}:\n{}{errors}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
}

#[test]
fn every_crate_shares_the_lints_of_the_workspace() {
    for manifest in ["Cargo.toml", "protocol/Cargo.toml", "relay/Cargo.toml"] {
        let text = fs::read_to_string(root().join(manifest)).unwrap();
        assert!(
            text.contains("[lints]\nworkspace = true"),
            "{manifest} must take the lints of the workspace"
        );
    }
}
