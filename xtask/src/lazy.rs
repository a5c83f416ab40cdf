//! What a page fetches only when it asks for it: languages, and the parts of the
//! JavaScript face that most pages never call.

use crate::asset::{Asset, Load};
use crate::widget::Part;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A file beside the module that is fetched later.
#[derive(Debug, Clone)]
pub struct Companion {
    /// Where `npm/src` wants its name.
    pub mark: String,
    /// Its name in the package for npm.
    pub plain: String,
    /// The file under its hashed name.
    pub asset: Asset,
}

impl Companion {
    /// A part of the wasm module, which may also be one that every question fetches.
    pub fn of_part(part: Part) -> Self {
        let name = part.name.to_lowercase();
        Self {
            mark: mark(&format!("part_{name}")),
            plain: format!("chinwag-{name}.wasm"),
            asset: Asset::banded(&format!("chinwag-{name}"), part.wasm, part.load),
        }
    }
}

/// Writes into `core.js` where the parts of the module are, each with the one that
/// has to be there before it.
pub fn with_parts(core: &str, parts: &[Part]) -> Result<String> {
    let address = |Part { name, base, .. }: &Part| {
        let mark = mark(&format!("part_{name}"));
        let base = base.as_ref().map(|base| format!(", \"{base}\"")).unwrap_or_default();
        format!(", {name}: [new URL(\"{mark}\", import.meta.url){base}]")
    };
    let list = format!("{{ __proto__: null{} }}", parts.iter().map(address).collect::<String>());
    if core.matches(PARTS).count() != 1 {
        bail!("npm/src/core.js must name {PARTS} exactly once");
    }
    Ok(core.replace(PARTS, &list))
}

/// Where `core.js` wants the list of the parts.
const PARTS: &str = "__CHINWAG_PARTS__";

/// The languages of `locales/` and the modules of `npm/lazy/`. `script`
/// minifies a module.
pub fn companions(root: &Path, script: impl Fn(&str, &str) -> Result<String>) -> Result<Vec<Companion>> {
    let mut found = Vec::new();
    for file in files(&root.join("locales"), "json")? {
        let (name, text) = read(&file)?;
        let texts: BTreeMap<String, String> =
            serde_json::from_str(&text).with_context(|| file.display().to_string())?;
        let bytes = serde_json::to_vec(&texts)?;
        found.push(Companion {
            mark: mark(&name),
            plain: format!("locales/{name}.json"),
            asset: Asset::hashed(&format!("chinwag-{name}"), "json", bytes, Load::Lazy),
        });
    }
    for file in files(&root.join("npm/lazy"), "js")? {
        let (name, text) = read(&file)?;
        let bytes = script(&name, &text)?.into_bytes();
        found.push(Companion {
            mark: mark(&name),
            plain: format!("{name}.js"),
            asset: Asset::hashed(&format!("chinwag-{name}"), "js", bytes, Load::Lazy),
        });
    }
    Ok(found)
}

fn mark(name: &str) -> String {
    format!("__CHINWAG_{}__", name.to_uppercase())
}

/// The files of a kind in a folder, in order.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// A file's name without its ending, and its text.
fn read(file: &Path) -> Result<(String, String)> {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok((name, fs::read_to_string(file).with_context(|| file.display().to_string())?))
}
