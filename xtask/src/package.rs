//! The package for npm: `dist/npm/`, ready for `npm publish`.

use crate::asset::{Asset, Load};
use crate::lazy::Companion;
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;

/// The package's entry, which its loader imports too.
pub const MODULE: &str = "index.js";
/// The wasm in the package.
pub const WASM: &str = "chinwag.wasm";
/// The styles in the package.
pub const CSS: &str = "chinwag.css";
/// What the licences of others' work ask to be passed on.
pub const NOTICES: &str = "THIRD-PARTY-NOTICES.txt";
/// The module with every file in it.
const INLINE: &str = "inline.js";

/// What is in the package as it is in the sources.
const SOURCES: &[(&str, &str)] = &[
    ("index.d.ts", "npm/index.d.ts"),
    ("element.js", "npm/element.js"),
    ("element.d.ts", "npm/element.d.ts"),
    ("react.js", "npm/react.js"),
    ("react.d.ts", "npm/react.d.ts"),
    ("inline.d.ts", "npm/inline.d.ts"),
    ("names.js", "npm/names.js"),
    ("README.md", "npm/README.md"),
    ("LICENSE-MIT", "LICENSE-MIT"),
    ("LICENSE-APACHE", "LICENSE-APACHE"),
];

/// What the build made for the package.
#[derive(Debug)]
pub struct Contents<'a> {
    /// The ES module, with plain names.
    pub module: &'a str,
    /// The glue, where the module does not hold it.
    pub glue: Option<&'a str>,
    /// The module's wasm.
    pub wasm: &'a [u8],
    /// The style sheet.
    pub css: &'a [u8],
    /// What is fetched later.
    pub companions: &'a [Companion],
    /// The module with every file in it; without Node there is none.
    pub inline: Option<&'a str>,
    /// The loader that imports [`MODULE`] from beside it.
    pub loader: &'a str,
    /// What the licences of others' work ask to be passed on; without Node nothing of npm's is known.
    pub notices: Option<String>,
}

/// The files of the package. Names carry no hash here: a bundler gives them one.
pub fn assets(root: &Path, contents: &Contents<'_>) -> Result<Vec<Asset>> {
    let mut files: Vec<(&str, Vec<u8>)> = vec![
        (MODULE, contents.module.into()),
        (WASM, contents.wasm.into()),
        (CSS, contents.css.into()),
        ("loader.js", contents.loader.into()),
        ("package.json", manifest(root, contents.inline.is_some())?.into_bytes()),
    ];
    for companion in contents.companions {
        files.push((&companion.plain, companion.asset.bytes.clone()));
    }
    if let Some(inline) = contents.inline {
        files.push((INLINE, inline.into()));
    }
    if let Some(notices) = &contents.notices {
        files.push((NOTICES, notices.clone().into_bytes()));
    }
    if let Some(glue) = contents.glue {
        files.push(("glue.js", glue.into()));
    }
    for &(name, source) in SOURCES {
        let file = root.join(source);
        files.push((name, fs::read(&file).with_context(|| file.display().to_string())?));
    }
    Ok(files
        .into_iter()
        .map(|(name, bytes)| Asset::named(format!("npm/{name}"), bytes, Load::Other))
        .collect())
}

/// `npm/package.json` with the workspace's version, which is written once, in `Cargo.toml`.
fn manifest(root: &Path, has_inline: bool) -> Result<String> {
    let file = root.join("npm").join("package.json");
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let mut manifest: serde_json::Value =
        serde_json::from_str(&text).with_context(|| file.display().to_string())?;
    manifest["version"] = env!("CARGO_PKG_VERSION").into();
    if !has_inline && let Some(exports) = manifest["exports"].as_object_mut() {
        exports.remove("./inline");
    }
    Ok(serde_json::to_string_pretty(&manifest)? + "\n")
}
