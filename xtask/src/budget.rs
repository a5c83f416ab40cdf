//! The budget of bytes: what a page fetches, against `budgets.toml`.

use crate::asset::{Entry, Load, Manifest};
use crate::report;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::fs;
use std::path::Path;

/// `budgets.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Budgets {
    brotli: Brotli,
}

/// Ceilings in brotli bytes, inclusive.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Brotli {
    loader: u64,
    panel: u64,
    answer: u64,
    everything: u64,
}

/// Brotli bytes of what a page fetches.
#[derive(Debug, Clone, Copy)]
pub struct Fetched {
    /// What draws the launcher.
    pub loader: u64,
    /// That, and what draws a usable panel.
    pub panel: u64,
    /// That, and what sends a question and shows its answer.
    pub answer: u64,
    /// That, and all that is fetched when it is first needed.
    pub everything: u64,
}

/// Prints the sizes of what a page fetches, and returns their sums.
pub fn print(manifest: &Manifest) -> Fetched {
    let fetched: Vec<&Entry> = manifest.files.iter().filter(|entry| entry.load != Load::Other).collect();
    let mut rows: Vec<[String; 5]> =
        vec![[String::new(), "file".into(), "raw".into(), "gzip".into(), "brotli".into()]];
    for entry in &fetched {
        rows.push([
            part(entry).to_owned(),
            entry.path.clone(),
            report::bytes(entry.raw),
            report::bytes(entry.gzip),
            report::bytes(entry.brotli),
        ]);
    }
    let sum = |last: Load, bytes: fn(&Entry) -> u64| {
        fetched.iter().filter(|entry| entry.load <= last).map(|entry| bytes(entry)).sum::<u64>()
    };
    for (name, last) in [("panel", Load::Panel), ("answer", Load::Answer), ("total", Load::Lazy)] {
        let bytes = |bytes| report::bytes(sum(last, bytes));
        let (raw, gzip, brotli) =
            (bytes(|entry| entry.raw), bytes(|entry| entry.gzip), bytes(|entry| entry.brotli));
        rows.push([name.into(), String::new(), raw, gzip, brotli]);
    }
    for [part, file, raw, gzip, brotli] in rows {
        report::detail(&format!("{part:<8} {file:<30} {raw:>9} {gzip:>9} {brotli:>9}"));
    }
    let brotli = |last| sum(last, |entry| entry.brotli);
    Fetched {
        loader: brotli(Load::Launcher),
        panel: brotli(Load::Panel),
        answer: brotli(Load::Answer),
        everything: brotli(Load::Lazy),
    }
}

/// Prints the sizes and fails if one is over its ceiling.
pub fn check(root: &Path, manifest: &Manifest) -> Result<()> {
    let file = root.join("budgets.toml");
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let budgets: Budgets = toml::from_str(&text).with_context(|| file.display().to_string())?;
    let fetched = print(manifest);
    let mut over = Vec::new();
    let ceilings = &budgets.brotli;
    for (what, measured, ceiling) in [
        ("the loader", fetched.loader, ceilings.loader),
        ("a usable panel", fetched.panel, ceilings.panel),
        ("a question and its answer", fetched.answer, ceilings.answer),
        ("everything", fetched.everything, ceilings.everything),
    ] {
        let verdict = if measured > ceiling { "OVER" } else { "within" };
        let text = format!("{what}: {} of {} brotli bytes", report::bytes(measured), report::bytes(ceiling));
        report::detail(&format!("{verdict} budget: {text}"));
        if measured > ceiling {
            over.push(text);
        }
    }
    if !manifest.size_pass {
        bail!("the size pass was left out, so these are not the sizes that are shipped");
    }
    if !over.is_empty() {
        bail!("over budget (budgets.toml): {}", over.join("; "));
    }
    Ok(())
}

/// What a file is to the reader of the table.
fn part(entry: &Entry) -> &'static str {
    let extension = Path::new(&entry.path).extension().and_then(|extension| extension.to_str());
    match (entry.load, extension) {
        (Load::Launcher, _) => "loader",
        (_, Some("wasm")) => "wasm",
        (_, Some("css")) => "CSS",
        (_, Some("js")) => "glue",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(loader: u64, wasm: u64) -> Manifest {
        let entry = |path: &str, brotli: u64, load: Load| Entry {
            path: path.to_owned(),
            raw: brotli * 3,
            gzip: brotli + 10,
            brotli,
            sha384: String::new(),
            load,
        };
        Manifest {
            version: "1".to_owned(),
            size_pass: true,
            files: vec![
                entry("chinwag.js", loader, Load::Launcher),
                entry("chinwag-1.wasm", wasm, Load::Panel),
                entry("chinwag-reply-1.wasm", 500, Load::Answer),
                entry("chinwag-de.json", 1_000, Load::Lazy),
                entry("npm/index.js", 900_000, Load::Other),
            ],
        }
    }

    #[test]
    fn the_ceilings_hold_for_what_a_page_fetches() {
        let root = std::env::temp_dir().join(format!("chinwag-xtask-budget-{}", std::process::id()));
        fs::create_dir_all(&root).expect("a folder");
        fs::write(
            root.join("budgets.toml"),
            "[brotli]\nloader = 3_000\npanel = 100_000\nanswer = 100_500\neverything = 101_500\n",
        )
        .expect("a file");
        assert!(check(&root, &manifest(3_000, 97_000)).is_ok());
        assert!(check(&root, &manifest(3_001, 90_000)).is_err());
        assert!(check(&root, &manifest(3_000, 97_001)).is_err());
        fs::write(
            root.join("budgets.toml"),
            "[brotli]\nloader = 3_000\npanel = 100_000\nanswer = 100_500\neverything = 101_499\n",
        )
        .expect("a file");
        assert!(check(&root, &manifest(3_000, 97_000)).is_err(), "what is fetched later counts, too");
        assert!(check(&root, &Manifest { size_pass: false, ..manifest(1, 1) }).is_err());
        fs::remove_dir_all(root).expect("removed");
    }
}
